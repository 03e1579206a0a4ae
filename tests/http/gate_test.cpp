// The gate from outside: limits, deadlines, what is handed on, and to whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/http/http_server.h"
#include "agent/http/request_head.h"
#include "tests/http/raw_client.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GateObserver : public RequestObserver {
 public:
  void request_started() override {}
  void request_finished(std::string_view, int) override {
    const std::lock_guard lock(mutex_);
    ++finished_;
    changed_.notify_all();
  }
  void connections_changed(std::size_t open) override {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void connection_refused(std::string_view reason) override {
    const std::lock_guard lock(mutex_);
    ++refused_[std::string(reason)];
    changed_.notify_all();
  }
  bool wait_for_finished(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return finished_ == count; });
  }
  bool wait_for_open(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return open_ == count; });
  }
  bool wait_for_refused(const std::string& reason, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return refused_[reason] == count; });
  }

 private:
  static constexpr std::chrono::seconds kPatience{30};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t open_ = 0;
  int finished_ = 0;
  std::map<std::string, int> refused_;
};

constexpr std::size_t kPageBytes =
    std::size_t{16} * 1024 * 1024;  // more than systems keep for a client

std::vector<Route> test_routes() {
  const auto show = [](const Request& request) {
    std::string text = "from " + request.remote_address + "\n";
    for (const auto& [name, value] : request.headers) text += name + "=" + value + "\n";
    return text_response(200, text);
  };
  return {{"/metrics",
           RouteMatch::exact,
           {"GET"},
           "metrics",
           [](const Request&) { return text_response(200, "up 1\n"); }},
          {"/show", RouteMatch::exact, {"GET"}, "show", show},
          {"/page",
           RouteMatch::exact,
           {"GET"},
           "page",
           [](const Request&) {
             static const auto kPage = std::make_shared<const std::string>(kPageBytes, 'p');
             Response response;
             response.body = kPage;
             return response;
           }},
          {"/-/reload", RouteMatch::exact, {"POST"}, "reload", [](const Request&) {
             return text_response(200, "reloaded");
           }}};
}

constexpr std::string_view kGet = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kGetAndClose =
    "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class GateTest : public ::testing::Test {
 protected:
  HttpOptions options() {
    HttpOptions options;
    options.listen_address = "127.0.0.1:0";
    options.worker_threads = 4;
    options.max_requests = 3;
    options.observer = &observer_;
    return options;
  }
  std::uint16_t start(const HttpOptions& options) {
    server_ = std::make_unique<HttpServer>(options, test_routes());
    return server_->listening_port();
  }

  GateObserver observer_;
  std::unique_ptr<HttpServer> server_;
};

bool has_ipv6() {
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  const int failed = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (socket >= 0) ::close(socket);
  return failed == 0;
}

RawResponse get_over(int family, std::uint16_t port, std::string_view path) {
  const RawConnection connection(port, 0, family);
  connection.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return parse_raw_response(connection.receive());
}

TEST_F(GateTest, SeveralAddressesOfBothFamiliesAreServed) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  HttpOptions both = options();
  both.listen_address = "127.0.0.1:0,[::1]:0";
  start(both);
  const std::vector<std::string> addresses = server_->listening_addresses();
  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_THAT(addresses[1], ::testing::StartsWith("[::1]:"));
  const auto port = static_cast<std::uint16_t>(std::stoi(addresses[1].substr(6)));
  EXPECT_THAT(get_over(AF_INET, server_->listening_port(), "/show").body,
              HasSubstr("from 127.0.0.1\n"));
  EXPECT_THAT(get_over(AF_INET6, port, "/show").body, HasSubstr("from ::1\n"));
}

TEST_F(GateTest, TheUnspecifiedIpv6AddressServesIpv4Too) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  HttpOptions open = options();
  open.listen_address = "[::]:0";
  open.allow_insecure = true;
  const std::uint16_t port = start(open);
  EXPECT_THAT(get_over(AF_INET6, port, "/show").body, HasSubstr("from ::1\n"));
  EXPECT_THAT(get_over(AF_INET, port, "/show").body, HasSubstr("from 127.0.0.1\n"));
  EXPECT_TRUE(server_->is_insecure());
}

