#include "collectors/parse/passwd.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(Passwd, UsersComeByTheirNumber) {
  const auto users =
      parse_passwd("root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/:\nbin:x:2:2:::\n");
  EXPECT_EQ(users, (std::vector<UserName>{{0, "root"}, {2, "bin"}, {33, "www-data"}}));
}

TEST(Passwd, OfTwoNamesOfOneUserTheFirstStays) {
  const auto users = parse_passwd("root:x:0:0:::\ntoor:x:0:0:::\n");
  EXPECT_EQ(users, (std::vector<UserName>{{0, "root"}}));
}

TEST(Passwd, WhatIsNoUserIsSkipped) {
  const auto users = parse_passwd(
      "# comment\n+::::::\n\nx\na:b\nneg:x:-1:0:::\nbig:x:4294967296:0:::\n:x:5:5:::\ncut:x:7");
  EXPECT_TRUE(users.empty());
}

}  // namespace
}  // namespace heapfloor
