// HttpClient: one HTTP request at a time, bounded in time and size. The only user of libcurl.
//
// http and https only; redirects are not followed, proxies of the environment are not used, and an
// answer longer than `largest_body_bytes` is an error. Secrets are read from their files at every
// request, so that a renewed token needs no restart; they never appear in an Error.
// Thread rule: one thread at a time for each client; clients are independent of one another.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct HttpClientOptions {
  double deadline_seconds = 10;  // for the whole exchange, name resolution included
  std::size_t largest_body_bytes = std::size_t{64} * 1024;
  std::string ca_file;      // PEM; empty: the system's
  std::string cert_file;    // PEM, with key_file: the client's certificate
  std::string key_file;     // PEM
  std::string server_name;  // the name that the certificate must have; empty: the URL's
  bool insecure_skip_verify = false;
  std::string username;  // basic authentication, with password or password_file
  std::string password;
  std::string password_file;
  std::string bearer_token_file;
  // Further header fields, each with a name and a value for which header_problem() says nothing.
  // Values may be secrets.
  std::vector<std::pair<std::string, std::string>> headers;
  friend bool operator==(const HttpClientOptions&, const HttpClientOptions&) = default;
};

struct HttpRequest {
  std::string method = "GET";  // GET or POST
  std::string url;
  std::string content_type;  // of the body
  std::string body;          // POST
};

struct HttpAnswer {
  int status = 0;  // any that the server chose: a 500 is an answer, not an Error
  std::string body;
};

// What is left of a request, whether it was answered or not.
struct HttpExchange {
  // Kinds timeout, denied (a secret's file), malformed (longer than largest_body_bytes) and io.
  Result<HttpAnswer> answer;
  double duration_seconds = 0;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Blocks until there is an answer, the deadline has passed or a stop is requested.
  [[nodiscard]] HttpExchange send(const HttpRequest& request, const std::stop_token& stop = {});

 private:
  struct Handle;
  HttpClientOptions options_;
  std::unique_ptr<Handle> handle_;
};

// The parts of an http or https URL, as far as the agent has to know them.
struct UrlParts {
  std::string scheme;  // http, https
  std::string host;    // IPv6 addresses with their brackets
  std::string port;    // given, or the scheme's
  std::string path;    // with a leading slash and the query; "/" where there is none
};

// Why this may not be a further header field: its name is none, or one that the client writes
// itself, or its value holds a control character. The reason does not quote the value.
[[nodiscard]] std::optional<std::string> header_problem(std::string_view name,
                                                        std::string_view value);

// Refuses other schemes, user names and passwords in the URL (they belong into their own settings,
// where they are not shown), fragments, spaces and control characters.
[[nodiscard]] Result<UrlParts> parse_url(std::string_view url);

}  // namespace heapfloor
