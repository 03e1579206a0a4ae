#include "agent/config_web.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/units.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostEntries = 1000;  // a small file of aliases may stand for millions
constexpr double kLongestInterval = 3600;
constexpr std::uint32_t kLargestBurst = 1000000;

// Header fields that exporter-toolkit lets an operator set.
constexpr std::array<std::string_view, 5> kHeaders = {
    "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection",
    "Content-Security-Policy"};

constexpr std::array<std::pair<std::string_view, ClientAuth>, 5> kClientAuths = {{
    {"NoClientCert", ClientAuth::none},
    {"RequestClientCert", ClientAuth::request},
    {"RequireAnyClientCert", ClientAuth::require_any},
    {"VerifyClientCertIfGiven", ClientAuth::verify_if_given},
    {"RequireAndVerifyClientCert", ClientAuth::require_and_verify},
}};

// What is wrong at which node.
struct Problem {
  YAML::Node node;
  std::string reason;
};
using Done = std::optional<Problem>;

// Beginnings of a hostile text are enough to find it.
std::string shortened(const std::string& text) { return text.substr(0, 60); }

Done read_text(const YAML::Node& node, std::string& target) {
  if (!node.IsScalar()) return Problem{node, "expects a text"};
  target = node.Scalar();
  return std::nullopt;
}

Done read_flag(const YAML::Node& node, bool& target) {
  if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) {
    return Problem{node, "expects true or false"};
  }
  target = node.Scalar() == "true";
  return std::nullopt;
}

Done read_texts(const YAML::Node& node, std::vector<std::string>& target) {
  if (node.IsNull()) return std::nullopt;
  if (!node.IsSequence()) return Problem{node, "expects a list"};
  for (const YAML::Node& each : node) {
    if (target.size() >= kMostEntries) return Problem{each, "too many values"};
    std::string text;
    if (Done problem = read_text(each, text)) return problem;
    target.push_back(std::move(text));
  }
  return std::nullopt;
}

// One key of a section and what takes its value.
struct Field {
  std::string_view key;
  std::function<Done(const YAML::Node&)> read;
};

Done read_section(const YAML::Node& node, const std::vector<Field>& fields) {
  if (node.IsNull()) return std::nullopt;
  if (!node.IsMap()) return Problem{node, "expects keys with values"};
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return Problem{entry.first, "expects a key"};
    const std::string& key = entry.first.Scalar();
    const auto field = std::ranges::find(fields, std::string_view(key), &Field::key);
    if (field == fields.end()) {
      return Problem{entry.first, fmt::format("unknown key \"{}\"", shortened(key))};
    }
    if (!seen.insert(key).second) {
      return Problem{entry.first, fmt::format("\"{}\" is there twice", key)};
    }
    if (Done problem = field->read(entry.second)) return problem;
  }
  return std::nullopt;
}

Done read_version(const YAML::Node& node, TlsVersion& target) {
  std::string text;
  if (Done problem = read_text(node, text)) return problem;
  if (text == "TLS12") {
    target = TlsVersion::tls12;
  } else if (text == "TLS13") {
    target = TlsVersion::tls13;
  } else if (text == "TLS10" || text == "TLS11") {
    return Problem{node, text + " is broken and not spoken; use TLS12 or TLS13"};
  } else {
    return Problem{node, fmt::format("\"{}\" is neither TLS12 nor TLS13", shortened(text))};
  }
  return std::nullopt;
}

