// What exporter-toolkit's web-config file says (prometheus/exporter-toolkit,
// docs/web-configuration.md): TLS, passwords, response headers, a limit on requests. Filled by
// agent/config_web; judged and put to use here, in agent/http.
//
// Thread rule: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

// Go's tls.ClientAuthType by its names in the file.
enum class ClientAuth : std::uint8_t {
  none,               // NoClientCert
  request,            // RequestClientCert: asked for, not looked at
  require_any,        // RequireAnyClientCert: there must be one, not looked at
  verify_if_given,    // VerifyClientCertIfGiven
  require_and_verify  // RequireAndVerifyClientCert
};

// A PEM text, in the file itself or in one of its own.
struct PemSource {
  std::string file;  // as opened: relative names are relative to the web-config file
  std::string text;

  [[nodiscard]] bool is_set() const { return !file.empty() || !text.empty(); }
};

enum class TlsVersion : std::uint8_t { tls12, tls13 };  // older ones are refused

struct TlsConfig {
  PemSource certificate;
  PemSource key;
  PemSource client_ca;
  ClientAuth client_auth = ClientAuth::none;
  std::vector<std::string> client_allowed_sans;  // one of them must be in the client's certificate
  TlsVersion minimum = TlsVersion::tls12;
  TlsVersion maximum = TlsVersion::tls13;
  std::vector<std::string> cipher_suites;      // Go's names; empty: the library's safe ones
  std::vector<std::string> curve_preferences;  // CurveP256, CurveP384, CurveP521, X25519
  bool prefer_server_cipher_suites = true;
};

struct RequestRate {
  double interval_seconds = 1;  // one request more is allowed every so often
  std::uint32_t burst = 1;
};

struct WebConfig {
  std::optional<TlsConfig> tls;
  std::vector<std::pair<std::string, std::string>> headers;  // of every answer
  std::vector<std::pair<std::string, std::string>> users;    // name, bcrypt hash
  std::optional<RequestRate> rate;
  std::vector<std::string> notes;  // what the file asks for and does not get, for the log
};

// Reads a text of that form; the error's path is "FILE:LINE".
using WebConfigParser =
    std::function<Result<WebConfig>(const std::string& text, const std::string& file_name)>;

}  // namespace heapfloor
