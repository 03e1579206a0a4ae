// Pages of Go programs: client_golang's, expvar's and net/http/pprof's.
#include "agent/endpoints/go_figures.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace heapfloor {
namespace {

constexpr double kMiBytes = 1 << 20;

// As client_golang 1.20 writes it, but for the quantiles and what is not of Go.
constexpr std::string_view kExposed =
    R"(# HELP go_gc_duration_seconds A summary of the wall-time pause.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 2.3e-05
go_gc_duration_seconds{quantile="1"} 0.0004
go_gc_duration_seconds_sum 0.125
go_gc_duration_seconds_count 42
# TYPE go_gc_gogc_percent gauge
go_gc_gogc_percent 200
go_gc_gomemlimit_bytes 9.223372036854776e+18
go_goroutines 17
go_info{version="go1.22.3"} 1
go_memstats_alloc_bytes 8.388608e+07
# TYPE go_memstats_alloc_bytes_total counter
go_memstats_alloc_bytes_total 9.9e+09
go_memstats_heap_alloc_bytes 8.388608e+07
go_memstats_heap_idle_bytes 1.6777216e+07
go_memstats_heap_inuse_bytes 9.437184e+07
go_memstats_heap_objects 123456
go_memstats_heap_released_bytes 4.194304e+06
go_memstats_last_gc_time_seconds 1.7000000005e+09
go_memstats_next_gc_bytes 1.25829120e+08
go_memstats_stack_inuse_bytes 1.048576e+06
go_memstats_sys_bytes 1.3e+08
http_requests_total{code="200"} 1e+06
process_start_time_seconds 1.69999e+09
)";

constexpr std::string_view kExpvar =
    R"({"cmdline":["/srv/pay","--password=canary"],"memstats":{"Alloc":1,"TotalAlloc":9900000000,)"
    R"("Sys":130000000,"Mallocs":200,"Frees":100,"HeapAlloc":83886080,"HeapSys":111149056,)"
    R"("HeapIdle":16777216,"HeapInuse":94371840,"HeapReleased":4194304,"HeapObjects":123456,)"
    R"("StackInuse":1048576,"NextGC":125829120,"LastGC":1700000000500000000,)"
    R"("PauseTotalNs":125000000,"PauseNs":[1,2,3],"NumGC":42,"GCCPUFraction":0.0125,)"
    R"("BySize":[{"Size":0,"Mallocs":0,"Frees":0,"NumGC":99}]},"NextGC":7,"own":{"NumGC":3}})";

TEST(GoFigures, AreReadFromThePageOfClientGolang) {
  const auto figures = parse_go_exposition(kExposed);
  ASSERT_TRUE(figures) << figures.error().reason;
  EXPECT_EQ(figures->goal, 120 * kMiBytes);
  EXPECT_EQ(figures->allocated, 80 * kMiBytes);
  EXPECT_EQ(figures->allocations, 9.9e9);
  EXPECT_EQ(figures->in_use, 90 * kMiBytes);
  EXPECT_EQ(figures->idle, 16 * kMiBytes);
  EXPECT_EQ(figures->released, 4 * kMiBytes);
  EXPECT_EQ(figures->objects, 123456);
  EXPECT_EQ(figures->cycles, 42);
  EXPECT_EQ(figures->pause_seconds, 0.125);
  EXPECT_EQ(figures->goroutines, 17);
  EXPECT_EQ(figures->gogc_percent, 200);
  EXPECT_EQ(figures->limit, std::nullopt) << "none is set";
  EXPECT_EQ(figures->start_seconds, 1.69999e9);
  EXPECT_EQ(figures->version, "go1.22.3");
  EXPECT_EQ(figures->live, std::nullopt);
}

TEST(GoFigures, AreReadFromTheMemstatsOfExpvarAndFromNothingElseOfIt) {
  const auto figures = parse_go_expvar(kExpvar);
  ASSERT_TRUE(figures) << figures.error().reason;
  EXPECT_EQ(figures->goal, 120 * kMiBytes) << "not that of the document";
  EXPECT_EQ(figures->cycles, 42) << "not that of a size class, nor that of another variable";
  EXPECT_EQ(figures->objects, 123456);
  EXPECT_EQ(figures->pause_seconds, 0.125);
  EXPECT_EQ(figures->last_gc_seconds, 1700000000.5);
  EXPECT_EQ(figures->cpu_fraction, 0.0125);
  EXPECT_EQ(figures->version, "");
}

TEST(GoFigures, AreReadFromTheTextOfAHeapProfile) {
  const auto figures = parse_go_heap_text(
      "heap profile: 3: 5242880 [9: 7340032] @ heap/1048576\n1: 2 [3: 4] @ 0x1 0x2\n"
      "#\t0x1\tmain.hold+0x20\t/src/service.go:33\n\n# runtime.MemStats\n# Alloc = 1\n"
      "# HeapAlloc = 83886080\n# NextGC = 125829120\n# LastGC = 0\n# PauseNs = [1 2 3]\n"
      "# NumGC = 42\n# DebugGC = false\n");
  ASSERT_TRUE(figures) << figures.error().reason;
  EXPECT_EQ(figures->goal, 120 * kMiBytes);
  EXPECT_EQ(figures->cycles, 42);
  EXPECT_EQ(figures->last_gc_seconds, std::nullopt) << "there was none";
}

