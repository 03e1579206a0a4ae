#include "collectors/user_names.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/memory_host_root.h"

namespace heapfloor {
namespace {

using testing::MemoryHostRoot;

class UserNamesTest : public ::testing::Test {
 protected:
  std::string text_ = "root:x:0:0:::\nwww-data:x:33:33:::\n";
  int reads_ = 0;
  MemoryHostRoot root_{[this](std::string_view path) -> Result<std::string> {
    ++reads_;
    if (path != "root/etc/passwd")
      return failure(ErrorKind::unavailable, std::string(path), "no such file");
    return text_;
  }};
  UserNames users_{root_};
};

TEST_F(UserNamesTest, AnswersFromOneReading) {
  EXPECT_EQ(users_.name_of("33"), "www-data");
  EXPECT_EQ(users_.name_of("0"), "root");
  EXPECT_EQ(users_.name_of("33"), "www-data");
  EXPECT_EQ(reads_, 1);
}

TEST_F(UserNamesTest, LooksForAStrangerNowAndThenAndNotAlways) {
  for (std::uint32_t i = 0; i < UserNames::kPatience; ++i) EXPECT_EQ(users_.name_of("7"), "");
  EXPECT_EQ(reads_, 1);
  text_ += "new:x:7:7:::\n";
  EXPECT_EQ(users_.name_of("7"), "new");
  EXPECT_EQ(reads_, 2);
}

TEST_F(UserNamesTest, WhatIsNoNumberHasNoName) {
  for (const char* text : {"", "-1", "root", "0x0", "99999999999999999999"})
    EXPECT_EQ(users_.name_of(text), "") << text;
}

}  // namespace
}  // namespace heapfloor
