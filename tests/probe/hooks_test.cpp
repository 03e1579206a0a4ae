// The probe in whole programs: what it says of them, and that they do not notice it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>

#include "watched_program.h"

namespace heapfloor::testing {
namespace {

WatchedProgram::Environment sampling_every(const std::string& bytes) {
  return {{"HEAPFLOOR_SAMPLE_BYTES", bytes}};
}

std::string target() { return HEAPFLOOR_PROBE_TARGET; }

// What a sum over samples may be off by, at most, in a million tests: 4.9 sigma of sqrt(interval x
// bytes).
double most_error(double bytes, double interval) { return 4.9 * std::sqrt(bytes * interval); }

bool can_look_into_others() { return geteuid() == 0; }

class Hooks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_look_into_others())
      GTEST_SKIP() << "segments of other processes are only open to root";
  }
};

// --- every way to ask for memory
// ------------------------------------------------------------------------------------------------------

class EveryWay : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!can_look_into_others())
      GTEST_SKIP() << "segments of other processes are only open to root";
  }
};

TEST_P(EveryWay, IsSampledWithItsCallerOnTheStack) {
  constexpr double kBytes = 40000 * 1024.0;
  WatchedProgram program({target(), "leak", GetParam(), "40000", "1024"}, sampling_every("65536"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  // pvalloc and valloc round up to pages; what counts is what was asked for.
  const double expected = std::string(GetParam()) == "pvalloc" ? kBytes * 4 : kBytes;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), expected,
              most_error(expected, 65536));
  EXPECT_NE(segment->header().flags & HEAPFLOOR_FLAG_SAMPLING, 0U);
  EXPECT_EQ(program.finish(), 0);
}

INSTANTIATE_TEST_SUITE_P(Forms, EveryWay,
                         ::testing::Values("malloc", "calloc", "realloc", "reallocarray",
                                           "memalign", "aligned_alloc", "posix_memalign", "valloc",
                                           "pvalloc", "new", "new[]", "new_nothrow",
                                           "new[]_nothrow", "new_aligned", "new[]_aligned",
                                           "new_aligned_nothrow"));

