// Live processes that name themselves with bad intent, through to what a person and a server read.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/exposition/api_json.h"
#include "agent/exposition/metric_families.h"
#include "agent/exposition/metrics_page.h"
#include "agent/log.h"
#include "agent/pipeline.h"
#include "collectors/collector.h"
#include "tests/support/fake_clock.h"
#include "tests/support/live_child.h"

namespace heapfloor {
namespace {

using testing::LiveChild;

class SilentSink final : public AlertSink {
 public:
  void deliver(const AlertTransition& /*transition*/) noexcept override {}
};

// A program of the host that waits for its standard input to end.
class Spawned {
 public:
  explicit Spawned(std::vector<std::string> arguments) {
    std::array<int, 2> input = {};
    if (::pipe(input.data()) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions = {};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    ::posix_spawn_file_actions_addclose(&actions, input[1]);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    if (::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ) != 0)
      pid_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(input[0]);
    input_ = input[1];
  }
  Spawned(const Spawned&) = delete;
  Spawned& operator=(const Spawned&) = delete;
  ~Spawned() {
    ::close(input_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
};

class HostileProcesses : public ::testing::Test {
 protected:
  std::shared_ptr<const Snapshot> look() {
    Pipeline pipeline(config_, clock_, sink_);
    pipeline_tick_ = pipeline.tick();
    return pipeline_tick_;
  }
  [[nodiscard]] std::string page() const {
    const MetricFamilies families(builtin_collectors());
    MetricsPage page(families);
    return page.render(*pipeline_tick_, ExpositionFormat::text);
  }

  Config config_;
  FakeClock clock_;
  SilentSink sink_;
  std::shared_ptr<const Snapshot> pipeline_tick_;
};

// NAME{label="value",…} NUMBER, as the text format 0.0.4 has it.
bool is_sample(std::string_view line) {
  bool in_quotes = false;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char byte = line[i];
    if (in_quotes && byte == '\\') {
      if (++i == line.size() || std::string_view("\\\"n").find(line[i]) == std::string_view::npos)
        return false;
    } else if (byte == '"') {
      in_quotes = !in_quotes;
    } else if (!in_quotes && byte == '{') {
      if (++depth > 1) return false;
    } else if (!in_quotes && byte == '}') {
      if (depth-- == 0) return false;
    }
  }
  const std::size_t blank = line.rfind(' ');
  if (in_quotes || depth != 0 || blank == std::string_view::npos) return false;
  const std::string number(line.substr(blank + 1));
  char* end = nullptr;
  std::strtod(number.c_str(), &end);
  return !number.empty() && *end == '\0';
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const int more = byte < 0x80 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : -1;
    if (more < 0) return false;
    for (int k = 0; k < more; ++k) {
      if (++i == text.size() || (static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) return false;
    }
  }
  return true;
}

TEST_F(HostileProcesses, CannotForgeALineOfThePageByTheirNames) {
  const std::vector<std::string> names = {
      "a\nheapfloor 1\n", "q\"} 7\nx{y=\"", "back\\slash\\", ")) S 1 (((", "\xff\xfe\x80",
      "caf\xc3\xa9",      "{}[]#",          "\r\t\x1b[31m",  "  ",         "# HELP x"};
  std::vector<std::unique_ptr<LiveChild>> children;
  for (const std::string& name : names) children.push_back(std::make_unique<LiveChild>(name));
  config_.grouping.by_default = DefaultGrouping::comm;
  config_.limits.exposed_processes = 100000;
  const auto snapshot = look();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::ranges::find(snapshot->processes, children[i]->pid(),
                                         [](const ProcessRow& row) { return row.id.pid; });
    ASSERT_NE(found, snapshot->processes.end()) << i;
    EXPECT_EQ(found->comm, names[i].substr(0, 15));
    EXPECT_EQ(snapshot->groups.at(found->group).name, names[i].substr(0, 15));
  }
  const std::string text = page();
  EXPECT_TRUE(is_utf8(text));
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const bool is_comment = line.starts_with("# HELP ") || line.starts_with("# TYPE ");
    EXPECT_TRUE(is_comment || is_sample(line)) << line;
    EXPECT_TRUE(line.starts_with("heapfloor_") || line.starts_with("process_") || is_comment)
        << line;
    at = end + 1;
  }
  EXPECT_GT(lines, 100U);
}

TEST_F(HostileProcesses, SecretsOfACommandLineAreForMatchingOnly) {
  const std::string secret = "hf-canary-5d1c7e";
  const Spawned program({"/bin/sh", "-c", "read line; exit 0", "--password", secret});
  ASSERT_GT(program.pid(), 0);
  config_.groups = {{.name = "keeper", .cmdline = {"hf-canary-[0-9a-f]+"}, .is_exposed = true}};
  configure_log(LogLevel::debug, LogFormat::logfmt);
  ::testing::internal::CaptureStderr();
  std::shared_ptr<const Snapshot> snapshot;
  const auto is_grouped = [&] {
    const auto found = std::ranges::find(snapshot->processes, program.pid(),
                                         [](const ProcessRow& row) { return row.id.pid; });
    return found != snapshot->processes.end() &&
           snapshot->groups.at(found->group).name == "keeper" && !found->values.empty();
  };
  // posix_spawn returns after exec.
  snapshot = look();
  const std::string log = ::testing::internal::GetCapturedStderr();
  configure_log(LogLevel::info, LogFormat::logfmt);
  EXPECT_TRUE(is_grouped()) << "the canary was read, or this test would show nothing";
  const MetricFamilies families(builtin_collectors());
  const std::array<std::pair<std::string_view, std::string>, 4> shown = {
      {{"page", page()},
       {"log", log},
       {"status", status_document(*snapshot, {}).json},
       {"subjects", subjects_document(*snapshot, {{"limit", "1000"}}).json}}};
  for (const auto& [where, text] : shown) {
    EXPECT_EQ(text.find(secret), std::string::npos) << where;
    EXPECT_EQ(text.find("--password"), std::string::npos) << where;
  }
}

TEST_F(HostileProcesses, GroupsSumUpToWhatTheKernelSaysOfTheProcesses) {
  LiveChild child("summed");
  child.touch(std::size_t{32} * 1024 * 1024);
  for (const std::uint64_t cap : {3U, 1000U}) {
    config_.limits.groups = cap;
    const auto snapshot = look();
    double groups = 0;
    for (const GroupRow& group : snapshot->groups) {
      for (const MetricValue& value : group.values) {
        if (value.desc->name == "heapfloor_group_resident_memory_bytes" ||
            value.desc->group_name == "heapfloor_group_resident_memory_bytes")
          groups += value.value;
      }
    }
    double processes = 0;
    for (const ProcessRow& process : snapshot->processes) {
      processes +=
          static_cast<double>(process.anon_bytes.value_or(0) + process.file_bytes.value_or(0) +
                              process.shmem_bytes.value_or(0));
    }
    EXPECT_EQ(groups, processes);
    EXPECT_LE(snapshot->groups.size(), cap);
    EXPECT_GE(groups, 32.0 * 1024 * 1024);
  }
}

}  // namespace
}  // namespace heapfloor
