// The whole agent in one process: collection, requests and reloads at the same time.
#include "agent/app.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/http/raw_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_proc.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

constexpr std::uint64_t kMiBInKiB = 1024;

class AppTest : public ::testing::Test {
 protected:
  AppTest() {
    config_.path.procfs = proc_.path();
    // No cgroups and no kernel log of the machine that runs the test.
    config_.path.sysfs = proc_.path() + "/no-sys";
    config_.path.rootfs = proc_.path() + "/no-root";
    config_.web.listen_address = "127.0.0.1:0";
    config_.web.idle_timeout_seconds = 0;
    config_.collection.interval_seconds = 1;
    config_.storage.path.clear();
    proc_.set(7, 700, "payments", 100 * kMiBInKiB);
    proc_.set(8, 800, "steady", 200 * kMiBInKiB);
  }

  [[nodiscard]] std::string get(const std::string& path) const { return request("GET", path); }
  [[nodiscard]] std::string post(const std::string& path) const { return request("POST", path); }
  // `headers`: whole lines.
  [[nodiscard]] std::string request(const std::string& method, const std::string& path,
                                    const std::string& headers = "") const {
    RawConnection connection(app_->listening_port());
    connection.send(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Heapfloor: 1\r\n" +
                    headers + "Content-Length: 0\r\n\r\n");
    return connection.receive();
  }
  void start() {
    app_ = std::make_unique<App>(
        config_, [this] { return next_; }, clock_);
    app_->start();
  }

  testing::FakeProc proc_;
  FakeClock clock_;
  Config config_;
  Result<Config> next_ = Config{};
  std::unique_ptr<App> app_;
};

TEST_F(AppTest, AnswersEveryPathOfItsInterface) {
  start();
  for (const char* path : {"/", "/app.js", "/app.css", "/licenses.txt", "/metrics", "/-/healthy",
                           "/-/ready", "/api/v1/status", "/api/v1/subjects", "/api/v1/suspects",
                           "/api/v1/alerts", "/api/v1/series/process:7:700/rss_anon"}) {
    EXPECT_TRUE(get(path).starts_with("HTTP/1.1 200 ")) << path << '\n' << get(path).substr(0, 200);
  }
  for (const char* path : {"/nothing", "/metrics/", "/api/v1/suspects/process:7:700/rss_anon",
                           "/api/v1/series/process:9:9/rss_anon", "/index.html"}) {
    EXPECT_TRUE(get(path).starts_with("HTTP/1.1 404 ")) << path;
  }
  EXPECT_TRUE(post("/metrics").starts_with("HTTP/1.1 405 "));
}

TEST_F(AppTest, PacksThePageForWhoUnpacksItAndSendsItOnce) {
  start();
  const std::string plain = get("/app.js");
  const std::string packed = request("GET", "/app.js", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(plain.find("Content-Encoding"), std::string::npos);
  EXPECT_NE(packed.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(packed.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_LT(packed.size(), plain.size() / 2);
  const std::size_t begin = packed.find("ETag: ") + 6;
  const std::string tag = packed.substr(begin, packed.find("\r\n", begin) - begin);
  EXPECT_EQ(plain.find(tag), std::string::npos) << "both forms have the tag " << tag;
  const std::string known = "If-None-Match: " + tag + "\r\n";
  const std::string again = request("GET", "/app.js", "Accept-Encoding: gzip\r\n" + known);
  EXPECT_TRUE(again.starts_with("HTTP/1.1 304 ")) << again.substr(0, 200);
  EXPECT_TRUE(request("GET", "/app.js", known).starts_with("HTTP/1.1 200 "));
}

TEST_F(AppTest, ShowsOnlyTheCollectorsThatAScrapeAsksFor) {
  start();
  const std::string host = get("/metrics?collect[]=host");
  EXPECT_NE(host.find("heapfloor_host_memory_available_bytes"), std::string::npos);
  EXPECT_EQ(host.find("heapfloor_group_"), std::string::npos);
  EXPECT_TRUE(get("/metrics?collect[]=nonsense").starts_with("HTTP/1.1 400 "));
}

TEST_F(AppTest, KeepsWhatOnlyAStartCanChangeAndTakesTheRest) {
  start();
  next_ = config_;
  next_->collection.interval_seconds = 30;
  next_->trend.minimum_size_bytes = 1024.0 * 1024 * 1024;
  EXPECT_TRUE(post("/-/reload").starts_with("HTTP/1.1 200 "));
  static_cast<void>(app_->collect_once());
  const std::string status = get("/api/v1/status");
  EXPECT_NE(status.find("\"interval_seconds\":1,"), std::string::npos) << status;
  EXPECT_NE(status.find("\"minimum_size_bytes\":1073741824"), std::string::npos) << status;
}

TEST_F(AppTest, KeepsTheOldConfigurationWhenTheNewOneIsBad) {
  start();
  next_ = failure(ErrorKind::malformed, "heapfloor.yml:3", "unknown key \"zz\"");
  const std::string answer = post("/-/reload");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_NE(answer.find("heapfloor.yml:3"), std::string::npos);
  const std::string page = app_->collect_once();
  EXPECT_NE(page.find("heapfloor_config_last_reload_successful 0\n"), std::string::npos);
}

TEST_F(AppTest, CollectsAnswersAndReloadsAtTheSameTime) {
  start();
  next_ = config_;
  std::atomic<int> answered = 0;
  std::vector<std::jthread> clients;
  for (const char* path :
       {"/metrics", "/api/v1/series/process:7:700/rss_anon", "/api/v1/subjects"}) {
    clients.emplace_back([this, path, &answered] {
      for (int request = 0; request < 20; ++request)
        answered += get(path).starts_with("HTTP/1.1 200 ") ? 1 : 0;
    });
  }
  clients.emplace_back([this, &answered] {
    for (int request = 0; request < 20; ++request)
      answered += post("/-/reload").starts_with("HTTP/1.1 200 ") ? 1 : 0;
  });
  for (int tick = 0; tick < 50; ++tick) {
    proc_.set(7, 700, "payments", (100U + static_cast<unsigned>(tick)) * kMiBInKiB);
    clock_.advance(1);
    static_cast<void>(app_->collect_once());
  }
  clients.clear();
  EXPECT_EQ(answered, 80);
}

}  // namespace
}  // namespace heapfloor
