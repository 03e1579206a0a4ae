#include "agent/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/http/negotiation.h"
#include "tests/http/raw_client.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CountingObserver : public RequestObserver {
 public:
  void request_started() override {
    {
      const std::lock_guard lock(mutex_);
      ++in_flight_;
    }
    changed_.notify_all();
  }
  void request_finished(std::string_view handler, int status) override {
    {
      const std::lock_guard lock(mutex_);
      --in_flight_;
      ++counts_[{std::string(handler), status}];
    }
    changed_.notify_all();
  }
  // Answers reach the client a moment before they are counted.
  bool wait_for(const std::string& handler, int status, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return in_flight_ == 0 && counts_[{handler, status}] == count;
    });
  }
  bool wait_for_refusals(const std::string& handler, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return counts_[{handler, 503}] == count;
    });
  }
  bool wait_for_in_flight(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return in_flight_ == count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;
  std::map<std::pair<std::string, int>, int> counts_;
};

// Holds handlers inside until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

constexpr std::size_t kHugeBytes = 48'000'000;  // more than the kernel buffers for a client
constexpr std::string_view kGetHuge = "GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n";

// Clients that ask for /huge and read no more than its first bytes.
std::vector<std::unique_ptr<RawConnection>> stalled_clients(std::uint16_t port, int count) {
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawConnection>(port, 4096));
    clients.back()->send(kGetHuge);
    EXPECT_THAT(clients.back()->receive_until("200 OK"), HasSubstr("200 OK"));
  }
  return clients;
}

std::chrono::steady_clock::duration time_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - begin;
}

class HttpServerTest : public ::testing::Test {
 protected:
  static Response echo_rest(const Request& request) { return text_response(200, request.rest); }

  static Response compressible(const Request& request) {
    const bool gzip = accepts_gzip(request.header("accept-encoding").value_or(""));
    return text_response(200, gzip ? "gzip" : "identity");
  }

  static Response echo_query(const Request& request) {
    std::string text;
    for (const auto& [name, value] : request.query) text += "[" + name + "=" + value + "]";
    return text_response(200, text);
  }

  std::vector<Route> routes() {
    const auto route = [](std::string path, std::string name, Handler handler) {
      return Route{
          std::move(path), RouteMatch::exact, {"GET"}, std::move(name), std::move(handler)};
    };
    return {
        route("/metrics", "metrics", compressible),
        route("/query", "query", echo_query),
        route("/throws", "throws",
              [](const Request&) -> Response { throw std::runtime_error("broken"); }),
        route("/throws-odd", "throws", [](const Request&) -> Response { throw 1; }),
        route("/api/v1/throws", "throws",
              [](const Request&) -> Response { throw std::runtime_error("broken"); }),
        route("/split", "split",
              [](const Request&) {
                Response response = text_response(200, "x");
                response.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b");
                return response;
              }),
        route("/big", "big",
              [](const Request&) { return text_response(200, std::string(3'000'000, 'b')); }),
        route("/huge", "huge",
              [](const Request&) {
                static const auto body = std::make_shared<const std::string>(kHugeBytes, 'h');
                Response response;
                response.body = body;
                return response;
              }),
        route("/not-modified", "empty", [](const Request&) { return text_response(304, ""); }),
        route("/no-content", "empty", [](const Request&) { return text_response(204, "text"); }),
        route("/asset", "asset",
              [](const Request&) {
                Response response = text_response(200, "x");
                response.headers.emplace_back("Cache-Control", "max-age=60");
                return response;
              }),
        route("/gate", "gate",
              [this](const Request&) {
                gate_.pass();
                return text_response(200, "through");
              }),
        {"/-/reload",
         RouteMatch::exact,
         {"POST", "PUT"},
         "reload",
         [](const Request&) { return text_response(200, "reloaded"); }},
        {"/api/v1/series/", RouteMatch::prefix, {"GET"}, "series", echo_rest},
    };
  }

  HttpOptions options() {
    HttpOptions options;
    options.listen_address = "127.0.0.1:0";
    options.worker_threads = 6;
    options.max_requests = 3;
    options.observer = &observer_;
    return options;
  }

  std::uint16_t start(const HttpOptions& options) {
    server_ = std::make_unique<HttpServer>(options, routes());
    return server_->listening_port();
  }
  std::uint16_t start() { return start(options()); }

