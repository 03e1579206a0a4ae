#include "collectors/parse/pid_statm.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(PidStatm, TheFourSizesAreRead) {
  const auto statm = parse_pid_statm("765 442 414 5 0 123 0\n");
  ASSERT_TRUE(statm);
  EXPECT_EQ(*statm, (PidStatm{765, 442, 414, 123}));
}

TEST(PidStatm, WhatIsNotAllNumbersIsMalformed) {
  for (const char* text :
       {"", "\n", "1 2 3 4 5\n", "1 2 3 4 5 x 7\n", "1 -2 3 4 5 6 7\n", "1 2 3\n4 5 6 7\n"}) {
    EXPECT_FALSE(parse_pid_statm(text)) << text;
  }
}

}  // namespace
}  // namespace heapfloor
