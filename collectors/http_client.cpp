#include "collectors/http_client.h"

#include <curl/curl.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <new>
#include <optional>
#include <stdexcept>

#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLargestSecretBytes = std::size_t{64} * 1024;

// What the callbacks of one exchange see.
struct Exchange {
  std::string body;
  std::size_t largest_body_bytes = 0;
  bool is_too_large = false;
  const std::stop_token* stop = nullptr;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::size_t bytes = size * count;
  if (bytes > exchange.largest_body_bytes - exchange.body.size()) {
    exchange.is_too_large = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  try {
    exchange.body.append(data, bytes);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return bytes;
}

int watch_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Exchange*>(user)->stop->stop_requested() ? 1 : 0;
}

// libcurl, loaded with the first client: with the thirty libraries that it needs it takes 4 MiB,
// which an agent that sends nothing does not pay. Throws std::runtime_error when it is not there.
struct Library {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;

  Library() : object_(::dlopen(kName, RTLD_NOW | RTLD_LOCAL)) {
    if (object_ == nullptr) fail("cannot be loaded");
    find(global_init, "curl_global_init");
    find(easy_init, "curl_easy_init");
    find(easy_cleanup, "curl_easy_cleanup");
    find(easy_reset, "curl_easy_reset");
    find(easy_setopt, "curl_easy_setopt");
    find(easy_perform, "curl_easy_perform");
    find(easy_getinfo, "curl_easy_getinfo");
    find(easy_strerror, "curl_easy_strerror");
    find(slist_append, "curl_slist_append");
    find(slist_free_all, "curl_slist_free_all");
    if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) fail("cannot be initialised");
  }

 private:
  static constexpr const char* kName = "libcurl.so.4";

  [[noreturn]] static void fail(const char* problem) {
    throw std::runtime_error(std::string(kName) + ' ' + problem);
  }
  template <class Function>
  void find(Function& function, const char* name) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym(3) is for
    function = reinterpret_cast<Function>(::dlsym(object_, name));
    if (function == nullptr) fail("lacks a function that the agent needs");
  }

  void* object_;  // never closed: libraries below it keep threads' data
};

const Library& curl_library() {
  static const Library library;
  return library;
}

// The first line of a file that holds a secret.
Result<std::string> read_secret(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return failure(ErrorKind::denied, file, "cannot be opened");
  std::string text(kLargestSecretBytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) return failure(ErrorKind::denied, file, "holds no secret");
  if (text.find('\0') != std::string::npos)
    return failure(ErrorKind::denied, file, "holds a NUL byte");
  return text;
}

ErrorKind kind_of(CURLcode code) {
  return code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::timeout : ErrorKind::io;
}

class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_library().slist_free_all(list_); }
  void add(const std::string& line) {
    curl_slist* const longer = curl_library().slist_append(list_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list_ = longer;
  }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

bool is_host_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
}

bool is_address_byte(char byte) {
  return (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F') ||
         (byte >= '0' && byte <= '9') || byte == ':' || byte == '.';
}

bool is_host(std::string_view host) {
  if (!host.starts_with('[')) return !host.empty() && std::ranges::all_of(host, is_host_byte);
  if (host.size() < 4 || !host.ends_with(']')) return false;
  return std::ranges::all_of(host.substr(1, host.size() - 2), is_address_byte);
}

bool is_port(std::string_view port) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number != 0;
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = nullptr;
  std::string error;  // CURL_ERROR_SIZE bytes

  Handle() : curl(curl_library().easy_init()), error(CURL_ERROR_SIZE, '\0') {
    if (curl == nullptr) throw std::bad_alloc();
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_library().easy_cleanup(curl); }

  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_library().easy_setopt(curl, option, value) != CURLE_OK)
      throw std::runtime_error("libcurl lacks an option that the agent needs");
  }
  void set_text(CURLoption option, const std::string& text) {
    if (!text.empty()) set(option, text.c_str());
  }

  void set_limits(const HttpClientOptions& options) {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_USERAGENT, "heapfloor");
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.deadline_seconds * 1000));
    set(CURLOPT_BUFFERSIZE, 16L * 1024);
    set(CURLOPT_ERRORBUFFER, error.data());
  }

  void set_tls(const HttpClientOptions& options) {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, options.insecure_skip_verify ? 0L : 1L);
    set(CURLOPT_SSL_VERIFYHOST, options.insecure_skip_verify ? 0L : 2L);
    set_text(CURLOPT_CAINFO, options.ca_file);
    set_text(CURLOPT_SSLCERT, options.cert_file);
    set_text(CURLOPT_SSLKEY, options.key_file);
  }

  void set_basic_auth(const std::string& username, const std::string& password) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, username.c_str());
    set(CURLOPT_PASSWORD, password.c_str());
  }

  // curl checks a certificate against the host of the URL: the URL names the wanted host, and the
  // connection goes to where it went before.
  void set_server_name(const UrlParts& url, const std::string& server_name, HeaderList& headers,
                       HeaderList& detour) {
    const std::string named = url.scheme + "://" + server_name + ":" + url.port + url.path;
    detour.add(server_name + ":" + url.port + ":" + url.host + ":" + url.port);
    headers.add("Host: " + url.host + ":" + url.port);
    set(CURLOPT_URL, named.c_str());
    set(CURLOPT_CONNECT_TO, detour.get());
  }

  void set_request(const HttpRequest& request, HeaderList& headers) {
    if (request.method == "POST") {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
      headers.add("Content-Type: " + request.content_type);
      headers.add("Expect:");  // the body goes at once
    } else {
      set(CURLOPT_HTTPGET, 1L);
    }
  }

  // Nothing, or why the request may not be sent.
  std::optional<Error> set_secrets(const HttpClientOptions& options, HeaderList& headers) {
    if (!options.bearer_token_file.empty()) {
      const Result<std::string> token = read_secret(options.bearer_token_file);
      if (!token) return token.error();
      headers.add("Authorization: Bearer " + *token);
    }
    if (options.username.empty()) return std::nullopt;
    if (options.password_file.empty()) {
      set_basic_auth(options.username, options.password);
      return std::nullopt;
    }
    const Result<std::string> password = read_secret(options.password_file);
    if (!password) return password.error();
    set_basic_auth(options.username, *password);
    return std::nullopt;
  }

  [[nodiscard]] Result<HttpAnswer> perform(const std::string& shown_url, Exchange& exchange) {
    error.front() = '\0';
    const CURLcode code = curl_library().easy_perform(curl);
    if (code != CURLE_OK) {
      std::string reason = error.c_str();
      if (reason.empty()) reason = curl_library().easy_strerror(code);
      if (exchange.is_too_large)
        return failure(ErrorKind::malformed, shown_url, "the answer is too large");
      if (code == CURLE_ABORTED_BY_CALLBACK) reason = "stopped";
      return failure(kind_of(code), shown_url, std::move(reason));
    }
    long status = 0;
    curl_library().easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return HttpAnswer{static_cast<int>(status), std::move(exchange.body)};
  }

  [[nodiscard]] double duration_seconds() const {
    curl_off_t microseconds = 0;
    curl_library().easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &microseconds);
    return static_cast<double>(microseconds) / 1e6;
  }
};

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {
  handle_ = std::make_unique<Handle>();
}

