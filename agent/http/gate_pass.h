// What the gate tells the server behind it of each request, in one header field that starts with a
// secret of this start.
//
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace heapfloor {

struct GatePass {
  std::string remote_address;          // of the client, as text
  bool is_loopback_listener = false;   // it came in on an address that only this machine reaches
  bool offers_authentication = false;  // a client can say who it is
  bool is_authenticated = false;       // this one did
};

// Fills it from the kernel (getrandom(2)); OpenSSL's generator would load most of its library into
// an agent without TLS. Throws std::runtime_error when the system gives none.
void fill_with_random_bytes(std::span<unsigned char> bytes);

// 256 random bits in hexadecimal digits. Throws std::runtime_error when the system gives none.
std::string make_gate_secret();

std::string render_gate_pass(std::string_view secret, const GatePass& pass);

// Nothing for a text that does not start with the secret; how long it takes does not say where they
// differ.
std::optional<GatePass> parse_gate_pass(std::string_view text, std::string_view secret);

}  // namespace heapfloor