TEST_F(Hooks, StacksReachTheStartOfTheProgram) {
  WatchedProgram program({target(), "leak", "new", "20000", "1000"}, sampling_every("65536"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_GT(segment->header().samples, 100U);
  EXPECT_EQ(segment->header().stacks_cut, 0U);
  EXPECT_EQ(segment->header().stacks_without_site, 0U);
}

TEST_F(Hooks, StacksOfAProgramOfTheDistributionAreWhole) {
  // CMake: C++ without frame pointers, over Debian's C++ library. It waits for the child that it
  // runs.
  WatchedProgram program({"cmake", "-P", HEAPFLOOR_SOURCE_DIR "/tests/probe/busy.cmake"},
                         sampling_every("4096"));
  ASSERT_EQ(program.read_line(), "-- busy");
  ASSERT_EQ(program.read_line(), "waiting");
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const heapfloor_header& header = segment->header();
  EXPECT_GT(header.samples, 1000U);
  EXPECT_LE(header.stacks_cut * 100, header.samples) << "of " << header.samples << " samples";
}

// --- the sums
// ----------------------------------------------------------------------------------------------------------------------------

struct Leak {
  int runs;
  std::uint64_t bytes;
  std::uint64_t block;
};

class Estimates : public ::testing::TestWithParam<Leak> {
 protected:
  void SetUp() override {
    if (!can_look_into_others())
      GTEST_SKIP() << "segments of other processes are only open to root";
  }
};

TEST_P(Estimates, AreUnbiasedAndScatterAsTheTheorySays) {
  const Leak leak = GetParam();
  WatchedProgram program({target(), "repeat", std::to_string(leak.runs), std::to_string(leak.bytes),
                          std::to_string(leak.block)});
  const auto truth = static_cast<double>(leak.bytes - (leak.bytes % leak.block));
  double sum = 0;
  double sum_of_squares = 0;
  double intervals = 0;
  int runs = 0;
  // The program has other blocks too: those of the leak are known by their size, which nothing else
  // has.
  while (program.read_line() == "run") {
    const auto segment = segment_of(program.pid());
    ASSERT_TRUE(segment);
    double live = 0;
    for (const heapfloor_live& sample : segment->live()) {
      const double interval = std::exp2(HEAPFLOOR_LIVE_INTERVAL_LOG2(sample.word));
      const auto size = static_cast<double>(sample.size_bytes);
      if (sample.size_bytes == leak.block) live += size / -std::expm1(-size / interval);
    }
    sum += live;
    sum_of_squares += (live - truth) * (live - truth);
    intervals += static_cast<double>(segment->header().sample_interval_bytes);
    ++runs;
    program.send('n');
  }
  ASSERT_EQ(runs, leak.runs);
  const double interval = intervals / runs;
  const double sigma = std::sqrt(truth * interval);
  EXPECT_NEAR(sum / runs, truth, 4.9 * sigma / std::sqrt(runs));
  // A sum of squares over n runs scatters by sqrt(2 / n).
  EXPECT_NEAR(sum_of_squares / runs / (sigma * sigma), 1, 6 * std::sqrt(2.0 / runs));
  RecordProperty("mean_over_truth", std::to_string(sum / runs / truth));
  RecordProperty("scatter_over_theory", std::to_string(std::sqrt(sum_of_squares / runs) / sigma));
}

INSTANTIATE_TEST_SUITE_P(
    OfLeaks, Estimates,
    ::testing::Values(Leak{.runs = 800, .bytes = 5'000'000, .block = 304},
                      Leak{.runs = 100, .bytes = 50'000'000, .block = 1040},
                      Leak{.runs = 30, .bytes = 400'000'000, .block = 20'016},
                      Leak{.runs = 60, .bytes = 50'000'000, .block = 1'000'016}));

TEST_F(Hooks, SamplesOfWhatWasFreedEnd) {
  WatchedProgram program({target(), "trim"}, sampling_every("32768"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_GT(segment->header().samples, 2000U);
  EXPECT_LT(segment->live().size(), 50U);
  EXPECT_EQ(segment->live().size(), segment->header().live_samples);
  EXPECT_EQ(segment->header().samples,
            segment->header().samples_ended + segment->header().live_samples);
  // And the trim that the program made is counted, with what it gave back.
  EXPECT_EQ(segment->allocator().trims, 1U);
  EXPECT_GT(segment->allocator().trim_released, 50'000'000U);
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, AFullTableIsThinnedAndStaysUnbiased) {
  // 200,000 blocks of 4,000 bytes at 4 KiB: some 125,000 samples for a table of 65,536.
  WatchedProgram program({target(), "thin", "200000", "4000"}, sampling_every("4096"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const heapfloor_header& header = segment->header();
  EXPECT_GT(header.thinnings, 0U);
  EXPECT_GT(header.sample_interval_bytes, header.initial_sample_interval_bytes);
  EXPECT_LT(static_cast<double>(header.samples_lost), 0.001 * static_cast<double>(header.samples));
  EXPECT_LE(header.live_samples, 65536U * 3 / 4);
  const double truth = 100'000 * 4000.0;  // every second block was freed
  const double live = segment->live_bytes_through(program.leaking_begin(), program.leaking_end());
  EXPECT_NEAR(live, truth, most_error(truth, static_cast<double>(header.sample_interval_bytes)));
  // The header's sum, the sites' and that of the samples themselves are the same.
  double by_sites = 0;
  for (const heapfloor_site& site : segment->sites())
    by_sites += static_cast<double>(static_cast<std::int64_t>(site.live_bytes));
  EXPECT_DOUBLE_EQ(by_sites, static_cast<double>(header.live_bytes));
  EXPECT_EQ(segment->live().size(), header.live_samples);
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, AnIntervalOfZeroTurnsSamplingOffAndLeavesTheStatistics) {
  WatchedProgram program({target(), "leak", "malloc", "10000", "1000"}, sampling_every("0"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header().flags & HEAPFLOOR_FLAG_SAMPLING, 0U);
  EXPECT_EQ(segment->header().samples, 0U);
  EXPECT_EQ(segment->allocator().kind, static_cast<unsigned>(HEAPFLOOR_ALLOCATOR_GLIBC));
  EXPECT_GE(segment->allocator().samples, 1U);
}

// --- the program does not notice
// --------------------------------------------------------------------------------------------------------

class Unnoticed : public ::testing::TestWithParam<const char*> {};

TEST_P(Unnoticed, ByAProgramThatChecksItself) {
  // Often, so that the slow way is gone through.
  WatchedProgram program({target(), GetParam(), HEAPFLOOR_PROBE_PLUGIN}, sampling_every("4096"));
  EXPECT_TRUE(program.becomes_ready());
  EXPECT_EQ(program.finish(), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, Unnoticed,
                         ::testing::Values("threads", "out_of_memory", "errno", "coroutines",
                                           "plugins", "sandbox"));

TEST_F(Hooks, AProgramWithAnOperatorNewOfItsOwnKeepsIt) {
  WatchedProgram program({HEAPFLOOR_PROBE_TARGET_OWN_NEW}, sampling_every("4096"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header().flags & HEAPFLOOR_FLAG_OPERATOR_NEW, 0U);
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, AProgramThatLinksTheProbeIsSampledWithoutAPreload) {
  WatchedProgram program({target() + "_linked", "leak", "new", "40000", "1024"},
                         {{"LD_PRELOAD", ""}, {"HEAPFLOOR_SAMPLE_BYTES", "65536"}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const double truth = 40000 * 1024.0;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), truth,
              most_error(truth, 65536));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, TwoProbesInOneProgramAreOne) {
  WatchedProgram program({target() + "_linked", "leak", "new", "40000", "1024"},
                         sampling_every("65536"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const double truth = 40000 * 1024.0;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), truth,
              most_error(truth, 65536));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, AProgramThatLinksTheProbeAndHasAnOperatorNewOfItsOwnKeepsIt) {
  WatchedProgram program({std::string(HEAPFLOOR_PROBE_TARGET_OWN_NEW) + "_linked"},
                         {{"LD_PRELOAD", ""}, {"HEAPFLOOR_SAMPLE_BYTES", "4096"}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header().flags & HEAPFLOOR_FLAG_OPERATOR_NEW, 0U);
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, CoroutinesHaveWholeStacks) {
  WatchedProgram program({target(), "coroutines"}, sampling_every("65536"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const double truth = 10 * 200 * 20 * 2000.0;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), truth,
              most_error(truth, 65536));
}

TEST_F(Hooks, ASandboxedProgramIsSampledOnWithoutAnUnusualCall) {
  WatchedProgram program({target(), "sandbox"}, sampling_every("65536"));
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_NE(segment->header().flags & HEAPFLOOR_FLAG_QUIET, 0U);
  const double truth = 22000 * 1000.0;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), truth,
              most_error(truth, 65536));
}

TEST_F(Hooks, AProgramThatMayMakeNoMemfdRunsWithoutASegment) {
  WatchedProgram program({target(), "without_memfd", "errno"}, sampling_every("4096"));
  EXPECT_TRUE(program.becomes_ready());
  EXPECT_FALSE(segment_of(program.pid()));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(Hooks, ArenasAreListedWhereTheyAreAskedFor) {
  WatchedProgram program({target(), "arenas"}, {{"HEAPFLOOR_ARENAS", "1"}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  ASSERT_GE(segment->arenas().size(), 1U);
  EXPECT_EQ(segment->allocator().arenas, segment->arenas().size());
}

TEST_F(Hooks, AForkedChildHasSamplesOfItsOwn) {
  WatchedProgram program({target(), "fork"}, sampling_every("32768"));
  pid_t child = 0;
  while (child == 0) {
    const std::optional<std::string> line = program.read_line();
    ASSERT_TRUE(line);
    if (line->starts_with("child ")) child = static_cast<pid_t>(std::stol(line->substr(6)));
  }
  ASSERT_GT(child, 0);
  const auto of_parent = segment_of(program.pid());
  const auto of_child = segment_of(child);
  ASSERT_TRUE(of_parent);
  ASSERT_TRUE(of_child);
  EXPECT_EQ(of_parent->header().pid, program.pid());
  EXPECT_EQ(of_child->header().pid, child);
  EXPECT_NE(of_child->header().flags & HEAPFLOOR_FLAG_FORKED, 0U);
  EXPECT_NEAR(static_cast<double>(of_parent->header().live_bytes), 5e6,
              most_error(5.2e6, 32768) + 3e5);
  EXPECT_NEAR(static_cast<double>(of_child->header().live_bytes), 20e6,
              most_error(20.2e6, 32768) + 3e5);
  EXPECT_EQ(program.finish(), 0);
}

// --- who owns malloc
// --------------------------------------------------------------------------------------------------------------------

struct OtherAllocator {
  const char* library;
  heapfloor_allocator_kind kind;
};

class WithAllocator : public ::testing::TestWithParam<OtherAllocator> {
 protected:
  void SetUp() override {
    if (!can_look_into_others())
      GTEST_SKIP() << "segments of other processes are only open to root";
    if (std::string(GetParam().library).empty()) GTEST_SKIP() << "this machine does not have it";
  }
};

TEST_P(WithAllocator, SamplesAndStatisticsAreOfIt) {
  WatchedProgram program(
      {target(), "leak", "new", "40000", "1024"},
      {{"LD_PRELOAD", std::string(HEAPFLOOR_PROBE_LIBRARY) + ":" + GetParam().library},
       {"HEAPFLOOR_SAMPLE_BYTES", "65536"}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  const double truth = 40000 * 1024.0;
  EXPECT_NEAR(segment->live_bytes_through(program.leaking_begin(), program.leaking_end()), truth,
              most_error(truth, 65536));
  EXPECT_EQ(segment->allocator().kind, static_cast<unsigned>(GetParam().kind));
  EXPECT_EQ(program.finish(), 0);
}

TEST_P(WithAllocator, InFrontOfTheProbeItKeepsItsCallsAndTheProbeSaysSo) {
  WatchedProgram program(
      {target(), "leak", "new", "10000", "1024"},
      {{"LD_PRELOAD", std::string(GetParam().library) + ":" + HEAPFLOOR_PROBE_LIBRARY}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header().flags & HEAPFLOOR_FLAG_SAMPLING, 0U);
  EXPECT_EQ(segment->allocator().kind, static_cast<unsigned>(GetParam().kind));
}

INSTANTIATE_TEST_SUITE_P(Libraries, WithAllocator,
                         ::testing::Values(OtherAllocator{.library = HEAPFLOOR_JEMALLOC_LIBRARY,
                                                          .kind = HEAPFLOOR_ALLOCATOR_JEMALLOC},
                                           OtherAllocator{.library = HEAPFLOOR_TCMALLOC_LIBRARY,
                                                          .kind = HEAPFLOOR_ALLOCATOR_GPERFTOOLS},
                                           OtherAllocator{.library = HEAPFLOOR_MIMALLOC_LIBRARY,
                                                          .kind = HEAPFLOOR_ALLOCATOR_MIMALLOC},
                                           OtherAllocator{.library = HEAPFLOOR_TCMALLOC_STAND_IN,
                                                          .kind = HEAPFLOOR_ALLOCATOR_TCMALLOC}));

TEST_F(Hooks, GooglesTcmallocIsAskedByItsWeakFunctions) {
  WatchedProgram program(
      {target(), "leak", "malloc", "1000", "1024"},
      {{"LD_PRELOAD", std::string(HEAPFLOOR_PROBE_LIBRARY) + ":" + HEAPFLOOR_TCMALLOC_STAND_IN}});
  ASSERT_TRUE(program.becomes_ready());
  const auto segment = segment_of(program.pid());
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->allocator().in_use, 41'000'000U);
  EXPECT_EQ(segment->allocator().mapped, 64'000'000U);
  EXPECT_EQ(segment->allocator().free_pageheap, 9'000'000U);
  EXPECT_EQ(segment->allocator().free_central, 3'000'000U);
  EXPECT_EQ(segment->allocator().free_thread, 2'000'000U);
  EXPECT_EQ(segment->allocator().free_fastbin, HEAPFLOOR_ABSENT);
  EXPECT_EQ(program.finish(), 0);
}

}  // namespace
}  // namespace heapfloor::testing