HttpClient::~HttpClient() = default;

HttpExchange HttpClient::send(const HttpRequest& request, const std::stop_token& stop) {
  const Result<UrlParts> url = parse_url(request.url);
  if (!url) return {Failure(url.error()), 0};
  const std::string shown_url = url->scheme + "://" + url->host + ":" + url->port;
  Exchange exchange;
  exchange.largest_body_bytes = options_.largest_body_bytes;
  exchange.stop = &stop;
  HeaderList headers;
  HeaderList detour;
  curl_library().easy_reset(handle_->curl);  // keeps the connection
  handle_->set_limits(options_);
  handle_->set_tls(options_);
  if (options_.server_name.empty()) {
    handle_->set(CURLOPT_URL, request.url.c_str());
  } else {
    handle_->set_server_name(*url, options_.server_name, headers, detour);
  }
  handle_->set_request(request, headers);
  if (std::optional<Error> error = handle_->set_secrets(options_, headers))
    return {Failure(std::move(*error)), 0};
  for (const auto& [name, value] : options_.headers) {
    std::string line = name;
    headers.add(value.empty() ? line.append(";") : line.append(": ").append(value));
  }
  handle_->set(CURLOPT_HTTPHEADER, headers.get());
  handle_->set(CURLOPT_WRITEFUNCTION, &take_body);
  handle_->set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  handle_->set(CURLOPT_NOPROGRESS, 0L);
  handle_->set(CURLOPT_XFERINFOFUNCTION, &watch_stop);
  handle_->set(CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
  HttpExchange done{handle_->perform(shown_url, exchange), 0};
  done.duration_seconds = handle_->duration_seconds();
  return done;
}

std::optional<std::string> header_problem(std::string_view name, std::string_view value) {
  constexpr std::string_view kToken =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
  constexpr std::array<std::string_view, 9> kOwn = {
      "host",    "connection", "content-length",   "content-type", "accept-encoding", "expect",
      "upgrade", "te",         "transfer-encoding"};
  if (name.empty() || name.find_first_not_of(kToken) != std::string_view::npos)
    return "has no valid name";
  if (std::ranges::any_of(kOwn, [name](std::string_view own) { return same_word(own, name); }))
    return "is written by the client itself";
  const auto is_control = [](char byte) {
    return (static_cast<unsigned char>(byte) < ' ' && byte != '\t') || byte == '\x7f';
  };
  if (std::ranges::any_of(value, is_control)) return "has a control character in its value";
  return std::nullopt;
}

Result<UrlParts> parse_url(std::string_view url) {
  const auto wrong = [](std::string reason) {
    return failure(ErrorKind::malformed, "url", std::move(reason));
  };
  UrlParts parts;
  std::string_view rest = url;
  if (rest.starts_with("http://")) parts.scheme = "http";
  if (rest.starts_with("https://")) parts.scheme = "https";
  if (parts.scheme.empty()) return wrong("expects http:// or https://");
  rest.remove_prefix(parts.scheme.size() + 3);
  const auto is_visible = [](char byte) { return byte > ' ' && byte < '\x7f'; };
  if (!std::ranges::all_of(rest, is_visible) || rest.find('#') != std::string_view::npos)
    return wrong("has a space, a control character or a fragment");
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return wrong("has a user name or password: use username and password_file");
  const std::size_t after_host = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon =
      after_host == std::string_view::npos ? after_host : authority.find(':', after_host);
  parts.host = std::string(authority.substr(0, colon));
  parts.port = parts.scheme == "https" ? "443" : "80";
  if (colon != std::string_view::npos) parts.port = std::string(authority.substr(colon + 1));
  if (!is_host(parts.host)) return wrong("has no valid host");
  if (!is_port(parts.port)) return wrong("has no valid port");
  parts.path = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return parts;
}

}  // namespace heapfloor
