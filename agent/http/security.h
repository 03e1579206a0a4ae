// Security: what a web-config file puts into force, checked as a whole: a TLS context, users,
// response headers, a limit on requests. Loaded again when one of its files changed.
//
// Everything that would leave the agent less protected than the file looks is refused with a
// sentence: see the table of tests/http/security_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/http/listen_address.h"
#include "agent/http/passwords.h"
#include "agent/http/web_config.h"
#include "collectors/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // OpenSSL's SSL

namespace heapfloor {

// One state of one file: equal stamps mean the same content (stat(2)).
struct FileStamp {
  std::string file;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = -1;  // -1: the file is not there
  std::int64_t modified_nanoseconds = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Which client certificates pass; what the TLS library's callback looks at.
struct ClientCertificateRule {
  bool verify = false;
  std::vector<std::string> allowed_sans;  // empty: any
};

// Thread rule: immutable; the TLS context may be used by several connections of one thread.
class Security {
 public:
  using Context = std::shared_ptr<ssl_ctx_st>;

  std::optional<Context> tls;  // nothing: plain HTTP
  ClientAuth client_auth = ClientAuth::none;
  UserTable users;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<RequestRate> rate;
  std::vector<std::string> notes;
  std::vector<FileStamp> stamps;  // of every file it was made from, as they were before reading
  // The TLS context points at it.
  std::unique_ptr<const ClientCertificateRule> client_rule;

  // Whether every client must say who it is.
  [[nodiscard]] bool needs_authentication() const {
    return !users.is_empty() || client_auth == ClientAuth::require_and_verify;
  }
  // Whether a client can say who it is; then nothing is changed for those who did not.
  [[nodiscard]] bool offers_authentication() const {
    return needs_authentication() || client_auth == ClientAuth::verify_if_given;
  }
  // Whether the client of this finished handshake has shown a certificate that was verified.
  [[nodiscard]] bool is_verified(const ssl_st* connection) const;
  // Whether a file has changed since.
  [[nodiscard]] bool is_outdated() const;
};

// Reads the web-config file and what it names. The error's path is the file (with its line, where a
// line is wrong).
[[nodiscard]] Result<std::shared_ptr<const Security>> load_security(const std::string& file,
                                                                    const WebConfigParser& parse);

// What is wrong with serving on these addresses, or nothing: an address that others reach needs TLS
// and authentication. `security` may be null.
std::optional<std::string> exposure_problem(std::span<const ListenAddress> addresses,
                                            const Security* security);

}  // namespace heapfloor
