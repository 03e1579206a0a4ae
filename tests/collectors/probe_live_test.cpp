// The probe collector against a real process that maps a segment.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/probe_segment.h"
#include "collectors/probe_board.h"
#include "collectors/probe_metrics.h"
#include "collectors/process_board.h"
#include "tests/support/probed_child.h"
#include "tests/support/recording_sink.h"
#include "tests/support/skipping_stopwatch.h"

namespace heapfloor {

extern const CollectorEntry process_collector;
extern const CollectorEntry probe_collector;

namespace {

using testing::ProbedChild;
using testing::RecordingSink;
using testing::SkippingStopwatch;

// With descriptors kept for every process, and for none.
class ProbeLive : public ::testing::TestWithParam<std::size_t> {
 protected:
  ProbeLive() {
    CollectorOptions options;
    options.descriptor_budget = GetParam();
    options.refresh_ticks = 1;
    options.board = &processes_board_;
    options.probe_board = &board_;
    options.stopwatch = &stopwatch_;
    processes_ = process_collector.make(root_, options);
    probe_ = probe_collector.make(root_, options);
  }

  void tick(double seconds = 15) {
    stopwatch_.skipped_seconds += seconds;
    RecordingSink ignored;
    ASSERT_TRUE(processes_->collect(ignored));
    sink_.entities.clear();
    const auto report = probe_->collect(sink_);
    ASSERT_TRUE(report);
    report_ = *report;
  }
  // Ticks until the child is a target: on a busy host others are looked at first.
  void find(int pid) {
    for (int attempt = 0; attempt < 50 && sink_.process(pid) == nullptr; ++attempt) tick();
    ASSERT_NE(sink_.process(pid), nullptr);
  }
  // Without the capability the segment is read through the process.
  [[nodiscard]] bool is_file_readable() const {
    for (const SourceAccess& source : report_.sources) {
      if (source.source == "probe") return source.is_accessible;
    }
    return false;
  }

  DirectoryHostRoot root_;
  ProcessBoard processes_board_;
  ProbeBoard board_;
  SkippingStopwatch stopwatch_;
  std::unique_ptr<Collector> processes_, probe_;
  RecordingSink sink_;
  CollectReport report_;
};

TEST_P(ProbeLive, ASegmentOfARunningProcessIsFoundAndFollowed) {
  ProbedChild probed;
  probed.writer().set_allocator(5'000'000, 100, 1);
  find(probed.pid());
  EXPECT_EQ(sink_.process(probed.pid())->value(kProbedInUse), 5'000'000);
  probed.writer().set_allocator(6'000'000, 100, 1, 2'000'000'000);
  tick();
  EXPECT_EQ(sink_.process(probed.pid())->value(kProbedInUse), 6'000'000);
  EXPECT_EQ(sink_.process(::getpid()), nullptr) << "who maps another's segment is no target";
}

TEST_P(ProbeLive, TheLastStateIsStillThereAfterSigkill) {
  ProbedChild probed;
  find(probed.pid());
  if (!is_file_readable()) GTEST_SKIP() << "segments of ended processes take a capability";
  probed.writer().header().live_bytes = 123'456;
  probed.writer().add_site(5, {0x1000}, 123'456);
  const int pid = probed.pid();
  probed.unmap_here();
  probed.child().kill_and_reap();
  tick();
  EXPECT_EQ(sink_.process(pid), nullptr);
  const auto kept = board_.find(pid);
  ASSERT_TRUE(kept && kept->ended_seconds);
  EXPECT_NE(kept->mappings.find("r-xp"), std::string::npos);
  EXPECT_EQ(kept->name, "probed-child");
  const auto segment = board_.read_segment(kept->id);
  ASSERT_TRUE(segment);
  const auto header = parse_probe_header(*segment, segment->size());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sampler.live_bytes, 123'456);
  EXPECT_EQ(header->section(HEAPFLOOR_SECTION_SITES).used, 1U);
}

TEST_P(ProbeLive, ARequestIsLeftOnceUntilItIsAnswered) {
  ProbedChild probed;
  find(probed.pid());
  if (!is_file_readable()) GTEST_SKIP() << "requests take a capability";
  const ProcessId id = board_.find(probed.pid())->id;
  heapfloor_header& header = probed.writer().header();
  ASSERT_TRUE(board_.ask(id, HEAPFLOOR_REQUEST_TRIM));
  EXPECT_EQ(header.request, 256U + HEAPFLOOR_REQUEST_TRIM);
  ASSERT_TRUE(board_.ask(id, HEAPFLOOR_REQUEST_TRIM));
  EXPECT_EQ(header.request, 256U + HEAPFLOOR_REQUEST_TRIM);
  header.request_done = header.request;
  ASSERT_TRUE(board_.ask(id, HEAPFLOOR_REQUEST_TRIM));
  EXPECT_EQ(header.request, 512U + HEAPFLOOR_REQUEST_TRIM);
}

TEST_P(ProbeLive, AZombiesSegmentIsItsLast) {
  ProbedChild probed;
  find(probed.pid());
  if (!is_file_readable()) GTEST_SKIP() << "segments of ended processes take a capability";
  probed.child().end();
  tick();
  EXPECT_TRUE(board_.find(probed.pid())->ended_seconds);
}

// Reading a page of a mapping that was never written would make the kernel allocate it.
TEST_P(ProbeLive, ReadingAllocatesNoPageOfTheTarget) {
  ProbedChild probed;
  probed.writer().add_structure("cache", HEAPFLOOR_KIND_MAP);
  probed.writer().add_instance(1, 1, 1);
  probed.writer().add_site(5, {0x1000}, 1);
  const std::uint64_t before = probed.writer().resident_pages();
  find(probed.pid());
  tick(60);
  ASSERT_TRUE(board_.read_segment(board_.find(probed.pid())->id));
  EXPECT_EQ(probed.writer().resident_pages(), before);
}

TEST_P(ProbeLive, WithoutTheCapabilityTheSourceIsToldAsClosedAndTheSegmentIsReadAllTheSame) {
  ProbedChild probed;
  probed.writer().header().live_bytes = 42;
  find(probed.pid());
  EXPECT_EQ(sink_.process(probed.pid())->value(kProbedSampledLive), 42);
  EXPECT_EQ(is_file_readable(), ::getuid() == 0);
}

INSTANTIATE_TEST_SUITE_P(Descriptors, ProbeLive, ::testing::Values(0, 16384));

}  // namespace
}  // namespace heapfloor
