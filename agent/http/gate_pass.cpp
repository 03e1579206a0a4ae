#include "agent/http/gate_pass.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <array>
#include <stdexcept>

namespace heapfloor {
namespace {

constexpr std::size_t kFlags = 3;

char flag(bool on) { return on ? '1' : '0'; }

}  // namespace

// Up to 256 bytes come whole (random(7)).
void fill_with_random_bytes(std::span<unsigned char> bytes) {
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("the system gives no random bytes");
  }
}

std::string make_gate_secret() {
  std::array<unsigned char, 32> bytes{};
  fill_with_random_bytes(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

std::string render_gate_pass(std::string_view secret, const GatePass& pass) {
  std::string text(secret);
  text += ' ';
  text += flag(pass.is_loopback_listener);
  text += flag(pass.offers_authentication);
  text += flag(pass.is_authenticated);
  text += ' ';
  text += pass.remote_address;
  return text;
}

std::optional<GatePass> parse_gate_pass(std::string_view text, std::string_view secret) {
  const std::size_t begin = secret.size() + 1;
  if (secret.empty() || text.size() < begin + kFlags + 1 ||
      CRYPTO_memcmp(text.data(), secret.data(), secret.size()) != 0) {
    return std::nullopt;
  }
  GatePass pass;
  pass.is_loopback_listener = text[begin] == '1';
  pass.offers_authentication = text[begin + 1] == '1';
  pass.is_authenticated = text[begin + 2] == '1';
  pass.remote_address = text.substr(begin + kFlags + 1);
  return pass;
}

}  // namespace heapfloor
