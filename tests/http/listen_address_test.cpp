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

TEST(ListenAddress, IsAnIpv4AddressAndAPort) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:4327").civetweb_port(), "127.0.0.1:4327");
  EXPECT_EQ(parse_listen_address("localhost:0").civetweb_port(), "127.0.0.1:0");
  EXPECT_EQ(parse_listen_address(":65535").civetweb_port(), "65535");
  EXPECT_EQ(parse_listen_address("0.0.0.0:80").civetweb_port(), "80");
  EXPECT_TRUE(parse_listen_address("127.1.2.3:1").is_loopback());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:1").is_loopback());
}

TEST(ListenAddress, RefusesWhatItCannotListenOnAndSaysWhy) {
  EXPECT_THAT(refusal_of("[::1]:4327"), ::testing::HasSubstr("IPv6"));
  EXPECT_THAT(refusal_of("::1:4327"), ::testing::HasSubstr("IPv6"));
  EXPECT_THAT(refusal_of("4327"), ::testing::HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(refusal_of("example.org:80"), ::testing::HasSubstr("not an IPv4 address"));
  EXPECT_THAT(refusal_of("127.0.0.1:443s"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:65536"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:"), ::testing::HasSubstr("port"));
  EXPECT_THAT(refusal_of("127.0.0.1:+1"), ::testing::HasSubstr("port"));
}

TEST(OwnHost, IsLoopbackTheAddressOrAnAllowedName) {
  const ListenAddress address = parse_listen_address("127.0.0.5:4327");
  const std::vector<std::string> allowed = {"Proxy.Example"};
  for (const char* const host :
       {"localhost", "LOCALHOST:4327", "localhost.", "127.0.0.1", "127.0.0.5:1", "[::1]:4327",
        "proxy.example", "PROXY.example:80"}) {
    EXPECT_TRUE(is_own_host(host, address, allowed)) << host;
  }
  for (const char* const host : {"", ":4327", "127.evil.example", "localhost.evil.example", "[::2]",
                                 "10.0.0.1", "proxy.example.evil"}) {
    EXPECT_FALSE(is_own_host(host, address, allowed)) << host;
  }
}

}  // namespace
}  // namespace heapfloor
