// Basic authentication against bcrypt hashes (RFC 7617; crypt(5)).
//
// One check costs what the hash asks for, tens of milliseconds and more, so it never runs on the
// thread that accepts, and what was found right is remembered.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

struct Credentials {
  std::string user;
  std::string password;
};

// The credentials in an Authorization header, or nothing when it has none of the scheme Basic or is
// malformed. Pure.
std::optional<Credentials> parse_basic_authorization(std::string_view header);

// What is wrong with a hash ("is not a bcrypt hash …"), or nothing. Only $2a$, $2b$ and $2y$ of a
// cost from 10 (less is guessed too fast) to 16 (more is minutes of CPU for a client's guess).
// Pure.
std::optional<std::string> bcrypt_problem(std::string_view hash);

// Whether the password belongs to the hash. Slow; the time does not depend on where they differ.
// Thread-safe.
bool bcrypt_matches(const std::string& password, const std::string& hash);

// The users of one web-config file. Thread rule: immutable.
class UserTable {
 public:
  UserTable() = default;
  explicit UserTable(std::vector<std::pair<std::string, std::string>> users);

  [[nodiscard]] bool is_empty() const { return users_.empty(); }
  [[nodiscard]] bool knows(std::string_view user) const { return find(user) != nullptr; }
  // The hash of that user; for one that is not there the first one's, so that the
  // answer takes as long. Not for an empty table.
  [[nodiscard]] const std::string& hash_of(std::string_view user) const;
  // Slow. Thread-safe.
  [[nodiscard]] bool accepts(const Credentials& credentials) const;

 private:
  [[nodiscard]] const std::string* find(std::string_view user) const;

  std::vector<std::pair<std::string, std::string>> users_;
};

// Remembers what was found right, at most 256 of them; the oldest goes first. What was wrong is not
// remembered, so that guesses cannot push out what is in use. Keys are digests over the lengths and
// the bytes of user, stored hash and password under a secret of this start: no two triples share
// one (as they did in exporter-toolkit, CVE-2022-46146), a changed hash is a different key, and the
// memory holds no password. Thread rule: one thread.
class CredentialCache {
 public:
  using Key = std::array<unsigned char, 32>;

  // Throws std::runtime_error when the system gives no random bytes.
  CredentialCache();

  [[nodiscard]] Key key_of(const Credentials& credentials, std::string_view hash) const;
  [[nodiscard]] bool contains(const Key& key) const { return known_.contains(key); }
  void add(const Key& key);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  Key secret_{};
  std::set<Key> known_;
  std::deque<Key> oldest_first_;
};

}  // namespace heapfloor
