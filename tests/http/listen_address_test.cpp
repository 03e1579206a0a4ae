#include "agent/http/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace heapfloor {
namespace {

std::string refusal_of(const std::string& text) {
  try {
    parse_listen_address(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ListenAddress, IsAnAddressAndAPort) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:4327").text(), "127.0.0.1:4327");
  EXPECT_EQ(parse_listen_address("localhost:0").text(), "127.0.0.1:0");
  EXPECT_EQ(parse_listen_address(":65535").text(), ":65535");
  EXPECT_EQ(parse_listen_address("0.0.0.0:80").text(), ":80");
  EXPECT_EQ(parse_listen_address("[::1]:4327").text(), "[::1]:4327");
  EXPECT_EQ(parse_listen_address("[::]:4327").text(), "[::]:4327");
  EXPECT_EQ(parse_listen_address("[2001:DB8:0:0::1]:1").text(), "[2001:db8::1]:1");
}

TEST(ListenAddress, IsLoopbackOnlyWhereNobodyElseReachesIt) {
  for (const char* const text : {"127.1.2.3:1", "localhost:1", "[::1]:1", "[0:0::1]:1"}) {
    EXPECT_TRUE(parse_listen_address(text).is_loopback()) << text;
  }
  for (const char* const text :
       {"0.0.0.0:1", ":1", "[::]:1", "10.0.0.1:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(parse_listen_address(text).is_loopback()) << text;
  }
}

TEST(ListenAddress, SaysHowAClientOnThisMachineReachesIt) {
  EXPECT_EQ(parse_listen_address(":0").local_text(4327), "127.0.0.1:4327");
  EXPECT_EQ(parse_listen_address("[::]:0").local_text(4327), "127.0.0.1:4327");
  EXPECT_EQ(parse_listen_address("[::1]:0").local_text(4327), "[::1]:4327");
}

TEST(ListenAddress, MayBeSeveral) {
  const auto addresses = parse_listen_addresses("127.0.0.1:1, [::1]:2,:3");
  ASSERT_EQ(addresses.size(), 3U);
  EXPECT_EQ(addresses[1].text(), "[::1]:2");
  EXPECT_THROW(parse_listen_addresses(""), std::runtime_error);
  EXPECT_THROW(parse_listen_addresses(":1,"), std::runtime_error);
  EXPECT_THROW(parse_listen_addresses(":1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1,:1"),
               std::runtime_error);
}

TEST(ListenAddress, RefusesWhatItCannotListenOnAndSaysWhy) {
  EXPECT_THAT(refusal_of("::1:4327"), ::testing::HasSubstr("[ADDRESS]:PORT"));
  EXPECT_THAT(refusal_of("[::1:4327"), ::testing::HasSubstr("[ADDRESS]:PORT"));
  EXPECT_THAT(refusal_of("[::1]"), ::testing::HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(refusal_of("[::1%lo]:1"), ::testing::HasSubstr("not an IPv6 address"));
  EXPECT_THAT(refusal_of("[127.0.0.1]:1"), ::testing::HasSubstr("not an IPv6 address"));
  EXPECT_THAT(refusal_of("4327"), ::testing::HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(refusal_of("example.org:80"), ::testing::HasSubstr("neither an IPv4"));
  EXPECT_THAT(refusal_of("127.0.0.1:443s"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:65536"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:+1"), ::testing::HasSubstr("port"));
}

TEST(OwnHost, IsLoopbackAnAddressListenedOnOrAnAllowedName) {
  const auto addresses = parse_listen_addresses("127.0.0.5:4327,[2001:db8::1]:4327,:4327");
  const std::vector<std::string> allowed = {"Proxy.Example"};
  for (const char* const host :
       {"localhost", "LOCALHOST:4327", "localhost.", "127.0.0.1", "127.0.0.5:1", "[::1]:4327",
        "[2001:DB8::1]", "proxy.example", "PROXY.example:80"}) {
    EXPECT_TRUE(is_own_host(host, addresses, allowed)) << host;
  }
  for (const char* const host : {"", ":4327", "127.evil.example", "localhost.evil.example", "[::2]",
                                 "[::1", "[evil]", "10.0.0.1", "proxy.example.evil"}) {
    EXPECT_FALSE(is_own_host(host, addresses, allowed)) << host;
  }
}

}  // namespace
}  // namespace heapfloor
