#include "agent/http/http_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
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

#include "agent/http/listen_address.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::string_view kUnrouted = "other";
constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kSecurityHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Connection: close\r\n";

bool is_api(std::string_view path) { return path.starts_with("/api/"); }

// An answer of the server itself, in the form that clients of that path expect.
Response refusal(std::string_view path, int status, std::string_view error_type,
                 std::string_view message) {
  if (is_api(path)) return api_error(status, error_type, message);
  return text_response(status, std::string(message) + "\n");
}

// The HTTP date of now (RFC 9110, section 5.6.7), whatever the locale. The wall clock is right
// here: the date is for the client's cache and for nothing else.
std::string http_date() {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                                   kMonths.at(static_cast<std::size_t>(utc.tm_mon)),
                                   utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  if (has_line_break(name) || has_line_break(value)) {
    throw std::invalid_argument("line break in a response header");
  }
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

bool has_body(int status) { return status != 204 && status != 304; }

std::string response_head(const mg_connection* connection, const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  head += mg_get_response_code_text(connection, response.status);
  head += "\r\n";
  append_header(head, "Date", http_date());
  append_header(head, "Content-Type", response.content_type);
  if (has_body(response.status)) {
    append_header(head, "Content-Length",
                  std::to_string(response.body ? response.body->size() : 0));
  }
  bool cache_control = false;
  for (const auto& [name, value] : response.headers) {
    append_header(head, name, value);
    cache_control = cache_control || same_word(name, "Cache-Control");
  }
  if (!cache_control) append_header(head, "Cache-Control", "no-store");
  head += kSecurityHeaders;
  head += "\r\n";
  return head;
}

// Sends in slices until `deadline`. A client that went away, or that is too slow, is its own
// business: short writes are not reported, the connection is closed behind every answer. One write
// gives up once the client takes nothing for request_timeout_ms, and starts that time anew when the
// client took a part; a slice fits into what the kernel has free when it wakes a writer, so that
// there are few parts.
void send(mg_connection* connection, const Response& response, bool with_body,
          std::chrono::steady_clock::time_point deadline) {
  constexpr std::size_t kSliceBytes = std::size_t{16} * 1024;
  std::string head = response_head(connection, response);
  std::string_view rest;
  if (with_body && response.body && has_body(response.status)) rest = *response.body;
  const auto next_slice = [&rest] {
    const std::string_view slice = rest.substr(0, kSliceBytes);
    rest.remove_prefix(slice.size());
    return slice;
  };
  head += next_slice();
  std::string_view slice = head;
  while (mg_write(connection, slice.data(), slice.size()) == static_cast<int>(slice.size()) &&
         !rest.empty() && std::chrono::steady_clock::now() < deadline) {
    slice = next_slice();
  }
}

// Whether the bytes between two header fields are what RFC 9112 asks for. CivetWeb ends names and
// values in place with NULs where the colon and the CRLF were, so a second NUL behind a name was a
// space before the colon, and a missing second NUL behind a value was a bare line feed. Both are
// ways to make two servers read one request differently.
bool is_well_formed(const mg_header& header) {
  const char* const after_name = header.name + std::strlen(header.name) + 1;
  const char* const after_value = header.value + std::strlen(header.value);
  return (after_name == header.value || *after_name != '\0') && after_value[1] == '\0';
}

// Why the request must not be answered, or nothing. CivetWeb 1.15 lets all of these pass.
std::optional<Response> framing_refusal(const mg_request_info& info, std::string_view path) {
  const auto refuse = [path](int status, std::string_view message) {
    return refusal(path, status, "bad_data", message);
  };
  if (info.num_headers >= MG_MAX_HEADERS) return refuse(431, "too many header fields");
  int hosts = 0;
  int lengths = 0;
  for (int i = 0; i < info.num_headers; ++i) {
    const mg_header& header = info.http_headers[i];
    const std::string_view value = header.value;
    if (!is_well_formed(header)) return refuse(400, "malformed header field");
    if (same_word(header.name, "Transfer-Encoding")) {
      return refuse(400, "request bodies are not accepted");
    }
    if (same_word(header.name, "Host")) ++hosts;
    if (!same_word(header.name, "Content-Length")) continue;
    const bool digits =
        !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (++lengths > 1 || !digits) return refuse(400, "malformed Content-Length");
    if (value.find_first_not_of('0') != std::string_view::npos) {
      return refuse(413, "request bodies are not accepted");
    }
  }
  const bool needs_host =
      info.http_version == nullptr || std::string_view(info.http_version) != "1.0";
  if (hosts > 1 || (hosts == 0 && needs_host)) return refuse(400, "exactly one Host is needed");
  return std::nullopt;
}

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
bool is_own_origin(std::string_view origin, const ListenAddress& address,
                   std::span<const std::string> allowed_hosts) {
  const std::size_t scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos &&
         is_own_host(origin.substr(scheme_end + 3), address, allowed_hosts);
}

// Ends the listening on a port and every connection that was accepted on it, so that each thread
// that waits for one of them goes on at once. The library keeps its sockets to itself, and waits
// for up to two seconds before it looks whether it is to stop.
void shut_down_sockets(const ListenAddress& address, std::uint16_t port) noexcept {
  constexpr rlim_t kMaxDescriptors = 65536;  // the kernel gives out the lowest that is free
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  in_addr own{};
  if (!address.host.empty()) inet_pton(AF_INET, address.host.c_str(), &own);
  const int end = static_cast<int>(std::min(limit.rlim_cur, kMaxDescriptors));
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    sockaddr_in local{};
    socklen_t size = sizeof local;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
    if (local.sin_family != AF_INET || local.sin_port != htons(port)) continue;
    if (address.host.empty() || local.sin_addr.s_addr == own.s_addr) {
      shutdown(descriptor, SHUT_RDWR);
    }
  }
}

