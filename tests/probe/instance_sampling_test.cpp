// Structures of very many instances: few records, and sums that are right on average.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "collectors/probe/segment_memory.h"
#include "heapfloor/probe.h"
#include "tests/probe/in_child.h"

namespace heapfloor::probe {
namespace {

const heapfloor_structure& structure_named(const char* name) {
  const std::uint16_t index = intern_name(name);
  for (std::uint64_t i = 1; i < section(HEAPFLOOR_SECTION_STRUCTURES).used; ++i) {
    if (segment().structures[i].name_index == index) return segment().structures[i];
  }
  return segment().structures[0];
}

struct Estimate {
  double bytes = 0;
  double variance = 0;  // an unbiased estimate of that of `bytes`
  double instances = 0;
};

// What a reader makes of the records.
Estimate estimate() {
  Estimate sum;
  for (std::uint64_t i = 0; i < section(HEAPFLOOR_SECTION_INSTANCES).used; ++i) {
    const heapfloor_instance& record = segment().instances[i];
    if (record.state != HEAPFLOOR_RECORD_READY) continue;
    const double weight = std::exp2(record.weight_log2);
    const auto bytes = static_cast<double>(record.bytes);
    sum.bytes += weight * bytes;
    sum.variance += weight * (weight - 1) * bytes * bytes;
    sum.instances += weight;
  }
  return sum;
}

TEST(InstanceSampling, AFewAreAllWatched) {
  std::vector<heapfloor_handle> gauges;
  for (int i = 0; i < 32; ++i) gauges.push_back(heapfloor_gauge_open("few"));
  EXPECT_EQ(structure_named("few").watched_instances, 32U);
  for (const heapfloor_handle gauge : gauges) {
    EXPECT_EQ(heapfloor_instance_of(gauge)->weight_log2, 0);
    heapfloor_gauge_close(gauge);
  }
}

TEST(InstanceSampling, SumsAreRightOnAverageAndScatterAsTheorySays) {
  constexpr int kRuns = 400;
  constexpr int kGauges = 1500;
  double truth = 0;
  for (int i = 1; i <= kGauges; ++i) truth += i;
  double mean = 0;
  double instances = 0;
  double scatter = 0;
  double theory = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<heapfloor_handle> gauges;
    for (int i = 1; i <= kGauges; ++i) {
      gauges.push_back(heapfloor_gauge_open("many"));
      heapfloor_gauge_set_bytes(gauges.back(), static_cast<std::uint64_t>(i));
    }
    const Estimate found = estimate();
    for (const heapfloor_handle gauge : gauges) heapfloor_gauge_close(gauge);
    mean += found.bytes / kRuns;
    instances += found.instances / kRuns;
    scatter += (found.bytes - truth) * (found.bytes - truth) / kRuns;
    theory += found.variance / kRuns;
  }
  // 4.5 sigma: once in 150 000 runs of this test by chance.
  EXPECT_NEAR(mean, truth, 4.5 * std::sqrt(theory / kRuns));
  EXPECT_NEAR(instances, kGauges, kGauges * 0.05);
  EXPECT_NEAR(scatter / theory, 1, 0.4);
  // 14 % where all are equal; here the later ones, which are watched more rarely, are larger.
  EXPECT_LT(std::sqrt(theory), 0.25 * truth);
  EXPECT_EQ(structure_named("many").watched_instances, 0U);
}

TEST(InstanceSampling, SumsOfWhatEndedAreRightOnAverage) {
  constexpr int kGauges = 200'000;
  std::vector<heapfloor_handle> gauges;
  for (int i = 0; i < kGauges; ++i) {
    gauges.push_back(heapfloor_gauge_open("ending"));
    heapfloor_gauge_set_elements(gauges.back(), 3);
  }
  const double variance = estimate().variance;
  EXPECT_EQ(variance, 0);  // nobody set bytes
  for (const heapfloor_handle gauge : gauges) heapfloor_gauge_close(gauge);
  const heapfloor_structure& structure = structure_named("ending");
  EXPECT_EQ(structure.instances_started, static_cast<std::uint64_t>(kGauges));
  EXPECT_EQ(structure.instances_ended, static_cast<std::uint64_t>(kGauges));
  // One run scatters by 14 %; 5 sigma.
  EXPECT_NEAR(static_cast<double>(structure.insertions), 3.0 * kGauges, 0.7 * 3.0 * kGauges);
}

TEST(InstanceSampling, RecordsGrowWithTheLogarithmOfTheInstances) {
  std::vector<heapfloor_handle> gauges;
  for (int i = 0; i < 1'000'000; ++i) gauges.push_back(heapfloor_gauge_open("million"));
  const heapfloor_structure& structure = structure_named("million");
  EXPECT_GE(structure.watched_instances, 200U);
  EXPECT_LE(structure.watched_instances, 350U);
  EXPECT_EQ(structure.instances_unwatched, 0U);
  EXPECT_LE(section(HEAPFLOOR_SECTION_INSTANCES).used, 351U);
  for (const heapfloor_handle gauge : gauges) heapfloor_gauge_close(gauge);
}

bool fills_the_instances() {
  // 128 structures with 32 each fill the table; what comes then is lost and counted.
  for (int i = 0; i < 128 * 32; ++i) {
    heapfloor_gauge_open(("structure" + std::to_string(i / 32)).c_str());
  }
  const std::uint64_t used = section(HEAPFLOOR_SECTION_INSTANCES).used;
  const heapfloor_handle late = heapfloor_gauge_open("late");
  heapfloor_gauge_set(late, 1, 1);
  const heapfloor_structure& structure = structure_named("late");
  EXPECT_EQ(used, kInstances);
  EXPECT_EQ(section(HEAPFLOOR_SECTION_INSTANCES).used, kInstances);
  EXPECT_EQ(heapfloor_instance_of(late), nullptr);
  EXPECT_EQ(structure.instances_started, 1U);
  EXPECT_EQ(structure.instances_unwatched, 1U);
  EXPECT_EQ(segment().header->names_lost, 1U);
  heapfloor_gauge_close(late);
  EXPECT_EQ(structure.instances_ended, 1U);
  return !testing::Test::HasFailure();
}

TEST(InstanceSampling, WhatFindsNoRecordIsCountedAsLost) {
  EXPECT_TRUE(holds_in_child(fills_the_instances));
}

bool fills_the_structures() {
  for (std::size_t i = 0; i < kStructures + 10; ++i) {
    heapfloor_gauge_close(heapfloor_gauge_open(("structure" + std::to_string(i)).c_str()));
  }
  EXPECT_EQ(section(HEAPFLOOR_SECTION_STRUCTURES).used, kStructures);
  EXPECT_GE(segment().header->names_lost, 11U);
  EXPECT_EQ(heapfloor_gauge_open("late"), HEAPFLOOR_NO_INSTANCE);
  return !testing::Test::HasFailure();
}

TEST(InstanceSampling, TheTableOfStructuresNeverGrowsPastItsBound) {
  EXPECT_TRUE(holds_in_child(fills_the_structures));
}

}  // namespace
}  // namespace heapfloor::probe
