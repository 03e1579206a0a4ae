// HttpServer: a small, strict web server. Handlers are given by whoever makes it.
//
// It answers exact paths (and declared prefixes) with GET, HEAD and what a route names, refuses
// request bodies and ambiguous requests, and closes every connection after one answer. From accept
// to close a connection holds a worker: a silent client for request_timeout_ms, one that reads
// slowly for send_timeout_ms. Answers being sent count against max_requests, so clients that read
// slowly leave workers to others; silent ones do not: whoever comes behind them waits for
// request_timeout_ms per `worker_threads` of them. Plain HTTP over IPv4; TLS belongs to a proxy in
// front.
//
// Methods other than GET and HEAD are refused (403) when a browser sends them for another site, and
// without the header "X-Heapfloor: 1" when the address listened on is not a loopback one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/http/url.h"

namespace heapfloor {

struct Request {
  std::string method;
  std::string path;  // decoded, without the query
  std::string rest;  // prefix routes: the decoded path behind the prefix
  QueryParameters query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string remote_address;

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
};

struct HttpOptions {
  std::string listen_address = "127.0.0.1:4327";  // IPv4 address or "localhost" or empty; port 0 is
                                                  // any free port
  std::uint32_t worker_threads = 16;
  // Answered at once; more get 503 with Retry-After. Less than worker_threads, so that one is left
  // to say so.
  std::uint32_t max_requests = 12;
  // For a request to arrive, doubled at most for one that comes in drops; and for a client to take
  // nothing of its answer, rounded up to the library's steps of two seconds.
  std::uint32_t request_timeout_ms = 2000;
  // For a client to take its whole answer. What is being written then may still take
  // request_timeout_ms.
  std::uint32_t send_timeout_ms = 5000;
  // On a loopback address only requests for that host are answered, so that a web page cannot reach
  // the agent through a name that its owner points at 127.0.0.1 (DNS rebinding).
  bool check_host = true;
  std::vector<std::string> allowed_hosts;  // further names, without port: of a proxy in front
  std::string access_control_list;         // CivetWeb's: "-0.0.0.0/0,+127.0.0.0/8"; empty: all
  RequestObserver* observer = nullptr;     // outlives the server
  std::function<void(std::string_view)> on_log;  // the library's messages; any thread; may be empty
};

class HttpServer {
 public:
  // Starts answering. Throws std::runtime_error with one sentence when it cannot: address in use,
  // not an IPv4 address, no permission, max_requests not less than worker_threads. The library
  // ignores SIGPIPE for the whole process.
  HttpServer(const HttpOptions& options, std::vector<Route> routes);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Stops listening and waits for the requests in progress: for their handlers however long they
  // take, for their clients not longer than a second.
  ~HttpServer();

  // The port that is really listened on.
  [[nodiscard]] std::uint16_t listening_port() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace heapfloor