// What two servers could read differently (RFC 9112), or what no client of ours sends.
constexpr const char* kHost = "Host: localhost\r\n";
std::vector<std::string> hostile_requests() {
  const std::string host = kHost;
  const std::string get = "GET /metrics HTTP/1.1\r\n" + host;
  return {
      get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      get + "Transfer-Encoding: identity\r\n\r\n",
      get + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      get +
          "Transfer-Encoding:\x0b"
          "chunked\r\n\r\n0\r\n\r\n",
      get + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
      get + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
      get + "Content-Length: 0, 0\r\n\r\n",
      get + "Content-Length: +0\r\n\r\n",
      get + "Content-Length: -1\r\n\r\n",
      get + "Content-Length: 0x0\r\n\r\n",
      get + "Content-Length: 5junk\r\n\r\nhello",
      get + "Content-Length: 99999999999999999999\r\n\r\n",
      get + "Content-Length:\r\n\r\n",
      get + "Content-Length: 5\r\n\r\nhello",
      get + "Content-Length : 0\r\n\r\n",
      get + " Content-Length: 0\r\n\r\n",
      get + "X-Folded: a\r\n b\r\n\r\n",
      get + "X-Folded: a\r\n\tb\r\n\r\n",
      get + "X-Bare: a\nX-Other: b\r\n\r\n",
      get + "X-Bare: a\rX-Other: b\r\n\r\n",
      get + "X-Nul: a" + std::string(1, '\0') + "b\r\n\r\n",
      get + "X\x80: a\r\n\r\n",
      get + ": no name\r\n\r\n",
      get + "no colon\r\n\r\n",
      get + host + "\r\n",
      get + "Connection: Host\r\n\r\n",
      get + "Connection: X-Heapfloor\r\n\r\n",
      get + "Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n\r\n",
      "GET /metrics HTTP/1.1\r\n\r\n",
      "GET /metrics HTTP/1.1\n" + host + "\r\n",
      "GET /metrics HTTP/2.0\r\n" + host + "\r\n",
      "GET /metrics HTTP/0.9\r\n" + host + "\r\n",
      "GET /metrics HTTP/1.1 \r\n" + host + "\r\n",
      "GET /metrics HTTP/1.1x\r\n" + host + "\r\n",
      "GET /metrics\r\n\r\n",
      "GET  /metrics HTTP/1.1\r\n" + host + "\r\n",
      "GET\t/metrics HTTP/1.1\r\n" + host + "\r\n",
      "GET /metrics\tHTTP/1.1\r\n" + host + "\r\n",
      "GET /met rics HTTP/1.1\r\n" + host + "\r\n",
      "GET /metrics#x HTTP/1.1\r\n" + host + "\r\n",
      "GET /metrics\x80 HTTP/1.1\r\n" + host + "\r\n",
      "GET http://localhost/metrics HTTP/1.1\r\n" + host + "\r\n",
      "GET localhost:80 HTTP/1.1\r\n" + host + "\r\n",
      "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n",
      "TRACE /metrics HTTP/1.1\r\n" + host + "\r\n",
      "get /metrics HTTP/1.1\r\n" + host + "\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\r\nGET /metrics HTTP/1.1\r\n" + host + "\r\n",
      "GET /metrics HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n",
      "GET /metrics?" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host + "\r\n",
      get + "X-Large: " + std::string(9000, 'a') + "\r\n\r\n",
      get + std::string(9000, 'a'),
  };
}

