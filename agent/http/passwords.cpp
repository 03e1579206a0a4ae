#include "agent/http/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "agent/http/gate_pass.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::size_t kBcryptLength = 60;
constexpr std::size_t kSaltBegin = 7;  // behind "$2b$10$"
constexpr std::size_t kMostKnown = 256;
constexpr int kLeastCost = 10;
constexpr int kMostCost = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A letter of bcrypt's own base64.
bool is_salt_letter(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '/';
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=') && text.size() % 4 != 2) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xFFU);
  }
  return out;
}

void append_length(std::string& text, std::string_view part) {
  const std::uint64_t size = part.size();
  for (unsigned shift = 0; shift < 64; shift += 8) text += static_cast<char>(size >> shift & 0xFFU);
  text += part;
}

}  // namespace

std::optional<Credentials> parse_basic_authorization(std::string_view header) {
  constexpr std::string_view kScheme = "Basic ";
  if (!same_word(header.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  header.remove_prefix(kScheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  const auto decoded = decode_base64(header);
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

std::optional<std::string> bcrypt_problem(std::string_view hash) {
  const bool marked =
      hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
  const bool whole = marked && hash.size() == kBcryptLength && is_digit(hash[4]) &&
                     is_digit(hash[5]) && hash[6] == '$' &&
                     std::ranges::all_of(hash.substr(kSaltBegin), is_salt_letter);
  if (!whole) return "is not a bcrypt hash; make one with htpasswd -nBC 10 USER";
  const int cost = (hash[4] - '0') * 10 + hash[5] - '0';
  if (cost < kLeastCost) {
    return "has the bcrypt cost " + std::to_string(cost) +
           ", which is guessed too fast; use 10 to 16";
  }
  if (cost > kMostCost) {
    return "has the bcrypt cost " + std::to_string(cost) + ", which takes too long; use 10 to 16";
  }
  return std::nullopt;
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto memory = std::make_unique<crypt_data>();
  const char* const made = crypt_r(password.c_str(), hash.c_str(), memory.get());
  const bool matches = made != nullptr && std::string_view(made).size() == hash.size() &&
                       CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(memory.get(), sizeof(crypt_data));
  return matches;
}

UserTable::UserTable(std::vector<std::pair<std::string, std::string>> users)
    : users_(std::move(users)) {}

const std::string* UserTable::find(std::string_view user) const {
  const auto found = std::ranges::find(
      users_, user, [](const auto& entry) { return std::string_view(entry.first); });
  return found == users_.end() ? nullptr : &found->second;
}

const std::string& UserTable::hash_of(std::string_view user) const {
  const std::string* const found = find(user);
  return found != nullptr ? *found : users_.front().second;
}

bool UserTable::accepts(const Credentials& credentials) const {
  const bool matches = bcrypt_matches(credentials.password, hash_of(credentials.user));
  return find(credentials.user) != nullptr && matches;
}

CredentialCache::CredentialCache() { fill_with_random_bytes(secret_); }

CredentialCache::Key CredentialCache::key_of(const Credentials& credentials,
                                             std::string_view hash) const {
  std::string text;
  append_length(text, credentials.user);
  append_length(text, hash);
  append_length(text, credentials.password);
  Key key{};
  unsigned int size = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL takes bytes
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), bytes, text.size(),
       key.data(), &size);
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

void CredentialCache::add(const Key& key) {
  if (!known_.insert(key).second) return;
  oldest_first_.push_back(key);
  if (oldest_first_.size() <= kMostKnown) return;
  known_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

}  // namespace heapfloor