TEST(GoFigures, AreNoneWhereAPageIsOfAnotherKind) {
  for (const std::string_view page : {"", "<html>go_goroutines</html>", "{\"memstats\":{}}",
                                      "go_goroutines 3\n", "jvm_memory_used_bytes 7\n"}) {
    EXPECT_FALSE(parse_go_exposition(page)) << page;
    EXPECT_FALSE(parse_go_expvar(page)) << page;
    EXPECT_FALSE(parse_go_heap_text(page)) << page;
  }
}

TEST(GoFigures, OfSeveralProgramsOnOnePageAreRefused) {
  std::string page(kExposed);
  page += "go_memstats_next_gc_bytes{instance=\"other\"} 5e+06\n";
  EXPECT_FALSE(parse_go_exposition(page));
}

TEST(GoFigures, WithLabelsThatAProgramGivesToAllOfItsMetricsAreRead) {
  const auto figures = parse_go_exposition(
      "go_memstats_heap_alloc_bytes{app=\"a } \\\" b\",x=\"y\"} 5 1700000000000\n"
      "go_memstats_next_gc_bytes{app=\"a\"} 9\n");
  ASSERT_TRUE(figures) << figures.error().reason;
  EXPECT_EQ(figures->allocated, 5);
}

TEST(GoFigures, ThatAreNoAmountsAreLeftOut) {
  const auto figures = parse_go_exposition(
      "go_memstats_heap_alloc_bytes 5\ngo_memstats_next_gc_bytes 9\ngo_goroutines NaN\n"
      "go_memstats_sys_bytes -3\ngo_memstats_heap_objects +Inf\n");
  ASSERT_TRUE(figures) << figures.error().reason;
  EXPECT_EQ(figures->goroutines, std::nullopt);
  EXPECT_EQ(figures->system, std::nullopt);
  EXPECT_EQ(figures->objects, std::nullopt);
}

TEST(GoFigures, OfADocumentWithoutAnEndToItsDepthAreRefused) {
  EXPECT_FALSE(parse_go_expvar(std::string(100'000, '[')));
  std::string deep = "{\"memstats\":";
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_FALSE(parse_go_expvar(deep));
}

GoFigures figures_of(double goal, double allocated) {
  GoFigures figures;
  figures.goal = goal * kMiBytes;
  figures.allocated = allocated * kMiBytes;
  return figures;
}

TEST(LiveAfterCollection, IsWhatTheRuntimeSaysWhereItSaysIt) {
  GoFigures figures = figures_of(120, 100);
  figures.live = 77 * kMiBytes;
  EXPECT_EQ(live_after_collection(figures, 100), 77 * kMiBytes);
}

TEST(LiveAfterCollection, FollowsFromTheGoalOfTheNextOne) {
  EXPECT_EQ(live_after_collection(figures_of(120, 100), 100), 60 * kMiBytes);
  EXPECT_EQ(live_after_collection(figures_of(120, 100), 50), 80 * kMiBytes);
  GoFigures own = figures_of(120, 100);
  own.gogc_percent = 200;
  EXPECT_EQ(live_after_collection(own, 100), 40 * kMiBytes) << "the page knows it better";
}

TEST(LiveAfterCollection, CountsStacksAsTheGoalDoes) {
  GoFigures figures = figures_of(130, 100);
  figures.stacks = 8 * kMiBytes;
  figures.version = "go1.17.13";
  EXPECT_EQ(live_after_collection(figures, 100), 65 * kMiBytes) << "not at all";
  figures.version = "go1.18.1";
  EXPECT_EQ(live_after_collection(figures, 100), 61 * kMiBytes) << "all of them";
  for (const char* const version : {"go1.22.3", "devel", ""}) {
    figures.version = version;
    EXPECT_EQ(live_after_collection(figures, 100), 64 * kMiBytes) << "what is scanned of them";
  }
  figures.scanned_stacks = 6 * kMiBytes;
  figures.scanned_globals = 2 * kMiBytes;
  EXPECT_EQ(live_after_collection(figures, 100), 61 * kMiBytes) << "where the page says it";
}

TEST(LiveAfterCollection, IsNeverMoreThanIsAllocated) {
  EXPECT_EQ(live_after_collection(figures_of(120, 50), 100), 50 * kMiBytes);
}

TEST(LiveAfterCollection, IsNotKnownWhereTheGoalDoesNotFollowIt) {
  EXPECT_EQ(live_after_collection(figures_of(120, 100), -1), std::nullopt) << "GOGC=off";
  EXPECT_EQ(live_after_collection(figures_of(4, 2), 100), std::nullopt) << "the least goal";
  GoFigures limited = figures_of(235, 200);
  limited.limit = 256 * kMiBytes;
  limited.system = 250 * kMiBytes;
  limited.released = 0;
  limited.in_use = 220 * kMiBytes;
  limited.idle = 20 * kMiBytes;
  EXPECT_EQ(live_after_collection(limited, 100), std::nullopt) << "the memory limit sets it";
  limited.limit = 512 * kMiBytes;
  EXPECT_EQ(live_after_collection(limited, 100), 235 * kMiBytes / 2);
}

}  // namespace
}  // namespace heapfloor