TEST_F(GateTest, AmbiguousAndOversizedRequestsAreRefused) {
  HttpOptions lasting = options();
  lasting.idle_timeout_ms = 10000;  // a refused request ends its connection all the same
  const std::uint16_t port = start(lasting);
  for (const std::string& request : hostile_requests()) {
    const RawResponse response = send_raw(port, request);
    EXPECT_THAT(response.status, ::testing::AllOf(::testing::Ge(400), ::testing::Lt(502)))
        << request.substr(0, 80);
    EXPECT_THAT(response.body, Not(HasSubstr("up 1"))) << request.substr(0, 80);
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(send_raw(port, kGetAndClose).status, 200);
}

TEST_F(GateTest, ABodyNobodyAnnouncedIsNotTheNextRequest) {
  HttpOptions lasting = options();
  lasting.idle_timeout_ms = 10000;
  const std::uint16_t port = start(lasting);
  const RawConnection connection(port);
  connection.send(std::string(kGet) + "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string all = connection.receive();
  EXPECT_THAT(all, HasSubstr("up 1"));
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_THAT(all, Not(HasSubstr("reloaded")));
}

TEST_F(GateTest, HopByHopFieldsAndTheGatesOwnAreNotHandedOn) {
  const std::uint16_t port = start(options());
  const std::string body =
      get(port, "/show",
          "x-heapfloor-gate: forged 111 6.6.6.6\r\nConnection: X-Private\r\nX-Private: 1\r\n"
          "Upgrade: h2c\r\nTE: trailers\r\nAuthorization: Basic YTpi\r\nX-Kept: 2\r\n")
          .body;
  EXPECT_THAT(body, HasSubstr("from 127.0.0.1\n"));
  EXPECT_THAT(body, HasSubstr("X-Kept=2\n"));
  for (const char* const gone : {"forged", "X-Private", "Upgrade", "TE=", "Authorization"}) {
    EXPECT_THAT(body, Not(HasSubstr(gone)));
  }
}

TEST_F(GateTest, WithoutTheSecretTheServerBehindItAnswersNobody) {
  start(options());
  const std::uint16_t behind = server_->upstream_port();
  for (const std::string field :
       {"", "X-Heapfloor-Gate: \r\n", "X-Heapfloor-Gate: 0 111 127.0.0.1\r\n",
        "X-Heapfloor-Gate: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef 111 "
        "127.0.0.1\r\n"}) {
    const RawConnection direct(behind);
    direct.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + field + "\r\n");
    EXPECT_EQ(direct.receive(), "") << field;
  }
  const RawConnection malformed(behind);
  malformed.send("nonsense\r\n\r\n");
  EXPECT_EQ(malformed.receive(), "");
}

TEST_F(GateTest, SilentStrangersDoNotHoldTheServerBehindIt) {
  const std::uint16_t port = start(options());
  std::vector<std::unique_ptr<RawConnection>> strangers;
  for (int i = 0; i < 40; ++i) {
    strangers.push_back(std::make_unique<RawConnection>(server_->upstream_port()));
  }
  EXPECT_EQ(send_raw(port, kGet).status, 200);
  for (const auto& stranger : strangers) EXPECT_EQ(stranger->receive(), "");
  EXPECT_EQ(send_raw(port, kGet).status, 200);
}

TEST_F(GateTest, AConnectionServesSeveralRequestsUntilItIsIdleForTooLong) {
  HttpOptions lasting = options();
  lasting.idle_timeout_ms = 300;
  const std::uint16_t port = start(lasting);
  const RawConnection connection(port);
  for (int i = 0; i < 3; ++i) {
    connection.send(kGet);
    const std::string answer = connection.receive_until("up 1\n");
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    EXPECT_THAT(answer, HasSubstr("Connection: keep-alive"));
  }
  EXPECT_EQ(connection.receive(), "");  // closed by the server
  EXPECT_TRUE(observer_.wait_for_open(0));
}

TEST_F(GateTest, AClientThatWantsToCloseIsClosed) {
  HttpOptions lasting = options();
  lasting.idle_timeout_ms = 60000;
  const std::uint16_t port = start(lasting);
  EXPECT_THAT(send_raw(port, kGetAndClose).header("Connection"), "close");
  EXPECT_THAT(send_raw(port, "GET /metrics HTTP/1.0\r\n\r\n").header("Connection"), "close");
}

TEST_F(GateTest, AnIncompleteRequestEndsWithItsDeadlineHoweverManyDropsCome) {
  HttpOptions impatient = options();
  impatient.request_timeout_ms = 300;
  const std::uint16_t port = start(impatient);
  const RawConnection silent(port);
  const RawConnection dripping(port);
  std::jthread drops([&dripping](const std::stop_token& stop) {
    for (int i = 0; i < 2000 && !stop.stop_requested(); ++i) {
      dripping.send("G");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  EXPECT_EQ(silent.receive(), "");
  EXPECT_EQ(dripping.receive(), "");
  EXPECT_TRUE(observer_.wait_for_refused("timeout", 2));
}

TEST_F(GateTest, WhenAllPlacesAreTakenTheOldestSilentConnectionGivesWay) {
  HttpOptions small = options();
  small.max_connections = 8;
  small.request_timeout_ms = 60000;
  const std::uint16_t port = start(small);
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(std::make_unique<RawConnection>(port));
  ASSERT_TRUE(observer_.wait_for_open(8));
  EXPECT_EQ(send_raw(port, kGet).status, 200);
  EXPECT_TRUE(observer_.wait_for_refused("replaced", 1));
  EXPECT_EQ(silent.front()->receive(), "");
  silent.back()->send(kGet);
  EXPECT_THAT(silent.back()->receive(), HasSubstr("up 1"));
}

TEST_F(GateTest, OneAddressCannotTakeAllPlaces) {
  HttpOptions small = options();
  small.listen_address = "127.0.0.1:0";
  small.max_connections = 100;
  small.max_connections_per_address = 3;
  small.request_timeout_ms = 60000;
  const std::uint16_t port = start(small);
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 9; ++i) silent.push_back(std::make_unique<RawConnection>(port));
  EXPECT_TRUE(observer_.wait_for_refused("replaced", 6));
  EXPECT_TRUE(observer_.wait_for_open(3));
  EXPECT_EQ(send_raw(port, kGet).status, 200);
}

TEST_F(GateTest, TheAccessListDecidesWhoComesIn) {
  HttpOptions listed = options();
  listed.access_control_list = "-0.0.0.0/0,+127.0.0.0/8";
  EXPECT_EQ(send_raw(start(listed), kGet).status, 200);
  listed.access_control_list = "+10.0.0.0/8";
  EXPECT_EQ(send_raw(start(listed), kGet).status, 0);
  EXPECT_TRUE(observer_.wait_for_refused("access_list", 1));
  listed.access_control_list = "127.0.0.1";
  EXPECT_THROW(start(listed), std::runtime_error);
}

// Makes room for both ends of many connections; how many there is room for.
std::size_t room_for_connections(std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kOthers = 200;
  return std::min<std::size_t>(wanted, (std::min<rlim_t>(limit.rlim_cur, 65536) - kOthers) / 2);
}

class GateAttackTest : public GateTest {
 protected:
  // A third says nothing, a third has begun, a third was answered and stays.
  void attack(std::uint16_t port, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      attackers_.push_back(std::make_unique<RawConnection>(port));
      if (i % 3 == 1) attackers_.back()->send("GET /metrics HTTP/1.1\r\nHost: lo");
      if (i % 3 != 2) continue;
      attackers_.back()->send(kGet);
      ASSERT_THAT(attackers_.back()->receive_until("up 1\n"), HasSubstr("keep-alive"));
    }
  }
  // The scrape in the middle of ten, in seconds.
  static double median_scrape(std::uint16_t port) {
    std::array<double, 10> seconds{};
    for (double& scrape : seconds) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_EQ(send_raw(port, kGetAndClose).status, 200);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      scrape = took.count();
    }
    std::ranges::sort(seconds);
    return (seconds[4] + seconds[5]) / 2;
  }
  static constexpr std::size_t kAttackers = 2000;

  std::vector<std::unique_ptr<RawConnection>> attackers_;
};

// A sanitizer's build is no build that anybody scrapes: there only the answers are asked for.
bool is_slowed_down() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

// A deadline, and no speed: beside whatever clients, a scrape is answered within a second. The
// median, since the machine may be busy with something else for one of them.
void expect_in_time(double median_seconds) {
  if (is_slowed_down()) return;
  EXPECT_LE(median_seconds, 1.0);
}

TEST_F(GateAttackTest, TwoThousandSilentAndSlowConnectionsDoNotDelayAScrape) {
  const std::size_t count = room_for_connections(kAttackers);
  HttpOptions large = options();
  large.max_connections = 2 * kAttackers;
  large.max_connections_per_address = 2 * kAttackers;
  large.request_timeout_ms = 120000;
  large.idle_timeout_ms = 120000;
  const std::uint16_t port = start(large);
  attack(port, count);
  ASSERT_TRUE(observer_.wait_for_open(count));
  const double seconds = median_scrape(port);
  std::printf("median of 10 scrapes beside %zu open connections: %.4f s\n", count, seconds);
  expect_in_time(seconds);
}

// They are more than workers, and hold none.
TEST_F(GateAttackTest, ClientsThatDoNotReadTheirPageDoNotDelayAScrape) {
  constexpr int kClients = 60;
  HttpOptions patient = options();
  patient.send_timeout_ms = 120000;
  const std::uint16_t port = start(patient);
  for (int i = 0; i < kClients; ++i) {
    attackers_.push_back(std::make_unique<RawConnection>(port, 4096));
    attackers_.back()->send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_THAT(attackers_.back()->receive_until("200 OK"), HasSubstr("200 OK"));
  }
  EXPECT_TRUE(observer_.wait_for_open(kClients)) << "they are still connected";
  const double seconds = median_scrape(port);
  std::printf("median of 10 scrapes beside %d clients that do not read: %.4f s\n", kClients,
              seconds);
  expect_in_time(seconds);
}

TEST_F(GateAttackTest, AtTheDefaultLimitsTheyGiveWayToTheScrape) {
  const std::size_t count = room_for_connections(kAttackers);
  HttpOptions defaults = options();
  defaults.request_timeout_ms = 120000;
  defaults.idle_timeout_ms = 120000;
  const std::uint16_t port = start(defaults);
  attack(port, count);
  const double seconds = median_scrape(port);
  std::printf("median of 10 scrapes beside %zu attempts: %.4f s\n", count, seconds);
  expect_in_time(seconds);
}

}  // namespace
}  // namespace heapfloor
