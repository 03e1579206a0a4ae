// What the readers of the configuration's lists share: the fields of one entry.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/config_item.h"
#include "collectors/http_client.h"

namespace heapfloor {

inline constexpr std::size_t kLongestTextBytes = 512;  // of a name, pattern or comment

// [a-zA-Z_][a-zA-Z0-9_]*, as names of labels are.
[[nodiscard]] bool is_word(std::string_view text);

// Reads the fields of one map, which outlives it; remembers the first thing that is wrong.
class ConfigFields {
 public:
  ConfigFields(const ConfigItem& item, std::span<const std::string_view> known);

  void fail(int line, std::string reason);
  void fail(std::string_view key, std::string reason);

  // The value of a key; nothing when it is not there.
  std::optional<std::string> text(std::string_view key, std::size_t most_bytes = kLongestTextBytes);
  std::string text_or(std::string_view key, std::string fallback);
  std::string required(std::string_view key, std::size_t most_bytes = kLongestTextBytes);
  std::optional<double> duration(std::string_view key, double low, double high);
  bool flag(std::string_view key);
  // A number, a size or a duration in seconds.
  std::optional<double> quantity(std::string_view key);

  [[nodiscard]] const ConfigItem& item() const { return item_; }
  [[nodiscard]] const std::optional<ConfigProblem>& problem() const { return problem_; }

 private:
  const ConfigItem& item_;
  std::optional<ConfigProblem> problem_;
};

// What read_http_client() takes.
inline constexpr std::array<std::string_view, 9> kHttpClientKeys = {
    "ca_file",  "cert_file",     "key_file",          "server_name",         "username",
    "password", "password_file", "bearer_token_file", "insecure_skip_verify"};

// TLS and credentials of a client.
void read_http_client(ConfigFields& fields, HttpClientOptions& http, bool is_https);

}  // namespace heapfloor