  CountingObserver observer_;
  Gate gate_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, PathsAreExact) {
  const std::uint16_t port = start();
  EXPECT_EQ(get(port, "/metrics").status, 200);
  for (const char* const path :
       {"/metrics/", "/metrics/foo", "/metrics%00", "//metrics", "/Metrics", "/", "/x/../metrics",
        "/x/%2e%2e/metrics", "/.htpasswd"}) {
    EXPECT_NE(get(port, path).status, 200) << path;
  }
  EXPECT_EQ(get(port, "/metrics/foo").status, 404);
  EXPECT_EQ(get(port, "/").status, 404);
  EXPECT_EQ(get(port, "/metric%73").status, 200);
}

TEST_F(HttpServerTest, PrefixRoutesGetTheDecodedRest) {
  const std::uint16_t port = start();
  EXPECT_EQ(get(port, "/api/v1/series/process:4711:123456/rss_anon").body,
            "process:4711:123456/rss_anon");
  EXPECT_EQ(get(port, "/api/v1/series/process%3A4711%3A123456%2Frss_anon").body,
            "process:4711:123456/rss_anon");
  EXPECT_EQ(get(port, "/api/v1/series/a%2520b").body, "a%20b");
  EXPECT_EQ(get(port, "/api/v1/series/").status, 404);
}

TEST_F(HttpServerTest, WrongMethodsGet405WithAllow) {
  const std::uint16_t port = start();
  const RawResponse post = get(port, "/metrics", "Content-Length: 0\r\n", "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.header("Allow"), "GET, HEAD");
  const RawResponse reload = get(port, "/-/reload");
  EXPECT_EQ(reload.status, 405);
  EXPECT_EQ(reload.header("Allow"), "POST, PUT");
  EXPECT_EQ(get(port, "/metrics", "", "OPTIONS").status, 405);
  EXPECT_EQ(get(port, "/-/reload", "Content-Length: 0\r\n", "POST").status, 200);
  EXPECT_EQ(get(port, "/-/reload", "", "POST").status, 200);
}

TEST_F(HttpServerTest, HeadHasTheLengthOfTheBodyAndNoBody) {
  const std::uint16_t port = start();
  const RawResponse head = get(port, "/metrics", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), std::to_string(std::string("identity").size()));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(get(port, "/nothing", "", "HEAD").body, "");
}

