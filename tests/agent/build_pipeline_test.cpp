// Builds, from program files to what a suspect says of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "agent/alerts/build_comparison.h"
#include "agent/build_reader.h"
#include "agent/pipeline.h"
#include "tests/support/agent_fixture.h"
#include "tests/support/elf_maker.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

class BuildPipeline : public testing::AgentFixture {
 protected:
  BuildPipeline() : root_({.procfs = proc_.path()}), reader_(root_) {
    for (const std::string name : {"w", "x"})
      testing::write_file(fs::path(proc_.path()) / "programs" / name / "payments",
                          testing::ElfMaker{.notes = testing::gnu_build_id_note(name)}.make());
    pipeline_ = std::make_unique<Pipeline>(config_, clock_, sink_);
    pipeline_->set_build_reader(reader_);
  }

  // A run of that build that gains so many MiB a second.
  std::shared_ptr<const Snapshot> run(std::uint64_t start, const std::string& build, int seconds,
                                      std::uint64_t mib_a_second) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second) {
      proc_.set(7, start, "payments",
                (100 + mib_a_second * static_cast<std::uint64_t>(second)) * kMiB);
      proc_.set_executable(7, "../programs/" + build + "/payments");
      last = tick();
      reader_.look();
    }
    return last;
  }

  DirectoryHostRoot root_;
  BuildReader reader_;
};

TEST_F(BuildPipeline, ASuspectSaysSinceWhichBuildItGrowsAndThatTheOneBeforeWasLevel) {
  run(700, "w", 120, 0);
  const auto snapshot = run(800, "x", 320, 1);
  const WatchRow* const row = watch_of(*snapshot, "process:7:800");
  ASSERT_NE(row, nullptr);
  ASSERT_EQ(row->state, LeakState::leaking);
  ASSERT_TRUE(row->builds && row->builds->before);
  EXPECT_EQ(row->build->id, "78");
  EXPECT_EQ(row->builds->now.build->id, "78");
  EXPECT_EQ(row->builds->now.course.move, FloorMove::rising);
  EXPECT_EQ(row->builds->before->build->id, "77");
  EXPECT_EQ(row->builds->before->course.move, FloorMove::level);
  EXPECT_FALSE(row->builds->is_rollback);
  const auto leak = std::ranges::find(snapshot->alerts, "HeapfloorLeak", &AlertRow::name);
  ASSERT_NE(leak, snapshot->alerts.end());
  EXPECT_NE(leak->description.find("; build 77 before it: level (seen for"), std::string::npos)
      << leak->description;
}

TEST_F(BuildPipeline, ALevelProcessHasABuildAndNothingToCompare) {
  const auto snapshot = run(700, "w", 120, 0);
  const WatchRow* const row = watch_of(*snapshot, "process:7:700");
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->build);
  EXPECT_EQ(row->build->program, "payments");
  EXPECT_FALSE(row->builds);
}

TEST_F(BuildPipeline, ASilenceEndsAtTheNextBuildAndNotAtARestart) {
  run(700, "w", 20, 0);
  Silence silence;
  silence.matchers = {{"group", "payments"}};
  silence.until_next_build = true;
  silence.ends_at_seconds = clock_.wall_seconds() + 86400;
  ASSERT_TRUE(pipeline_->add_silence(silence));
  run(700, "w", 10, 0);
  run(800, "w", 20, 0);
  EXPECT_TRUE(pipeline_->silences().at(0).rebuilt.empty());
  run(900, "x", 20, 0);
  EXPECT_EQ(pipeline_->silences().at(0).rebuilt, std::set<std::string>{"payments"});
}

TEST_F(BuildPipeline, ARollbackIsTold) {
  run(700, "w", 120, 0);
  run(800, "x", 120, 1);
  const auto snapshot = run(900, "w", 320, 1);
  const WatchRow* const row = watch_of(*snapshot, "process:7:900");
  ASSERT_TRUE(row != nullptr && row->builds && row->builds->before);
  EXPECT_TRUE(row->builds->is_rollback);
  EXPECT_EQ(row->builds->before->build->id, "78");
  EXPECT_EQ(row->builds->now.runs, 2U);
}

}  // namespace
}  // namespace heapfloor
