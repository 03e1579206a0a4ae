#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "collectors/collector.h"
#include "collectors/process_board.h"
#include "collectors/stopwatch.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {
namespace {

using testing::MemoryHostRoot;
using testing::RecordingSink;

class StoppedStopwatch final : public Stopwatch {
 public:
  [[nodiscard]] double seconds() const override { return 1; }
};

TEST(BuiltinCollectors, EveryEntryIsComplete) {
  std::set<std::string_view> names;
  for (const CollectorEntry* entry : builtin_collectors()) {
    EXPECT_TRUE(names.insert(entry->name).second) << entry->name;
    EXPECT_FALSE(entry->summary.empty());
    EXPECT_FALSE(entry->metrics.empty());
    EXPECT_NE(entry->make, nullptr);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"cgroup", "go", "host", "jvm", "kmsg", "probe",
                                               "process", "self", "smaps"}));
}

TEST(BuiltinCollectors, EveryMetricKeepsTheRulesOfNaming) {
  std::set<std::tuple<std::string_view, std::string_view, std::string_view>> seen;
  std::map<std::string_view, const MetricDesc*> families;
  for (const CollectorEntry* entry : builtin_collectors()) {
    for (const MetricDesc& desc : entry->metrics) {
      const std::string name(desc.name);
      EXPECT_TRUE(name.starts_with("heapfloor_") || name.starts_with("process_")) << name;
      EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
      EXPECT_EQ(name.ends_with("_total"), desc.type == MetricType::counter) << name;
      EXPECT_EQ(desc.label_name.empty(), desc.label_value.empty()) << name;
      EXPECT_EQ(desc.group_rule == GroupRule::none, desc.group_name.empty()) << name;
      EXPECT_TRUE(desc.help.ends_with('.') &&
                  desc.help.find_first_of("\n\\") == std::string_view::npos)
          << name;
      EXPECT_TRUE(seen.emplace(entry->name, desc.name, desc.label_value).second) << name;
      const MetricDesc* first = families.emplace(desc.name, &desc).first->second;
      EXPECT_EQ(desc.help, first->help);
      EXPECT_EQ(desc.type, first->type);
      EXPECT_EQ(desc.label_name, first->label_name);
    }
  }
}

TEST(BuiltinCollectors, OnAHostThatRefusesEverythingNothingIsInvented) {
  for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::denied, ErrorKind::gone,
                               ErrorKind::malformed, ErrorKind::timeout, ErrorKind::io}) {
    MemoryHostRoot root([kind](std::string_view path) -> Result<std::string> {
      return failure(kind, std::string(path), "refused");
    });
    root.pids = {1, 42};
    root.kernel_log_refusal = Error{kind, "dev/kmsg", "refused"};
    ProcessBoard board;
    const StoppedStopwatch stopwatch;
    CollectorOptions options;
    options.board = &board;
    options.stopwatch = &stopwatch;
    for (const CollectorEntry* entry : builtin_collectors()) {
      RecordingSink sink;
      const auto report = entry->make(root, options)->collect(sink);
      EXPECT_EQ(sink.process(42), nullptr);
      // A process that ended is never an error worth a line; everything else leaves the host
      // without any value.
      EXPECT_EQ(report.has_value(), entry->name != "host" || kind == ErrorKind::gone)
          << entry->name;
      for (const auto& entity : sink.entities) {
        EXPECT_TRUE(entity.kind != EntityKind::host || entity.values.empty());
      }
    }
    EXPECT_EQ(root.open_handles(), 0U);
  }
}

}  // namespace
}  // namespace heapfloor
