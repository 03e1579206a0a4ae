// Where goroutines wait, read in the memory of a program of Debian's Go, is what the program itself
// says: its goroutine profile, as net/http/pprof serves it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/profile/go_heap.h"
#include "agent/profile/go_waits.h"
#include "collectors/host_root.h"
#include "collectors/process_identity.h"
#include "collectors/runtime/go_program.h"
#include "tests/support/spoken_child.h"

namespace heapfloor {
namespace {

constexpr std::string_view kPrograms =
#ifdef HEAPFLOOR_GO_WAITS_PROGRAMS
    HEAPFLOOR_GO_WAITS_PROGRAMS;
#else
    "";
#endif

std::vector<std::string> programs() {
  std::vector<std::string> paths;
  for (std::size_t at = 0; at < kPrograms.size();) {
    const std::size_t end = std::min(kPrograms.find(':', at), kPrograms.size());
    paths.emplace_back(kPrograms.substr(at, end - at));
    at = end + 1;
  }
  return paths;
}

// Where, its reason, started where.
using Key = std::tuple<std::string, std::string, std::string>;
using Counts = std::map<Key, double>;

std::string say(const std::string& function, const std::string& file, std::int64_t line) {
  return function + " " + file + ":" + std::to_string(line);
}

// One goroutine of /debug/pprof/goroutine?debug=2: "goroutine 19 [chan receive, 2 minutes]:", then
// two lines for each function, then two for what created it.
class Told {
 public:
  void add(const std::vector<std::string>& lines) {
    const std::string& head = lines.front();
    const std::size_t open = head.find('[');
    const std::string reason = head.substr(open + 1, head.find_first_of(",]", open) - open - 1);
    std::string at;
    std::string started_at;
    for (std::size_t i = 1; i + 1 < lines.size(); i += 2) {
      constexpr std::string_view kCreated = "created by ";
      const bool is_creator = lines[i].starts_with(kCreated);
      const std::string function =
          is_creator ? lines[i].substr(kCreated.size()) : lines[i].substr(0, lines[i].rfind('('));
      const std::string place =
          function + " " + lines[i + 1].substr(1, lines[i + 1].find(" +") - 1);
      if (is_creator) started_at = place;
      if (!is_creator && at.empty() && !is_go_library_function(function)) at = place;
    }
    if (!at.starts_with("main.main ")) ++counts[{at, reason, started_at}];
  }
  Counts counts;
};

Counts told_by(testing::SpokenChild& child) {
  Told told;
  child.say_line("stacks");
  std::vector<std::string> lines;
  for (auto line = child.read_line(); line && *line != "end"; line = child.read_line()) {
    if (!line->empty()) {
      lines.push_back(*line);
      continue;
    }
    told.add(lines);
    lines.clear();
  }
  if (!lines.empty()) told.add(lines);
  return told.counts;
}

std::shared_ptr<const GoSiteSource> source_of(const HostRoot& root, std::int32_t pid) {
  const auto process = root.open_process(pid);
  const auto file = process->open_file("exe");
  auto program = examine_go_program(FileSource(*file));
  if (!program || program->refusal) return nullptr;
  std::vector<char> buffer(4096);
  const auto target = GoTarget::open(
      {pid, 1}, std::make_shared<const GoProgram>(std::move(*program)), *process, buffer);
  return target ? target->site_source() : nullptr;
}

Counts counts_of(const GoroutineWaits& waits) {
  Counts counts;
  for (const GoroutineWait& wait : waits.waits) {
    const Key key = {say(wait.at.function, wait.at.file, wait.at.line), wait.reason,
                     say(wait.started_at.function, wait.started_at.file, wait.started_at.line)};
    if (wait.at.function != "main.main") counts[key] += wait.goroutines;
  }
  return counts;
}

TEST(GoWaitsLive, WhereTheyWaitIsWhatTheProgramItselfSays) {
  if (programs().empty()) GTEST_SKIP() << "no Go here";
  const DirectoryHostRoot root;
  for (const std::string& path : programs()) {
    SCOPED_TRACE(path);
    testing::SpokenChild child({path, "360"});
    ASSERT_EQ(child.read_line(), "ready");
    const auto source = source_of(root, child.pid());
    ASSERT_NE(source, nullptr);
    const auto waits = read_goroutine_waits(root, *source, 12, 100);
    ASSERT_TRUE(waits) << waits.error().reason;
    EXPECT_EQ(waits->time_seconds, 12);
    EXPECT_EQ(waits->seen, waits->goroutines) << "all of them";
    const Counts told = told_by(child);
    EXPECT_GE(told.size(), 9U);
    EXPECT_EQ(counts_of(*waits), told);
  }
}

TEST(GoWaitsLive, OfTooManyTheNumbersAreEstimates) {
  if (programs().empty()) GTEST_SKIP() << "no Go here";
  const DirectoryHostRoot root;
  testing::SpokenChild child({programs().front(), "20000"});
  ASSERT_EQ(child.read_line(), "ready");
  const auto source = source_of(root, child.pid());
  ASSERT_NE(source, nullptr);
  const auto waits = read_goroutine_waits(root, *source, 12);
  ASSERT_TRUE(waits) << waits.error().reason;
  double all = 0;
  for (const auto& [key, count] : told_by(child)) all += count;
  EXPECT_LE(waits->seen, 4096);
  EXPECT_NEAR(waits->goroutines, all, 0.01 * all);
  ASSERT_EQ(waits->waits.size(), GoroutineWaits::kMost);
  EXPECT_EQ(waits->waits[0].at.function, "main.(*worker).run");
  EXPECT_NEAR(waits->waits[0].goroutines, 20000, 2500);
  EXPECT_EQ(waits->waits[1].at.function, "main.consume");
  EXPECT_NEAR(waits->waits[1].goroutines, 10000, 1800);
}

}  // namespace
}  // namespace heapfloor