Done read_client_auth(const YAML::Node& node, ClientAuth& target) {
  std::string text;
  if (Done problem = read_text(node, text)) return problem;
  for (const auto& [name, auth] : kClientAuths) {
    if (text != name) continue;
    target = auth;
    return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  return Problem{node, fmt::format("\"{}\" is no client_auth_type such as "
                                   "RequireAndVerifyClientCert",
                                   shortened(text))};
}

class Reader {
 public:
  explicit Reader(const std::string& file_name)
      : folder_(file_name.substr(0, file_name.rfind('/') + 1)) {}

  Done read(const YAML::Node& root) {
    return read_section(
        root, {{"tls_server_config", [this](const YAML::Node& node) { return read_tls(node); }},
               {"http_server_config", [this](const YAML::Node& node) { return read_http(node); }},
               {"basic_auth_users", [this](const YAML::Node& node) { return read_users(node); }},
               {"rate_limit", [this](const YAML::Node& node) { return read_rate(node); }}});
  }

  WebConfig take() { return std::move(config_); }

 private:
  // NAME_file and NAME of one PEM text; not both.
  void add_pem(std::vector<Field>& fields, std::string_view file_key, std::string_view text_key,
               PemSource& target) {
    const auto other = [](const YAML::Node& node, const std::string& there) -> Done {
      if (there.empty()) return std::nullopt;
      return Problem{node, "is given as a file and as a text"};
    };
    fields.push_back({file_key, [this, &target, other](const YAML::Node& node) {
                        if (Done problem = other(node, target.text)) return problem;
                        Done problem = read_text(node, target.file);
                        if (!target.file.empty() && target.file.front() != '/') {
                          target.file.insert(0, folder_);
                        }
                        return problem;
                      }});
    fields.push_back({text_key, [&target, other](const YAML::Node& node) {
                        if (Done problem = other(node, target.file)) return problem;
                        return read_text(node, target.text);
                      }});
  }

  Done read_tls(const YAML::Node& node) {
    TlsConfig tls;
    std::vector<Field> fields = {
        {"client_auth_type",
         [&tls](const YAML::Node& value) { return read_client_auth(value, tls.client_auth); }},
        {"client_allowed_sans",
         [&tls](const YAML::Node& value) { return read_texts(value, tls.client_allowed_sans); }},
        {"min_version",
         [&tls](const YAML::Node& value) { return read_version(value, tls.minimum); }},
        {"max_version",
         [&tls](const YAML::Node& value) { return read_version(value, tls.maximum); }},
        {"cipher_suites",
         [&tls](const YAML::Node& value) { return read_texts(value, tls.cipher_suites); }},
        {"curve_preferences",
         [&tls](const YAML::Node& value) { return read_texts(value, tls.curve_preferences); }},
        {"prefer_server_cipher_suites",
         [&tls](const YAML::Node& value) {
           return read_flag(value, tls.prefer_server_cipher_suites);
         }},
    };
    add_pem(fields, "cert_file", "cert", tls.certificate);
    add_pem(fields, "key_file", "key", tls.key);
    add_pem(fields, "client_ca_file", "client_ca", tls.client_ca);
    Done problem = read_section(node, fields);
    if (!problem && node.IsMap()) config_.tls = std::move(tls);
    return problem;
  }

  Done read_http(const YAML::Node& node) {
    const auto read_http2 = [this](const YAML::Node& value) {
      bool wanted = false;
      Done problem = read_flag(value, wanted);
      if (!problem && wanted) {
        config_.notes.emplace_back("http2: true has no effect; HTTP/1.1 is spoken");
      }
      return problem;
    };
    return read_section(node, {{"http2", read_http2}, {"headers", [this](const YAML::Node& value) {
                                                         return read_headers(value);
                                                       }}});
  }

  Done read_headers(const YAML::Node& node) {
    std::vector<Field> fields;
    fields.reserve(kHeaders.size());
    for (const std::string_view name : kHeaders) {
      fields.push_back({name, [this, name](const YAML::Node& value) -> Done {
                          std::string text;
                          if (Done problem = read_text(value, text)) return problem;
                          const bool clean = std::ranges::all_of(
                              text, [](char c) { return c >= 0x20 && c < 0x7F; });
                          if (!clean) return Problem{value, "expects printable ASCII letters"};
                          if (!text.empty()) config_.headers.emplace_back(name, text);
                          return std::nullopt;
                        }});
    }
    return read_section(node, fields);
  }

  // An empty list would look protected and let everybody in.
  Done read_users(const YAML::Node& node) {
    if (!node.IsMap() || node.size() == 0) {
      return Problem{node, "basic_auth_users expects users with bcrypt hashes"};
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      std::string name;
      std::string hash;
      if (Done problem = read_text(entry.first, name)) return problem;
      if (Done problem = read_text(entry.second, hash)) return problem;
      if (!seen.insert(name).second) {
        return Problem{entry.first, fmt::format("\"{}\" is there twice", shortened(name))};
      }
      if (seen.size() > kMostEntries) return Problem{entry.first, "too many users"};
      config_.users.emplace_back(std::move(name), std::move(hash));
    }
    return std::nullopt;
  }

  Done read_rate(const YAML::Node& node) {
    if (!node.IsMap()) return Problem{node, "rate_limit expects interval and burst"};
    RequestRate rate{.interval_seconds = 0, .burst = 1};
    const auto read_interval = [&rate](const YAML::Node& value) -> Done {
      const auto seconds = value.IsScalar() ? parse_duration(value.Scalar()) : std::nullopt;
      if (!seconds || *seconds < 0 || *seconds > kLongestInterval) {
        return Problem{value, "expects a duration from 0s to 1h"};
      }
      rate.interval_seconds = *seconds;
      return std::nullopt;
    };
    const auto read_burst = [&rate](const YAML::Node& value) -> Done {
      const std::string text = value.IsScalar() ? value.Scalar() : "";
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate.burst);
      if (error != std::errc() || end != text.data() + text.size() || rate.burst < 1 ||
          rate.burst > kLargestBurst) {
        return Problem{value, "expects a whole number from 1 up"};
      }
      return std::nullopt;
    };
    Done problem = read_section(node, {{"interval", read_interval}, {"burst", read_burst}});
    if (!problem && rate.interval_seconds > 0) config_.rate = rate;
    return problem;
  }

  std::string folder_;
  WebConfig config_;
};

}  // namespace

Result<WebConfig> parse_web_config(const std::string& text, const std::string& file_name) {
  const auto wrong = [&file_name](int line, std::string reason) {
    return failure(ErrorKind::malformed, fmt::format("{}:{}", file_name, line + 1),
                   std::move(reason));
  };
  try {
    Reader reader(file_name);
    const Done problem = reader.read(YAML::Load(text));
    if (problem) return wrong(std::max(problem->node.Mark().line, 0), problem->reason);
    return reader.take();
  } catch (const YAML::Exception& error) {
    return wrong(std::max(error.mark.line, 0), error.msg);
  }
}

}  // namespace heapfloor
