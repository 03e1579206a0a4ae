#include "agent/series/sample_batch.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

constexpr MetricDesc kOne{.name = "one_bytes", .help = "One."};
constexpr MetricDesc kTwo{.name = "two_bytes", .help = "Two."};

TEST(SampleBatch, KeepsTheSamplesOfEachEntityApart) {
  SampleBatch batch;
  batch.begin({EntityKind::host, {}, ""});
  batch.add(kOne, 1);
  batch.begin({EntityKind::process, {7, 70}, "seven"});
  batch.begin({EntityKind::process, {8, 80}, "eight"});
  batch.add(kOne, 2);
  batch.add(kTwo, 3);
  ASSERT_EQ(batch.entities(), 3U);
  EXPECT_EQ(batch.samples(0).size(), 1U);
  EXPECT_EQ(batch.samples(1).size(), 0U);
  ASSERT_EQ(batch.samples(2).size(), 2U);
  EXPECT_EQ(batch.samples(2)[1].desc, &kTwo);
  EXPECT_EQ(batch.samples(2)[1].value, 3);
  EXPECT_EQ(batch.entity(1).name, "seven");
  EXPECT_EQ(batch.entity(2).process, (ProcessId{8, 80}));
}

TEST(SampleBatch, CopiesNamesAsTheyAre) {
  SampleBatch batch;
  std::string name("a\0\"\n\xff", 5);
  batch.begin({EntityKind::process, {1, 1}, name});
  name = "other";
  EXPECT_EQ(batch.entity(0).name, std::string_view("a\0\"\n\xff", 5));
}

TEST(SampleBatch, IsEmptyAfterClear) {
  SampleBatch batch;
  batch.begin({EntityKind::host, {}, "x"});
  batch.add(kOne, 1);
  batch.clear();
  EXPECT_EQ(batch.entities(), 0U);
  batch.begin({EntityKind::host, {}, "y"});
  EXPECT_TRUE(batch.samples(0).empty());
}

}  // namespace
}  // namespace heapfloor
