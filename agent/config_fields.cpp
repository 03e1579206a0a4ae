#include "agent/config_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "agent/units.h"

namespace heapfloor {
namespace {

void read_tls(ConfigFields& fields, HttpClientOptions& http, bool is_https) {
  constexpr std::array<std::pair<std::string_view, std::string HttpClientOptions::*>, 4> kTexts = {
      {{"ca_file", &HttpClientOptions::ca_file},
       {"cert_file", &HttpClientOptions::cert_file},
       {"key_file", &HttpClientOptions::key_file},
       {"server_name", &HttpClientOptions::server_name}}};
  for (const auto& [key, member] : kTexts) {
    http.*member = fields.text_or(key, "");
    if (!is_https && !(http.*member).empty())
      fields.fail(key, fmt::format("\"{}\" has no meaning without https", key));
  }
  if (!http.server_name.empty() && !parse_url("https://" + http.server_name))
    fields.fail("server_name", fmt::format("\"{}\" is not a host's name", http.server_name));
  http.insecure_skip_verify = fields.flag("insecure_skip_verify");
  if (http.insecure_skip_verify && !is_https)
    fields.fail("insecure_skip_verify", "\"insecure_skip_verify\" has no meaning without https");
  if (http.cert_file.empty() != http.key_file.empty())
    fields.fail(http.cert_file.empty() ? "key_file" : "cert_file",
                R"("cert_file" and "key_file" belong together)");
}

void read_secrets(ConfigFields& fields, HttpClientOptions& http) {
  http.username = fields.text_or("username", "");
  http.password = fields.text_or("password", "");
  http.password_file = fields.text_or("password_file", "");
  http.bearer_token_file = fields.text_or("bearer_token_file", "");
  const bool has_password = !http.password.empty() || !http.password_file.empty();
  if (!http.password.empty() && !http.password_file.empty())
    fields.fail("password", R"(expects either "password" or "password_file")");
  if (http.username.empty() == has_password)
    fields.fail(has_password ? "username" : "password",
                R"("username" needs "password" or "password_file", and the other way round)");
  if (!http.username.empty() && !http.bearer_token_file.empty())
    fields.fail("bearer_token_file", "expects either a user name or a token");
}

}  // namespace

bool is_word(std::string_view text) {
  const auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
  };
  const auto is_part = [&](char byte) { return is_letter(byte) || (byte >= '0' && byte <= '9'); };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, is_part);
}

ConfigFields::ConfigFields(const ConfigItem& item, std::span<const std::string_view> known)
    : item_(item) {
  if (!item.is_map) {
    fail(item.line, "expects keys and values");
  } else {
    problem_ = unknown_field(item, known);
  }
}

void ConfigFields::fail(int line, std::string reason) {
  if (!problem_) problem_ = ConfigProblem{line, std::move(reason)};
}

void ConfigFields::fail(std::string_view key, std::string reason) {
  const ConfigField* const field = item_.field(key);
  fail(field == nullptr ? item_.line : field->line, std::move(reason));
}

std::optional<std::string> ConfigFields::text(std::string_view key, std::size_t most_bytes) {
  const ConfigField* const field = item_.field(key);
  if (field == nullptr) return std::nullopt;
  if (field->is_list || field->items.front().is_map) {
    fail(key, fmt::format("\"{}\" expects one value", key));
    return std::nullopt;
  }
  const std::string& value = field->items.front().text;
  if (value.size() > most_bytes)
    fail(key, fmt::format("\"{}\" is longer than {} bytes", key, most_bytes));
  return value;
}

std::string ConfigFields::text_or(std::string_view key, std::string fallback) {
  return text(key).value_or(std::move(fallback));
}

std::string ConfigFields::required(std::string_view key, std::size_t most_bytes) {
  std::optional<std::string> value = text(key, most_bytes);
  if (value && !value->empty()) return std::move(*value);
  fail(key, fmt::format("\"{}\" is missing", key));
  return {};
}

std::optional<double> ConfigFields::duration(std::string_view key, double low, double high) {
  const std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  const std::optional<double> seconds = parse_duration(*value);
  if (!seconds || *seconds < low || *seconds > high) {
    fail(key, fmt::format("\"{}\" is not a duration between {} and {}", *value,
                          format_duration(low), format_duration(high)));
  }
  return seconds;
}

bool ConfigFields::flag(std::string_view key) {
  const std::string value = text_or(key, "false");
  if (value != "true" && value != "false")
    fail(key, fmt::format("\"{}\" is neither true nor false", value));
  return value == "true";
}

std::optional<double> ConfigFields::quantity(std::string_view key) {
  const std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc() && end == value->data() + value->size() && std::isfinite(number))
    return number;
  if (const std::optional<double> bytes = parse_size(*value)) return bytes;
  if (const std::optional<double> seconds = parse_duration(*value)) return seconds;
  fail(key, fmt::format("\"{}\" is neither a number nor a size nor a duration", *value));
  return std::nullopt;
}

void read_http_client(ConfigFields& fields, HttpClientOptions& http, bool is_https) {
  read_tls(fields, http, is_https);
  read_secrets(fields, http);
}

}  // namespace heapfloor