// The address of the options, which must leave a worker free to refuse requests.
ListenAddress checked_address(const HttpOptions& options) {
  if (options.max_requests >= options.worker_threads) {
    throw std::runtime_error("the number of requests answered at once (" +
                             std::to_string(options.max_requests) +
                             ") must be less than the number of worker threads (" +
                             std::to_string(options.worker_threads) + ")");
  }
  return parse_listen_address(options.listen_address);
}

void fill_request(Request& request, const mg_request_info& info) {
  request.method = info.request_method;
  request.remote_address = info.remote_addr;
  for (int i = 0; i < info.num_headers; ++i) {
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
      : options_(options), routes_(std::move(routes)), address_(checked_address(options)) {
    mg_init_library(MG_FEATURES_DEFAULT);
    start();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    drain();
    const std::jthread waker(
        [port = listening_port(), this](const std::stop_token& stop) { wake(port, stop); });
    mg_stop(context_);
    mg_exit_library();
  }

  [[nodiscard]] std::uint16_t listening_port() const {
    std::array<mg_server_port, 2> ports{};
    mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
    return static_cast<std::uint16_t>(ports[0].port);
  }

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

   private:
    Server& server_;
    bool admitted_ = false;
  };

  static Server& of(const mg_connection* connection) {
    return *static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
  }

  void start() {
    const std::vector<std::string> settings = civetweb_options();
    std::vector<const char*> arguments;
    arguments.reserve(settings.size() + 1);
    for (const std::string& setting : settings) arguments.push_back(setting.c_str());
    arguments.push_back(nullptr);
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* connection) noexcept {
      return of(connection).answer(connection);
    };
    callbacks.http_error = [](mg_connection* connection, int status, const char*) noexcept {
      of(connection).answer_malformed(connection, status);
      return 0;
    };
    callbacks.log_message = [](const mg_connection* connection, const char* message) noexcept {
      of(connection).log(message);
      return 1;
    };
    // log_access stays unset: with it CivetWeb 1.15 calls localtime(), which is not thread-safe.
    context_ = mg_start(&callbacks, this, arguments.data());
    if (context_ != nullptr) return;
    mg_exit_library();
    const std::lock_guard lock(log_mutex_);
    throw std::runtime_error(
        "cannot listen on " + options_.listen_address + ": " +
        (first_message_.empty() ? "the web server did not start" : first_message_));
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
      shut_down_sockets(address_, port);
      std::this_thread::sleep_for(kPause);
    }
  }

  // Names and values in turn. No document_root: CivetWeb's file code is never reached, and
  // answering in begin_request keeps it from looking for a .htpasswd file.
  [[nodiscard]] std::vector<std::string> civetweb_options() const {
    std::vector<std::string> settings = {
        "listening_ports",
        address_.civetweb_port(),
        "num_threads",
        std::to_string(options_.worker_threads),
        "request_timeout_ms",
        std::to_string(options_.request_timeout_ms),
        "enable_keep_alive",
        "no",
        "connection_queue",
        "64",
        "listen_backlog",
        "128",
        "max_request_size",
        "8192",
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
    if (!options_.access_control_list.empty()) {
      settings.insert(settings.end(), {"access_control_list", options_.access_control_list});
    }
    return settings;
  }

  // The whole of a request; nothing may be thrown through the C library.
  int answer(mg_connection* connection) noexcept {
    Activity activity(*this);
    std::string_view handler = kUnrouted;
    int status = 500;
    notify_started();
    try {
      const mg_request_info& info = *mg_get_request_info(connection);
      const Response response = respond(info, activity, handler);
      status = response.status;
      send(connection, response, std::string_view(info.request_method) != "HEAD", send_deadline());
    } catch (...) {
      status = 500;
      send_last_resort(connection);
    }
    notify_finished(handler, status);
    return status;
  }

  [[nodiscard]] std::chrono::steady_clock::time_point send_deadline() const {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.send_timeout_ms);
  }

  static void send_last_resort(mg_connection* connection) noexcept {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    mg_write(connection, kAnswer.data(), kAnswer.size());
  }

  // What CivetWeb itself could not parse.
  void answer_malformed(mg_connection* connection, int status) noexcept {
    const Activity activity(*this);
    notify_started();
    try {
      send(connection, text_response(status, "malformed request\n"), true, send_deadline());
    } catch (...) {
      send_last_resort(connection);
    }
    notify_finished(kUnrouted, status);
  }

  Response respond(const mg_request_info& info, Activity& activity, std::string_view& handler) {
    const std::string_view raw = info.request_uri == nullptr ? "" : info.request_uri;
    if (auto refused = framing_refusal(info, raw)) return *std::move(refused);
    Request request;
    fill_request(request, info);
    if (auto refused = host_refusal(request, raw)) return *std::move(refused);
    if (auto refused = forgery_refusal(request, raw)) return *std::move(refused);
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

  [[nodiscard]] std::optional<Response> host_refusal(const Request& request,
                                                     std::string_view path) const {
    if (!options_.check_host || !address_.is_loopback()) return std::nullopt;
    const auto host = request.header("Host");
    if (!host || is_own_host(*host, address_, options_.allowed_hosts)) return std::nullopt;
    return refusal(path, 403, "forbidden", "requests for this host name are not answered");
  }

  // What may change something is not done for other sites' pages, through a browser that reaches
  // this address (cross-site request forgery). Not every browser sends Sec-Fetch-Site, and none to
  // a plain http address that is not loopback, hence the header that no page can send elsewhere
  // without asking first (Fetch Standard, CORS-preflight).
  [[nodiscard]] std::optional<Response> forgery_refusal(const Request& request,
                                                        std::string_view path) const {
    if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
    const auto refuse = [path](std::string_view message) {
      return refusal(path, 403, "forbidden", message);
    };
    const auto origin = request.header("Origin");
    const std::string_view site = request.header("Sec-Fetch-Site").value_or("");
    if ((origin && !is_own_origin(*origin, address_, options_.allowed_hosts)) ||
        same_word(site, "cross-site") || same_word(site, "same-site")) {
      return refuse("requests of other sites are not answered");
    }
    if (!address_.is_loopback() && request.header("X-Heapfloor") != "1") {
      return refuse("requests other than GET and HEAD need the header X-Heapfloor: 1");
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
  const ListenAddress address_;
  mg_context* context_ = nullptr;
  std::mutex log_mutex_;
  std::string first_message_;  // the reason, when the server does not start
  std::mutex active_mutex_;
  std::condition_variable idle_;
  std::uint32_t active_ = 0;
  std::uint32_t admitted_ = 0;
  bool stopping_ = false;
};

HttpServer::HttpServer(const HttpOptions& options, std::vector<Route> routes)
    : server_(std::make_unique<Server>(options, std::move(routes))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::listening_port() const { return server_->listening_port(); }

}  // namespace heapfloor
