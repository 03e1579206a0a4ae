#include "agent/http/http_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "agent/http/gate.h"
#include "agent/http/gate_pass.h"
#include "agent/http/listen_address.h"
#include "agent/http/request_head.h"
#include "agent/http/response_head.h"
#include "agent/http/security.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::string_view kUnrouted = "other";
constexpr int kClosed = 403;  // for the library's own books: the request was dealt with
constexpr std::string_view kJson = "application/json; charset=utf-8";
std::vector<std::string> allowed_methods(const Route& route) {
  std::vector<std::string> methods = route.methods;
  if (std::ranges::find(methods, "GET") != methods.end()) methods.emplace_back("HEAD");
  return methods;
}

std::string join_methods(const std::vector<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) text += (text.empty() ? "" : ", ") + method;
  return text;
}

// Whether an Origin header ("http://localhost:4327", or "null" where the browser keeps it back)
// means this machine.
bool is_own_origin(std::string_view origin, std::span<const ListenAddress> addresses,
                   std::span<const std::string> allowed_hosts) {
  const std::size_t scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos &&
         is_own_host(origin.substr(scheme_end + 3), addresses, allowed_hosts);
}

// A name of a loopback socket by getsockname() or getpeername(): its port; 0 for anything else.
template <class GetName>
std::uint16_t loopback_port(int descriptor, GetName get_name) noexcept {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  if (get_name(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  const bool loopback =
      name.sin_family == AF_INET && name.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  return loopback ? ntohs(name.sin_port) : std::uint16_t{0};
}

// Ends what was accepted on a loopback port (and, for all, the listening on it), so that each
// thread that waits for one of them goes on at once. The library keeps its sockets to itself.
template <class IsMeant>
void shut_down_sockets(std::uint16_t port, IsMeant is_meant) noexcept {
  constexpr rlim_t kMaxDescriptors = 65536;  // the kernel gives out the lowest that is free
  constexpr int kMaxGap = 4096;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min(limit.rlim_cur, kMaxDescriptors));
  int gap = 0;
  for (int descriptor = 0; descriptor < end && gap < kMaxGap; ++descriptor) {
    gap = fcntl(descriptor, F_GETFD) < 0 ? gap + 1 : 0;
    if (gap > 0 || loopback_port(descriptor, getsockname) != port) continue;
    if (is_meant(loopback_port(descriptor, getpeername))) shutdown(descriptor, SHUT_RDWR);
  }
}

std::vector<ListenAddress> checked_addresses(const HttpOptions& options) {
  if (options.max_requests >= options.worker_threads) {
    throw std::runtime_error("the number of requests answered at once (" +
                             std::to_string(options.max_requests) +
                             ") must be less than the number of worker threads (" +
                             std::to_string(options.worker_threads) + ")");
  }
  return parse_listen_addresses(options.listen_address);
}

// What the options put into force; null without a web-config file. An error where it would be less
// than the addresses need.
Result<std::shared_ptr<const Security>> checked_security(const HttpOptions& options,
                                                         std::span<const ListenAddress> addresses) {
  std::shared_ptr<const Security> security;
  if (!options.web_config_file.empty()) {
    auto loaded = load_security(options.web_config_file, options.web_config_parser);
    if (!loaded) return loaded;
    security = *std::move(loaded);
  }
  const auto problem = exposure_problem(addresses, security.get());
  if (problem && !options.allow_insecure) {
    return failure(ErrorKind::denied, options.web_config_file, *problem);
  }
  return security;
}

std::string sentence_of(const Error& error) {
  return error.path.empty() ? error.reason : error.path + ": " + error.reason;
}

std::shared_ptr<const Security> security_or_throw(const HttpOptions& options,
                                                  std::span<const ListenAddress> addresses) {
  auto security = checked_security(options, addresses);
  if (!security) throw std::runtime_error(sentence_of(security.error()));
  return *std::move(security);
}

void fill_request(Request& request, const mg_request_info& info, const GatePass& pass) {
  request.method = info.request_method;
  request.remote_address = pass.remote_address;
  request.is_authenticated = pass.is_authenticated;
  for (int i = 0; i < info.num_headers; ++i) {
    if (same_word(info.http_headers[i].name, kGateHeader)) continue;
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [name](const auto& header) { return same_word(header.first, name); });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

Response json_response(int status, std::string json) {
  Response response = text_response(status, std::move(json));
  response.content_type = kJson;
  return response;
}

Response api_error(int status, std::string_view error_type, std::string_view message) {
  std::string json = R"({"status":"error","errorType":")";
  json += error_type;
  json += R"(","error":")";
  json += message;
  json += "\"}";
  return json_response(status, std::move(json));
}

// Everything that CivetWeb's threads touch. Constructed before the first of them starts, destroyed
// after the last of them ended.
class HttpServer::Server {
 public:
  Server(const HttpOptions& options, std::vector<Route> routes)
      : options_(options),
        routes_(std::move(routes)),
        addresses_(checked_addresses(options)),
        secret_(make_gate_secret()) {
    const auto security = security_or_throw(options_, addresses_);
    has_tls_ = security && security->tls;
    is_insecure_ = exposure_problem(addresses_, security.get()).has_value();
    start();
    try {
      gate_.emplace(gate_options(security));
    } catch (...) {
      stop();
      throw;
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // The gate goes last: answers that the library has given are still on their way through it.
  ~Server() {
    gate_->stop_accepting();
    drain();
    stop();
    gate_.reset();
  }

  [[nodiscard]] const std::vector<ListenAddress>& addresses() const { return addresses_; }
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const { return gate_->ports(); }
  [[nodiscard]] bool has_tls() const { return has_tls_; }
  [[nodiscard]] bool is_insecure() const { return is_insecure_; }
  [[nodiscard]] std::uint16_t upstream_port() const { return port_of(context_); }

 private:
  // One request between its first and its last byte.
  class Activity {
   public:
    explicit Activity(Server& server) : server_(server) {
      const std::lock_guard lock(server_.active_mutex_);
      ++server_.active_;
    }
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;
    ~Activity() {
      const std::lock_guard lock(server_.active_mutex_);
      if (admitted_) --server_.admitted_;
      if (--server_.active_ == 0) server_.idle_.notify_all();
    }

    // Whether its handler may be called. Refused requests take no place from others: of many that
    // come at once, as many as are allowed are answered.
    bool admit() {
      const std::lock_guard lock(server_.active_mutex_);
      admitted_ = !server_.stopping_ && server_.admitted_ < server_.options_.max_requests;
      if (admitted_) ++server_.admitted_;
      return admitted_;
    }
    // Before the client can have the answer: its next request finds the place free.
    void leave_place() {
      const std::lock_guard lock(server_.active_mutex_);
      if (admitted_) --server_.admitted_;
      admitted_ = false;
    }

   private:
    Server& server_;
    bool admitted_ = false;
  };

  static std::uint16_t port_of(const mg_context* context) {
    std::array<mg_server_port, 2> ports{};
    mg_get_server_ports(context, static_cast<int>(ports.size()), ports.data());
    return static_cast<std::uint16_t>(ports[0].port);
  }

  static Server& of(const mg_connection* connection) {
    return *static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
  }

  GateOptions gate_options(std::shared_ptr<const Security> security) {
    GateOptions gate;
    gate.addresses = addresses_;
    gate.access_control_list = options_.access_control_list;
    gate.upstream_port = upstream_port();
    gate.secret = secret_;
    gate.max_connections = options_.max_connections;
    gate.max_connections_per_address = options_.max_connections_per_address;
    gate.request_timeout_ms = options_.request_timeout_ms;
    gate.send_timeout_ms = options_.send_timeout_ms;
    gate.idle_timeout_ms = options_.idle_timeout_ms;
    gate.security = std::move(security);
    gate.reload = [this] { return checked_security(options_, addresses_); };
    gate.upstream_book = &upstream_book_;
    gate.observer = options_.observer;
    return gate;
  }

  void start() {
    mg_init_library(MG_FEATURES_DEFAULT);
    const std::vector<std::string> settings = civetweb_options();
    std::vector<const char*> arguments;
    arguments.reserve(settings.size() + 1);
    for (const std::string& setting : settings) arguments.push_back(setting.c_str());
    arguments.push_back(nullptr);
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) noexcept {
      return of(connection).answer(connection);
    };
    callbacks.init_connection = [](const mg_connection* connection, void**) noexcept {
      of(connection).turn_away_strangers(mg_get_context(connection));
      return 0;
    };
    // The gate sends nothing malformed, and others get no answer.
    callbacks.http_error = [](mg_connection*, int, const char*) noexcept { return 0; };
    callbacks.log_message = [](const mg_connection* connection, const char* message) noexcept {
      of(connection).log(message);
      return 1;
    };
    // log_access stays unset: with it CivetWeb 1.15 calls localtime(), which is not thread-safe.
    context_ = mg_start(&callbacks, this, arguments.data());
    if (context_ != nullptr) return;
    mg_exit_library();
    const std::lock_guard lock(log_mutex_);
    throw std::runtime_error("the web server did not start: " + first_message_);
  }

  void stop() noexcept {
    {
      const std::jthread waker(
          [port = upstream_port(), this](const std::stop_token& stop) { wake(port, stop); });
      mg_stop(context_);
    }
    mg_exit_library();
  }

  // Who is not the gate would hold a thread by its silence until the library's timeout. The library
  // does not tell whose connection it has taken, hence by number.
  void turn_away_strangers(const mg_context* context) noexcept {
    if (!upstream_book_.accepted()) return;
    shut_down_sockets(port_of(context), [this](std::uint16_t peer) {
      return peer != 0 && !upstream_book_.is_own(peer);
    });
  }

  // mg_stop() cuts answers off in the middle, so those in progress are waited for first; but not
  // for slow clients.
  void drain() {
    constexpr std::chrono::seconds kGrace(1);
    std::unique_lock lock(active_mutex_);
    stopping_ = true;
    idle_.wait_for(lock, kGrace, [this] { return active_ == 0; });
  }

  // Makes the library's threads notice mg_stop(), which runs meanwhile. More than once, since a
  // connection may be accepted before the library knows that it stops.
  void wake(std::uint16_t port, const std::stop_token& stop) const noexcept {
    constexpr std::chrono::milliseconds kPause(10);
    while (!stop.stop_requested()) {
      shut_down_sockets(port, [](std::uint16_t) { return true; });
      std::this_thread::sleep_for(kPause);
    }
  }

  // Names and values in turn. No document_root: CivetWeb's file code is never reached, and
  // answering in begin_request keeps it from looking for a .htpasswd file.
  [[nodiscard]] std::vector<std::string> civetweb_options() const {
    return {
        "listening_ports",
        "127.0.0.1:0",
        "num_threads",
        std::to_string(options_.worker_threads),
        "request_timeout_ms",
        "2000",
        "enable_keep_alive",
        "no",
        "connection_queue",
        "64",
        "listen_backlog",
        "128",
        "max_request_size",
        "16384",
        "tcp_nodelay",
        "1",
        "enable_directory_listing",
        "no",
        "cgi_pattern",
        "",
        "ssi_pattern",
        "",
        "index_files",
        "",
        "access_control_allow_origin",
        "",
        "access_control_allow_methods",
        "",
        "access_control_allow_headers",
        "",
        "enable_auth_domain_check",
        "no",
        "decode_url",
        "no",
    };
  }

  // The whole of a request; nothing may be thrown through the C library. Who does not know the
  // secret gets not a byte.
  int answer(mg_connection* connection) noexcept {
    const mg_request_info& info = *mg_get_request_info(connection);
    const auto pass = pass_of(info);
    if (!pass) return kClosed;
    Activity activity(*this);
    std::string_view handler = kUnrouted;
    int status = 500;
    notify_started();
    try {
      const Response response = respond(info, *pass, activity, handler);
      status = response.status;
      activity.leave_place();
      send(connection, info, response);
    } catch (...) {
      status = 500;
      send_last_resort(connection);
    }
    notify_finished(handler, status);
    return status;
  }

  std::optional<GatePass> pass_of(const mg_request_info& info) const noexcept {
    const mg_header* const begin = &info.http_headers[0];
    const mg_header* const end = begin + info.num_headers;
    const mg_header* const found = std::find_if(
        begin, end, [](const mg_header& header) { return same_word(header.name, kGateHeader); });
    try {
      return found == end ? std::nullopt : parse_gate_pass(found->value, secret_);
    } catch (...) {
      return std::nullopt;
    }
  }

  // The gate has the body before it has the head, and sends both.
  void send(mg_connection* connection, const mg_request_info& info, const Response& response) {
    const std::string head = render_response_head(response);
    if (std::string_view(info.request_method) != "HEAD" && has_body(response.status)) {
      upstream_book_.leave_body(static_cast<std::uint16_t>(info.remote_port), response.body);
    }
    mg_write(connection, head.data(), head.size());
  }

  static void send_last_resort(mg_connection* connection) noexcept {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    mg_write(connection, kAnswer.data(), kAnswer.size());
  }

  Response respond(const mg_request_info& info, const GatePass& pass, Activity& activity,
                   std::string_view& handler) {
    const std::string_view raw = info.request_uri == nullptr ? "" : info.request_uri;
    Request request;
    fill_request(request, info, pass);
    if (auto refused = host_refusal(request, pass, raw)) return *std::move(refused);
    if (auto refused = forgery_refusal(request, pass, raw)) return *std::move(refused);
    auto path = percent_decode(raw);
    auto query = parse_query(info.query_string == nullptr ? "" : info.query_string);
    if (!path || !query || !path->starts_with('/')) {
      return refusal(raw, 400, "bad_data", "malformed URL");
    }
    request.path = *std::move(path);
    request.query = *std::move(query);
    const Route* const route = find_route(request);
    if (route == nullptr) return refusal(request.path, 404, "not_found", "no such path");
    handler = route->name;
    const std::vector<std::string> methods = allowed_methods(*route);
    if (std::ranges::find(methods, request.method) == methods.end()) {
      Response response = refusal(request.path, 405, "bad_data", "method not allowed");
      response.headers.emplace_back("Allow", join_methods(methods));
      return response;
    }
    return call(*route, request, activity);
  }

  Response call(const Route& route, const Request& request, Activity& activity) {
    if (!activity.admit()) {
      Response response = refusal(request.path, 503, "unavailable", "too many requests at once");
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    try {
      return route.handler(request);
    } catch (const std::exception& error) {
      log(std::string("handler ") + route.name + " failed: " + error.what());
    } catch (...) {
      log(std::string("handler ") + route.name + " failed");
    }
    return refusal(request.path, 500, "internal", "internal error");
  }

  const Route* find_route(Request& request) const {
    for (const Route& route : routes_) {
      if (route.match == RouteMatch::exact
              ? request.path == route.path
              : request.path.starts_with(route.path) && request.path.size() > route.path.size()) {
        if (route.match == RouteMatch::prefix)
          request.rest = request.path.substr(route.path.size());
        return &route;
      }
    }
    return nullptr;
  }

  [[nodiscard]] std::optional<Response> host_refusal(const Request& request, const GatePass& pass,
                                                     std::string_view path) const {
    if (!options_.check_host || !pass.is_loopback_listener) return std::nullopt;
    const auto host = request.header("Host");
    if (!host || is_own_host(*host, addresses_, options_.allowed_hosts)) return std::nullopt;
    return refusal(path, 403, "forbidden", "requests for this host name are not answered");
  }

  // What may change something is not done for other sites' pages, through a browser that reaches
  // this address (cross-site request forgery). Not every browser sends Sec-Fetch-Site, and none to
  // a plain http address that is not loopback, hence the header that no page can send elsewhere
  // without asking first (Fetch Standard, CORS-preflight).
  [[nodiscard]] std::optional<Response> forgery_refusal(const Request& request,
                                                        const GatePass& pass,
                                                        std::string_view path) const {
    if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
    const auto refuse = [path](std::string_view message) {
      return refusal(path, 403, "forbidden", message);
    };
    const auto origin = request.header("Origin");
    const std::string_view site = request.header("Sec-Fetch-Site").value_or("");
    if ((origin && !is_own_origin(*origin, addresses_, options_.allowed_hosts)) ||
        same_word(site, "cross-site") || same_word(site, "same-site")) {
      return refuse("requests of other sites are not answered");
    }
    if ((!pass.is_loopback_listener || pass.offers_authentication) &&
        request.header("X-Heapfloor") != "1") {
      return refuse("requests other than GET and HEAD need the header X-Heapfloor: 1");
    }
    if (pass.offers_authentication && !pass.is_authenticated) {
      return refuse("requests other than GET and HEAD need authentication");
    }
    return std::nullopt;
  }

  void notify_started() const noexcept {
    if (options_.observer != nullptr) options_.observer->request_started();
  }
  void notify_finished(std::string_view handler, int status) const noexcept {
    if (options_.observer != nullptr) options_.observer->request_finished(handler, status);
  }

  void log(std::string_view message) noexcept {
    try {
      const std::lock_guard lock(log_mutex_);
      if (first_message_.empty()) first_message_ = message;
      if (options_.on_log) options_.on_log(message);
    } catch (...) {  // NOLINT(bugprone-empty-catch): there is nowhere left to report to
    }
  }

  const HttpOptions options_;
  const std::vector<Route> routes_;
  const std::vector<ListenAddress> addresses_;
  const std::string secret_;
  bool has_tls_ = false;
  bool is_insecure_ = false;
  mg_context* context_ = nullptr;
  UpstreamBook upstream_book_;
  std::mutex log_mutex_;
  std::string first_message_;  // the reason, when the server does not start
  std::mutex active_mutex_;
  std::condition_variable idle_;
  std::uint32_t active_ = 0;
  std::uint32_t admitted_ = 0;
  bool stopping_ = false;
  std::optional<Gate> gate_;
};

std::optional<std::string> web_problem(const HttpOptions& options) {
  try {
    const std::vector<ListenAddress> addresses = checked_addresses(options);
    const auto security = checked_security(options, addresses);
    if (!security) return sentence_of(security.error());
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return std::nullopt;
}

HttpServer::HttpServer(const HttpOptions& options, std::vector<Route> routes)
    : server_(std::make_unique<Server>(options, std::move(routes))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::listening_port() const { return server_->ports().front(); }

std::vector<std::string> HttpServer::listening_addresses() const {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < server_->addresses().size(); ++i) {
    texts.push_back(server_->addresses()[i].local_text(server_->ports()[i]));
  }
  return texts;
}

bool HttpServer::has_tls() const { return server_->has_tls(); }

bool HttpServer::is_insecure() const { return server_->is_insecure(); }

std::uint16_t HttpServer::upstream_port() const { return server_->upstream_port(); }

}  // namespace heapfloor
