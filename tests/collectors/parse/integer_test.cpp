#include "collectors/parse/integer.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Integer, IsReadWithAndWithoutALineEnd) {
  EXPECT_EQ(parse_integer("65530\n").value(), 65530U);
  EXPECT_EQ(parse_integer("0").value(), 0U);
}

TEST(Integer, AnythingElseIsMalformed) {
  for (const char* text :
       {"", "\n", "-1\n", "1 2\n", "1\n\n", "many\n", "99999999999999999999\n"}) {
    const auto value = parse_integer(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().kind, ErrorKind::malformed);
  }
}

}  // namespace
}  // namespace heapfloor
