// HttpServer: a small, strict web server. Handlers are given by whoever makes it.
//
// It answers exact paths (and declared prefixes) with GET, HEAD and what a route names, and refuses
// request bodies and ambiguous requests. Two parts: a gate (agent/http/gate.h) that clients connect
// to, over IPv4 or IPv6, plain or TLS, and behind it CivetWeb on a loopback port of the kernel's
// choice, which answers nobody but the gate. A worker thread of CivetWeb, and a place of
// max_requests, is held from a complete request until its answer is made; the gate sends it, for at
// most send_timeout_ms to a client that reads slowly.
//
// Methods other than GET and HEAD are refused (403) when a browser sends them for another site;
// without the header "X-Heapfloor: 1" when the address listened on is not a loopback one or when
// the web-config file asks who is asking; and there for those who did not say it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/http/url.h"
#include "agent/http/web_config.h"

namespace heapfloor {

struct Request {
  std::string method;
  std::string path;  // decoded, without the query
  std::string rest;  // prefix routes: the decoded path behind the prefix
  QueryParameters query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string remote_address;
  bool is_authenticated = false;  // by password or client certificate

  // The first header of that name (in any case), or nothing.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body;  // null is empty
  // Sent beside the security headers of every answer. Cache-Control replaces the default no-store.
  std::vector<std::pair<std::string, std::string>> headers;
};

// Convenience for texts made for one answer.
Response text_response(int status, std::string text);
Response json_response(int status, std::string json);
// An error as Prometheus's API has it: {"status":"error","errorType":TYPE,"error":MESSAGE}.
// `error_type` and `message` are the program's own words: they need no escaping in JSON.
Response api_error(int status, std::string_view error_type, std::string_view message);

// Called by several threads at once. An exception becomes a 500.
using Handler = std::function<Response(const Request&)>;

enum class RouteMatch : std::uint8_t { exact, prefix };

struct Route {
  std::string path;  // "/metrics"; prefix routes end in a slash: "/api/v1/series/"
  RouteMatch match = RouteMatch::exact;
  std::vector<std::string> methods = {"GET"};  // GET brings HEAD
  std::string name;                            // the label `handler` of the request counter
  Handler handler;
};

// Told of every request that reaches the server. Called by several threads at once; must not throw.
class RequestObserver {
 public:
  RequestObserver() = default;
  RequestObserver(const RequestObserver&) = delete;
  RequestObserver& operator=(const RequestObserver&) = delete;
  virtual ~RequestObserver() = default;
  virtual void request_started() = 0;
  // `handler` is the name of the route, "other" where no route took the request.
  virtual void request_finished(std::string_view handler, int status) = 0;
  // How many clients are connected now.
  virtual void connections_changed(std::size_t /*open*/) {}
  // A connection ended before a request of it was answered. Reasons: total_limit, address_limit,
  // access_list, replaced (closed to make room), timeout, handshake.
  virtual void connection_refused(std::string_view /*reason*/) {}
};

struct HttpOptions {
  // One or several, separated by commas: see parse_listen_addresses(). Port 0 is any free port.
  std::string listen_address = "127.0.0.1:4327";
  std::uint32_t worker_threads = 16;
  // Answered at once; more get 503 with Retry-After. Less than worker_threads, so that one is left
  // to say so.
  std::uint32_t max_requests = 12;
  // Connected at once, in all and from one address (IPv6: one /64). When they are reached, the
  // oldest connection without a complete request is closed to make room.
  std::uint32_t max_connections = 512;
  std::uint32_t max_connections_per_address = 256;
  // For the TLS handshake and a complete request to arrive.
  std::uint32_t request_timeout_ms = 3000;
  // For a client to take its whole answer.
  std::uint32_t send_timeout_ms = 5000;
  // For a client to send its next request on the same connection; 0 closes behind every answer.
  std::uint32_t idle_timeout_ms = 0;
  // On a loopback address only requests for that host are answered, so that a web page cannot reach
  // the agent through a name that its owner points at 127.0.0.1 (DNS rebinding).
  bool check_host = true;
  std::vector<std::string> allowed_hosts;  // further names, without port: of a proxy in front
  std::string access_control_list;    // "-0.0.0.0/0,+127.0.0.0/8": the last that fits; empty: all
  std::string web_config_file;        // exporter-toolkit's; empty: plain HTTP for everybody
  WebConfigParser web_config_parser;  // needed where there is a file; any thread
  // Addresses that others reach may do without TLS and authentication.
  bool allow_insecure = false;
  RequestObserver* observer = nullptr;           // outlives the server
  std::function<void(std::string_view)> on_log;  // the library's messages; any thread; may be empty
};

// What is wrong with the addresses, the web-config file or the two together, in one sentence; or
// nothing. What HttpServer's constructor would throw for them.
std::optional<std::string> web_problem(const HttpOptions& options);

class HttpServer {
 public:
  // Starts answering. Throws std::runtime_error with one sentence when it cannot: address in use,
  // not an address, no permission, max_requests not less than worker_threads, or anything that
  // web_problem() tells. The library ignores SIGPIPE for the whole process.
  HttpServer(const HttpOptions& options, std::vector<Route> routes);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Stops listening and waits for the requests in progress: for their handlers however long they
  // take, for their clients not longer than a second.
  ~HttpServer();

  // The port that is really listened on; with several addresses the first one's.
  [[nodiscard]] std::uint16_t listening_port() const;
  // "127.0.0.1:4327" for each address, as a client on this machine reaches it.
  [[nodiscard]] std::vector<std::string> listening_addresses() const;
  [[nodiscard]] bool has_tls() const;
  // Whether others reach it without TLS and authentication, as allow_insecure permits.
  [[nodiscard]] bool is_insecure() const;
  // The loopback port of the server behind the gate, for tests.
  [[nodiscard]] std::uint16_t upstream_port() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace heapfloor