TEST_F(HttpServerTest, BodiesAndAmbiguousFramingAreRefused) {
  HttpOptions impatient = options();
  impatient.request_timeout_ms = 300;  // for announced bodies that never come
  const std::uint16_t port = start(impatient);
  const auto status = [port](const std::string& head, const std::string& body = "") {
    return send_raw(port, head + "\r\n" + body).status;
  };
  const std::string start_line = "GET /metrics HTTP/1.1\r\n";
  const std::string host = "Host: 127.0.0.1\r\n";
  EXPECT_EQ(status(start_line + host), 200);
  EXPECT_EQ(status(start_line + "X-Empty:\r\n" + host + "X-Spaces:   \r\n"), 200);
  EXPECT_EQ(status(start_line + host + "Content-Length: 5\r\n", "hello"), 413);
  EXPECT_EQ(status("POST /-/reload HTTP/1.1\r\n" + host + "Content-Length: 5\r\n", "hello"), 413);
  EXPECT_EQ(status("POST /-/reload HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n",
                   "5\r\nhello\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status(start_line + host + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400);
  EXPECT_EQ(status(start_line + host + "Content-Length: 0\r\nContent-Length: 5\r\n", "hello"), 400);
  EXPECT_EQ(status(start_line + host + "Content-Length: 0junk\r\n"), 400);
  EXPECT_EQ(status(start_line + host + "Content-Length : 0\r\n"), 400);
  EXPECT_EQ(status(start_line + host + "X-Name: a\nX-Other: b\r\n"), 400);
  EXPECT_EQ(status(start_line), 400);
  EXPECT_EQ(status(start_line + host + host), 400);
}

TEST_F(HttpServerTest, HugeRequestsAreRefused) {
  const std::uint16_t port = start();
  const auto refused = [](int status) {
    return status == 400 || status == 413 || status == 414 || status == 431;
  };
  EXPECT_PRED1(refused,
               get(port, "/metrics", "X-Large: " + std::string(20'000, 'x') + "\r\n").status);
  EXPECT_PRED1(refused, get(port, "/query?" + std::string(1'000'000, 'x')).status);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(get(port, "/metrics", many).status, 431);
}

TEST_F(HttpServerTest, HostileUrlsAreRefusedAndOddOnesAreDecoded) {
  const std::uint16_t port = start();
  EXPECT_EQ(get(port, "/query?a=1&b=%22+x&a=&c").body, "[a=1][b=\" x][a=][c=]");
  EXPECT_EQ(get(port, "/query?&&==&").body, "[==]");
  for (const char* const target :
       {"/query?a=%", "/query?a=%4", "/query?a=%zz", "/query?a=%00", "/query?a=%ff",
        "/query?a=%c0%af", "/query?a=%0d%0aX:%201", "/query%ff", "/query?%ed%a0%80=1"}) {
    EXPECT_EQ(get(port, target).status, 400) << target;
  }
  EXPECT_EQ(get(port, "/api/v1/series/%ff").body,
            R"({"status":"error","errorType":"bad_data","error":"malformed URL"})");
  EXPECT_EQ(get(port, "*").status, 400);
  EXPECT_EQ(get(port, "http://other.example/metrics").status, 400);
  EXPECT_EQ(send_raw(port, "nonsense\r\n\r\n").status, 400);
  EXPECT_EQ(send_raw(port, "GET /metrics HTTP/1.1 x\r\nHost: localhost\r\n\r\n").status, 400);
}

TEST_F(HttpServerTest, AHandlerThatThrowsBecomesA500WithoutItsWords) {
  const std::uint16_t port = start();
  for (const char* const path : {"/throws", "/throws-odd", "/api/v1/throws"}) {
    const RawResponse response = get(port, path);
    EXPECT_EQ(response.status, 500);
    EXPECT_THAT(response.body, Not(HasSubstr("broken")));
  }
  EXPECT_EQ(get(port, "/api/v1/throws").body,
            R"({"status":"error","errorType":"internal","error":"internal error"})");
  EXPECT_EQ(get(port, "/metrics").status, 200);
}

TEST_F(HttpServerTest, AResponseHeaderCannotBeSplit) {
  const RawResponse response = get(start(), "/split");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.head, Not(HasSubstr("Set-Cookie")));
}

TEST_F(HttpServerTest, EveryAnswerCarriesTheSecurityHeaders) {
  const std::uint16_t port = start();
  for (const RawResponse& response : {get(port, "/metrics"), get(port, "/nothing"),
                                      get(port, "/throws"), send_raw(port, "nonsense\r\n\r\n")}) {
    EXPECT_THAT(response.header("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "");
    EXPECT_THAT(response.header("Date"), ::testing::EndsWith(" GMT"));
  }
  EXPECT_EQ(get(port, "/asset").header("Cache-Control"), "max-age=60");
}

TEST_F(HttpServerTest, GzipIsNegotiatedWithQualities) {
  const std::uint16_t port = start();
  EXPECT_EQ(get(port, "/metrics", "Accept-Encoding: gzip\r\n").body, "gzip");
  EXPECT_EQ(get(port, "/metrics", "Accept-Encoding: gzip;q=0\r\n").body, "identity");
  EXPECT_EQ(get(port, "/metrics").body, "identity");
}

TEST_F(HttpServerTest, ALargeBodyArrivesWhole) {
  const RawResponse response = get(start(), "/big");
  EXPECT_EQ(response.body.size(), 3'000'000U);
  EXPECT_EQ(response.header("Content-Length"), "3000000");
}

TEST_F(HttpServerTest, AnswersWithoutABodyHaveNoContentLength) {
  const std::uint16_t port = start();
  for (const char* const path : {"/not-modified", "/no-content"}) {
    const RawResponse response = get(port, path);
    EXPECT_THAT(response.status, ::testing::AnyOf(204, 304));
    EXPECT_THAT(response.head, Not(HasSubstr("Content-Length")));
    EXPECT_EQ(response.body, "");
  }
}

TEST_F(HttpServerTest, MoreRequestsThanAllowedGet503WithRetryAfter) {
  const std::uint16_t port = start();
  std::vector<std::thread> waiting;
  std::vector<int> statuses(3);
  for (int& status : statuses) {
    waiting.emplace_back([port, &status] { status = get(port, "/gate").status; });
  }
  gate_.wait_for_inside(3);
  const RawResponse refused = get(port, "/metrics");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  gate_.open();
  for (std::thread& thread : waiting) thread.join();
  EXPECT_THAT(statuses, ::testing::Each(200));
  EXPECT_TRUE(observer_.wait_for("gate", 200, 3));
  EXPECT_EQ(get(port, "/metrics").status, 200);
}

TEST_F(HttpServerTest, RequestsAreCountedByHandlerAndCode) {
  const std::uint16_t port = start();
  std::ignore = get(port, "/metrics");
  std::ignore = get(port, "/metrics");
  std::ignore = get(port, "/no/such/path/chosen-by-a-client");
  std::ignore = get(port, "/throws");
  std::ignore = send_raw(port, "nonsense\r\n\r\n");
  EXPECT_TRUE(observer_.wait_for("metrics", 200, 2));
  EXPECT_TRUE(observer_.wait_for("other", 404, 1));
  EXPECT_TRUE(observer_.wait_for("throws", 500, 1));
  EXPECT_TRUE(observer_.wait_for("other", 400, 1));
}

TEST_F(HttpServerTest, OnLoopbackOnlyItsOwnHostNamesAreAnswered) {
  HttpOptions with_proxy = options();
  with_proxy.allowed_hosts = {"heapfloor.example"};
  const std::uint16_t port = start(with_proxy);
  const auto status = [port](const std::string& host) {
    return send_raw(port, "GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  EXPECT_EQ(status("localhost"), 200);
  EXPECT_EQ(status("127.0.0.1:4327"), 200);
  EXPECT_EQ(status("heapfloor.example"), 200);
  EXPECT_EQ(status("attacker.example"), 403);
  EXPECT_EQ(status("127.0.0.1.attacker.example"), 403);
  EXPECT_EQ(status(""), 403);
  EXPECT_EQ(send_raw(port, "GET /metrics HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(HttpServerTest, TheHostCheckCanBeSwitchedOff) {
  HttpOptions open = options();
  open.check_host = false;
  const std::uint16_t port = start(open);
  EXPECT_EQ(send_raw(port, "GET /metrics HTTP/1.1\r\nHost: any.example\r\n\r\n").status, 200);
}

// 200 where a request that changes something is let through with these headers.
int reload_status(std::uint16_t port, const std::string& headers) {
  return get(port, "/-/reload", headers, "POST").status;
}

TEST_F(HttpServerTest, OtherSitesCannotChangeAnything) {
  HttpOptions with_proxy = options();
  with_proxy.allowed_hosts = {"heapfloor.example"};
  const std::uint16_t port = start(with_proxy);
  EXPECT_EQ(reload_status(port, ""), 200);
  EXPECT_EQ(reload_status(port, "Origin: http://127.0.0.1:4327\r\n"), 200);
  EXPECT_EQ(reload_status(port, "Origin: https://heapfloor.example\r\n"), 200);
  EXPECT_EQ(reload_status(port, "Sec-Fetch-Site: same-origin\r\n"), 200);
  EXPECT_EQ(reload_status(port, "Sec-Fetch-Site: none\r\n"), 200);
  for (const char* const origin : {"null", "", "http://", "localhost", "http://attacker.example",
                                   "http://localhost.attacker.example", "http://a@localhost"}) {
    EXPECT_EQ(reload_status(port, "Origin: " + std::string(origin) + "\r\n"), 403) << origin;
  }
  EXPECT_EQ(reload_status(port, "Sec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(reload_status(port, "Sec-Fetch-Site: Same-Site\r\n"), 403);
  EXPECT_EQ(reload_status(port, "Origin: http://localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(get(port, "/metrics", "Origin: http://attacker.example\r\n").status, 200);
  EXPECT_EQ(get(port, "/metrics", "Sec-Fetch-Site: cross-site\r\n", "HEAD").status, 200);
}

TEST_F(HttpServerTest, OnOtherAddressesThanLoopbackChangesNeedAHeaderThatFormsCannotSend) {
  HttpOptions open = options();
  open.listen_address = "0.0.0.0:0";
  open.allow_insecure = true;
  const std::uint16_t port = start(open);
  const RawResponse refused = get(port, "/-/reload", "", "POST");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("X-Heapfloor: 1"));
  EXPECT_EQ(reload_status(port, "X-Heapfloor: 0\r\n"), 403);
  EXPECT_EQ(reload_status(port, "X-Heapfloor: 1\r\n"), 200);
  EXPECT_EQ(reload_status(port, "X-Heapfloor: 1\r\nOrigin: http://attacker.example\r\n"), 403);
  EXPECT_EQ(get(port, "/metrics").status, 200);
}

TEST_F(HttpServerTest, TheAccessControlListIsKept) {
  HttpOptions closed = options();
  closed.access_control_list = "-0.0.0.0/0,+10.0.0.0/8";
  EXPECT_NE(get(start(closed), "/metrics").status, 200);
}

TEST_F(HttpServerTest, APortInUseIsOneClearSentence) {
  const std::uint16_t port = start();
  HttpOptions second = options();
  second.listen_address = "127.0.0.1:" + std::to_string(port);
  try {
    const HttpServer server(second, routes());
    FAIL() << "two servers on one port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot listen on " + second.listen_address));
    EXPECT_THAT(error.what(), HasSubstr("in use"));
  }
  EXPECT_EQ(get(port, "/metrics").status, 200);
}

TEST_F(HttpServerTest, AsManyRequestsAsWorkersCannotBeAllowed) {
  for (const std::uint32_t max_requests : {6U, 7U}) {
    HttpOptions unguarded = options();
    unguarded.max_requests = max_requests;
    try {
      const HttpServer server(unguarded, routes());
      FAIL() << "no worker is left to refuse requests";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("less than the number of worker threads (6)"));
    }
  }
}

TEST_F(HttpServerTest, IdleConnectionsHoldEveryWorkerNoLongerThanTheRequestTimeout) {
  HttpOptions impatient = options();
  impatient.request_timeout_ms = 1000;
  const std::uint16_t port = start(impatient);
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (std::uint32_t i = 0; i < impatient.worker_threads; ++i) {
    idle.push_back(std::make_unique<RawConnection>(port));
    if (i % 2 == 1) idle.back()->send("GET /metrics HTTP/1.1\r\n");
  }
  int status = 0;
  const auto waited = time_of([&] { status = get(port, "/metrics").status; });
  EXPECT_EQ(status, 200);
  // Without the timeout it would be for ever; a loaded machine may take its time.
  EXPECT_LT(waited, 5 * std::chrono::milliseconds(impatient.request_timeout_ms));
  for (const auto& connection : idle) {
    EXPECT_THAT(connection->receive(), Not(HasSubstr("200 OK")));
  }
}

TEST_F(HttpServerTest, ClientsThatDoNotReadHoldNoWorker) {
  HttpOptions patient = options();
  patient.send_timeout_ms = 120000;
  const std::uint16_t port = start(patient);
  const auto stalled = stalled_clients(port, 3 * static_cast<int>(patient.worker_threads));
  EXPECT_TRUE(observer_.wait_for_in_flight(0));
  EXPECT_EQ(get(port, "/metrics").status, 200);
  EXPECT_EQ(get(port, "/huge").body.size(), kHugeBytes);
}

TEST_F(HttpServerTest, AClientThatReadsTooSlowlyIsCutOff) {
  HttpOptions impatient = options();
  impatient.send_timeout_ms = 200;
  const std::uint16_t port = start(impatient);
  const RawConnection slow(port, 65536);
  slow.send(kGetHuge);
  const RawResponse response = parse_raw_response(slow.receive(std::chrono::milliseconds(1)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Length"), std::to_string(kHugeBytes));
  EXPECT_LT(response.body.size(), kHugeBytes);
}

TEST_F(HttpServerTest, AHugeAnswerReachesAClientThatReadsIt) {
  HttpOptions patient = options();
  patient.send_timeout_ms = 60000;  // it reads as fast as the machine lets it
  const RawResponse response = get(start(patient), "/huge");
  EXPECT_EQ(response.body.size(), kHugeBytes);
}

TEST_F(HttpServerTest, ManyClientsAtOnceAreAllAnswered) {
  HttpOptions many = options();
  constexpr int kClients = 8;
  many.max_requests = kClients;
  many.worker_threads = kClients + 1;
  const std::uint16_t port = start(many);
  constexpr int kRequests = 20;
  std::vector<std::thread> clients;
  std::vector<int> answered(kClients);
  for (int& count : answered) {
    clients.emplace_back([port, &count] {
      for (int i = 0; i < kRequests; ++i) count += get(port, "/metrics").status == 200 ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(answered, ::testing::Each(kRequests));
}

TEST_F(HttpServerTest, StoppingWaitsForTheRequestsInProgress) {
  const std::uint16_t port = start();
  int status = 0;
  std::thread client([port, &status] { status = get(port, "/gate").status; });
  gate_.wait_for_inside(1);
  std::thread stopper([this] { server_.reset(); });
  gate_.open();
  stopper.join();
  client.join();
  EXPECT_EQ(status, 200);
  EXPECT_THROW(RawConnection{port}, std::runtime_error);
}

TEST_F(HttpServerTest, StoppingDoesNotWaitForSlowClients) {
  const std::uint16_t port = start();
  const auto stalled = stalled_clients(port, 3);
  const RawConnection idle(port);
  EXPECT_LT(time_of([this] { server_.reset(); }), std::chrono::seconds(5));
}

}  // namespace
}  // namespace heapfloor
