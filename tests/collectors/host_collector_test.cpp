#include <gtest/gtest.h>

#include "collectors/collector.h"
#include "collectors/parse/text.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry host_collector;

namespace {

using testing::FixtureHost;
using testing::MemoryHostRoot;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr double kKiB = 1024;

struct Collected {
  RecordedEntity host;
  CollectReport report;
};

Collected collect(const HostRoot& root) {
  RecordingSink sink;
  auto report = host_collector.make(root, {})->collect(sink);
  EXPECT_TRUE(report);
  EXPECT_EQ(sink.entities.size(), 1U);
  EXPECT_EQ(sink.entities.at(0).kind, EntityKind::host);
  return {sink.entities.at(0), report.value_or(CollectReport{})};
}

std::uint64_t errors_of(const CollectReport& report, ErrorKind kind) {
  return report.errors.at(static_cast<std::size_t>(kind));
}

TEST(HostCollector, AWholeHostGivesEveryDeclaredMetricOnce) {
  const FixtureHost host("host_normal");
  const auto [entity, report] = collect(host.root());
  EXPECT_EQ(report.entities_read, 1U);
  EXPECT_FALSE(report.first_error);
  EXPECT_EQ(entity.values.size(), host_collector.metrics.size());
  for (const MetricDesc& desc : host_collector.metrics) {
    EXPECT_TRUE(entity.value(desc)) << desc.name << " " << desc.label_value;
  }
}

TEST(HostCollector, ValuesAreBytesSecondsAndCounts) {
  const FixtureHost host("host_normal");
  const RecordedEntity entity = collect(host.root()).host;
  EXPECT_EQ(entity.value("heapfloor_host_memory_capacity_bytes"), 16000000 * kKiB);
  EXPECT_EQ(entity.value("heapfloor_host_memory_available_bytes"), 9000000 * kKiB);
  EXPECT_EQ(entity.value("heapfloor_host_swap_free_bytes"), 1500000 * kKiB);
  EXPECT_EQ(entity.value("heapfloor_host_committed_bytes"), 8000000 * kKiB);
  EXPECT_EQ(entity.value("heapfloor_host_memory_pressure_waiting_seconds_total"), 2.5);
  EXPECT_EQ(entity.value("heapfloor_host_memory_pressure_stalled_seconds_total"), 1.25);
  EXPECT_EQ(entity.value("heapfloor_host_oom_kills_total"), 3);
  EXPECT_EQ(entity.value("heapfloor_host_major_page_faults_total"), 77);
  EXPECT_EQ(entity.value("heapfloor_host_reclaim_scanned_pages_total"), 5678);
  EXPECT_EQ(entity.value("heapfloor_host_reclaim_reclaimed_pages_total"), 1234);
  EXPECT_EQ(entity.value("heapfloor_host_memory_mappings_limit"), 65530);
  EXPECT_EQ(entity.value("heapfloor_host_boot_timestamp_seconds"), 1700000000);
}

TEST(HostCollector, ComponentsAreDisjointSoFileCacheIsWithoutShmem) {
  const FixtureHost host("host_normal");
  const RecordedEntity entity = collect(host.root()).host;
  const auto component = [&entity](std::string_view name) {
    return entity.value("heapfloor_host_memory_component_bytes", name);
  };
  EXPECT_EQ(component("anon"), 6000000 * kKiB);
  EXPECT_EQ(component("file_cache"), 4900000 * kKiB);
  EXPECT_EQ(component("shmem"), 100000 * kKiB);
  EXPECT_EQ(component("buffers"), 200000 * kKiB);
  EXPECT_EQ(component("slab_reclaimable"), 250000 * kKiB);
  EXPECT_EQ(component("slab_unreclaimable"), 150000 * kKiB);
  EXPECT_EQ(component("page_tables"), 40000 * kKiB);
  EXPECT_EQ(component("kernel_stack"), 16000 * kKiB);
  EXPECT_EQ(component("percpu"), 5000 * kKiB);
  EXPECT_EQ(component("free"), 4000000 * kKiB);
}

TEST(HostCollector, AHostWithoutPressureFilesHasNoPressureAndNoError) {
  const FixtureHost host("host_without_psi");
  const auto [entity, report] = collect(host.root());
  EXPECT_FALSE(entity.value("heapfloor_host_memory_pressure_waiting_seconds_total"));
  EXPECT_FALSE(entity.value("heapfloor_host_memory_pressure_stalled_seconds_total"));
  EXPECT_FALSE(report.first_error);
  EXPECT_EQ(errors_of(report, ErrorKind::unavailable), 0U);
}

TEST(HostCollector, PressureThatIsRefusedForAnotherReasonIsAnError) {
  const MemoryHostRoot root([](std::string_view path) -> Result<std::string> {
    if (path == "proc/pressure/memory") return failure(ErrorKind::denied, std::string(path), "no");
    return std::string("MemTotal: 1 kB\n");
  });
  const auto [entity, report] = collect(root);
  EXPECT_FALSE(entity.value("heapfloor_host_memory_pressure_waiting_seconds_total"));
  EXPECT_EQ(errors_of(report, ErrorKind::denied), 1U);
}

TEST(HostCollector, AnOldKernelsMissingFieldsAreAbsent) {
  const FixtureHost host("host_old_kernel");
  const auto [entity, report] = collect(host.root());
  EXPECT_FALSE(report.first_error);
  EXPECT_FALSE(entity.value("heapfloor_host_memory_available_bytes"));
  EXPECT_FALSE(entity.value("heapfloor_host_memory_component_bytes", "percpu"));
  EXPECT_FALSE(entity.value("heapfloor_host_oom_kills_total"));
  EXPECT_EQ(entity.value("heapfloor_host_reclaim_scanned_pages_total"), 642);
  EXPECT_EQ(entity.value("heapfloor_host_reclaim_reclaimed_pages_total"), 321);
  EXPECT_EQ(entity.value("heapfloor_host_memory_component_bytes", "anon"), 6000000 * kKiB);
}

TEST(HostCollector, WhenEveryFileIsMalformedTheCollectionFailsWithTheFirstReason) {
  const FixtureHost host("host_malformed");
  RecordingSink sink;
  const auto report = host_collector.make(host.root(), {})->collect(sink);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::malformed);
  EXPECT_EQ(report.error().path, "meminfo");
  EXPECT_NE(report.error().reason.find("six million"), std::string::npos);
  EXPECT_TRUE(sink.entities.at(0).values.empty());
}

TEST(HostCollector, TheFileOfTheBootTimeIsNotReadAtEveryTick) {
  int reads = 0;
  const MemoryHostRoot root([&reads](std::string_view path) -> Result<std::string> {
    if (path == "proc/stat") {
      ++reads;
      return std::string("btime 1700000000\n");
    }
    if (path == "proc/meminfo") return std::string("MemTotal: 1 kB\n");
    return failure(ErrorKind::unavailable, std::string(path), "no such file");
  });
  const auto collector = host_collector.make(root, {});
  for (int tick = 0; tick < 40; ++tick) {
    RecordingSink sink;
    ASSERT_TRUE(collector->collect(sink));
    EXPECT_EQ(sink.entities.at(0).value("heapfloor_host_boot_timestamp_seconds"), 1700000000);
  }
  EXPECT_EQ(reads, 2);
}

}  // namespace
}  // namespace heapfloor
