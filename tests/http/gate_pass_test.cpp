#include "agent/http/gate_pass.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(GatePass, ComesThroughWithItsSecretOnly) {
  const std::string secret = make_gate_secret();
  EXPECT_EQ(secret.size(), 64U);
  EXPECT_NE(secret, make_gate_secret());
  const GatePass pass{.remote_address = "2001:db8::1",
                      .is_loopback_listener = true,
                      .offers_authentication = false,
                      .is_authenticated = true};
  const std::string text = render_gate_pass(secret, pass);
  const auto parsed = parse_gate_pass(text, secret);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->remote_address, "2001:db8::1");
  EXPECT_TRUE(parsed->is_loopback_listener);
  EXPECT_FALSE(parsed->offers_authentication);
  EXPECT_TRUE(parsed->is_authenticated);
  EXPECT_FALSE(parse_gate_pass(text, make_gate_secret()));
  EXPECT_FALSE(parse_gate_pass(text.substr(1), secret));
  EXPECT_FALSE(parse_gate_pass(secret, secret));
  EXPECT_FALSE(parse_gate_pass("", secret));
  EXPECT_FALSE(parse_gate_pass(" 111 127.0.0.1", "")) << "no secret opens nothing";
}

}  // namespace
}  // namespace heapfloor
