// A thousand configurations that must not be taken over, and what stays in force meanwhile.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/app.h"
#include "agent/config.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_proc.h"

namespace heapfloor {
namespace {

constexpr std::string_view kFile = "heapfloor.yml";

// Lists of every kind, so that each reader has something to refuse.
constexpr std::string_view kLists = R"yaml(
groups:
  - {name: "{{.Matches.app}}", exe: [java], cmdline: ["-Dapp=(?P<app>[a-z]+)"], limit: 2GiB, expose: true}
  - {name: pay, comm: [payments], min_size: 1MiB}
  - {name: batch, user: [batch, "1005"]}
alerts:
  external-labels: site=north
  rules:
    - {name: TooBig, scope: group, metric: heapfloor_group_swap_bytes, match: {group: "pay*"}, op: ">", value: 2GiB, clear: 1GiB, hold: 5m}
    - {name: Rss, scope: process, signal: rss_anon, value: 1e9, severity: info}
  silences:
    - {group: batch-*, until: next_build, comment: nightly}
  alertmanagers:
    - {url: "https://am.example:9093", ca_file: /ca.pem, username: u, password_file: /p}
  webhooks:
    - {url: "http://hook/x", name: chat, repeat: 1h}
targets:
  prometheus:
    - {name: shop, url: "http://127.0.0.1:9", query: up, epoch: gcs, labels: {subject: [pod], group: job}, headers: {X-A: b}, history: 1h}
)yaml";

std::string section_of(const ConfigKey& key) { return key.path.substr(0, key.path.find('.')); }
std::string name_of(const ConfigKey& key) { return key.path.substr(key.path.find('.') + 1); }

std::string document_with(const ConfigKey& key, std::string_view value) {
  return section_of(key) + ":\n  " + name_of(key) + ": " + std::string(value) + "\n";
}

// What people and editors do to one setting.
std::vector<std::string> spoilt_settings() {
  std::vector<std::string> all;
  for (const ConfigKey& key : config_keys()) {
    for (const std::string_view value : {"[1, 2]", "{a: b}", "!!binary x", "-1", "1e400", "many",
                                         "5 parsecs", "nan", "0x", R"("\u0000")", "&a *b"}) {
      all.push_back(document_with(key, value));
    }
    all.push_back(section_of(key) + ":\n  " + name_of(key) + "x: 1\n");
    all.push_back(section_of(key) + "s:\n  " + name_of(key) + ": 1\n");
    all.push_back(document_with(key, key.get(Config{})) + "  " + name_of(key) + ": 1\n");
    all.push_back(document_with(key, key.get(Config{})) + section_of(key) + ": {}\n");
    all.push_back(section_of(key) + ":\n\t" + name_of(key) + ": 1\n");
  }
  return all;
}

// What an interrupted copy, a merge or a slip of the keyboard does to a file.
std::string spoilt_file(std::mt19937_64& random) {
  std::string text(kLists);
  const auto at = [&](std::size_t size) { return static_cast<std::size_t>(random() % size); };
  switch (random() % 5) {
    case 0:
      text.resize(at(text.size()));
      break;
    case 1:
      text.erase(at(text.size()), 1 + at(12));
      break;
    case 2:
      text.insert(at(text.size()), 1, static_cast<char>(random() % 256));
      break;
    case 3:
      text.insert(at(text.size()), "<<<<<<< HEAD\n");
      break;
    default: {
      const std::string piece = text.substr(at(text.size()), 1 + at(40));
      text.insert(at(text.size()), piece);
    }
  }
  return text;
}

// At least `count` texts, all different, each of which parse_config refuses.
std::set<std::string> bad_configurations(std::size_t count) {
  std::set<std::string> bad;
  const auto keep_if_bad = [&bad](const std::string& text) {
    if (!parse_config(text, std::string(kFile))) bad.insert(text);
  };
  for (const std::string& text : spoilt_settings()) keep_if_bad(text);
  std::mt19937_64 random(20261124);
  while (bad.size() < count) keep_if_bad(spoilt_file(random));
  return bad;
}

class ReloadTest : public ::testing::Test {
 protected:
  ReloadTest() {
    config_ = parse_config(std::string(kLists), std::string(kFile)).value();
    // Nothing of the machine that runs the test.
    config_.path.procfs = proc_.path();
    config_.path.sysfs = proc_.path() + "/no-sys";
    config_.path.rootfs = proc_.path() + "/no-root";
    config_.storage.path.clear();
    config_.log.level = LogLevel::error;
    app_ = std::make_unique<App>(
        config_, [this] { return parse_config(next_, std::string(kFile)); }, clock_);
  }

  // What a tick makes of the same processes.
  [[nodiscard]] std::string page() {
    proc_.set(7, 700, "payments", std::uint64_t{100} * 1024);
    proc_.set(8, 800, "steady", std::uint64_t{200} * 1024);
    return app_->collect_once();
  }

  testing::FakeProc proc_;
  FakeClock clock_;
  Config config_;
  std::string next_;
  std::unique_ptr<App> app_;
};

bool has_line(const std::string& page, std::string_view line) {
  return page.find(std::string(line) + "\n") != std::string::npos;
}

TEST_F(ReloadTest, OfAThousandBadConfigurationsNoneChangesAnything) {
  const std::string before = page();
  ASSERT_NE(before.find("heapfloor_group_processes{group=\"pay\"} 1\n"), std::string::npos);
  const std::set<std::string> bad = bad_configurations(1000);
  ASSERT_GE(bad.size(), 1000U);
  std::uint64_t refused = 0;
  for (const std::string& text : bad) {
    next_ = text;
    const Result<void> done = app_->reload();
    ASSERT_FALSE(done) << text;
    EXPECT_TRUE(done.error().path.starts_with(std::string(kFile) + ":")) << done.error().path;
    EXPECT_FALSE(done.error().reason.empty()) << text;
    ++refused;
  }
  const std::string after = page();
  EXPECT_TRUE(has_line(after, "heapfloor_group_processes{group=\"pay\"} 1")) << "its rules hold";
  EXPECT_TRUE(has_line(after, "heapfloor_config_last_reload_successful 0"));
  EXPECT_TRUE(has_line(after, "heapfloor_config_reloads_failed_total " + std::to_string(refused)));
}

TEST_F(ReloadTest, AGoodConfigurationIsTakenAfterABadOne) {
  next_ = "groups:\n  - {name: shop, comm: [payments]}\n  - {name: broken, cmdline: ['(']}\n";
  ASSERT_FALSE(app_->reload());
  EXPECT_TRUE(has_line(page(), "heapfloor_group_processes{group=\"pay\"} 1"))
      << "nothing by halves";
  next_ = "groups:\n  - {name: shop, comm: [payments]}\n";
  ASSERT_TRUE(app_->reload());
  const std::string after = page();
  EXPECT_TRUE(has_line(after, "heapfloor_group_processes{group=\"shop\"} 1"));
  EXPECT_TRUE(has_line(after, "heapfloor_config_last_reload_successful 1"));
}

}  // namespace
}  // namespace heapfloor
