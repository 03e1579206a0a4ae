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

TEST(SampleBatch, KeepsWhatIsSaidOfEachEntity) {
  SampleBatch batch;
  batch.begin({EntityKind::process, {7, 70}, "seven"});
  batch.describe(Attribute::user_id, "1000");
  batch.describe(Attribute::cgroup, "/system.slice/seven.service");
  batch.begin({EntityKind::process, {8, 80}, "eight"});
  batch.begin({EntityKind::cgroup, {}, "/system.slice", 42});
  batch.describe(Attribute::slice, "system.slice");
  const auto seven = batch.descriptions(0);
  ASSERT_EQ(seven.size(), 2U);
  EXPECT_EQ(seven[0].text, "1000");
  EXPECT_EQ(seven[1].attribute, Attribute::cgroup);
  EXPECT_EQ(seven[1].text, "/system.slice/seven.service");
  EXPECT_TRUE(batch.descriptions(1).empty());
  ASSERT_EQ(batch.descriptions(2).size(), 1U);
  EXPECT_EQ(batch.entity(2).cgroup_id, 42U);
}

TEST(SampleBatch, IsEmptyAfterClear) {
  SampleBatch batch;
  batch.begin({EntityKind::host, {}, "x"});
  batch.add(kOne, 1);
  batch.describe(Attribute::cgroup, "/a");
  batch.clear();
  ASSERT_EQ(batch.entities(), 0U);
  batch.begin({EntityKind::host, {}, "y"});
  EXPECT_TRUE(batch.samples(0).empty());
  EXPECT_TRUE(batch.descriptions(0).empty());
}

TEST(SampleBatch, GivesBackWhatOneBurstTook) {
  SampleBatch batch;
  const auto tick = [&batch](bool describes) {
    batch.clear();
    for (int pid = 1; pid <= 1000; ++pid) {
      batch.begin({EntityKind::process, {pid, 7}, "x"});
      batch.add(kOne, 1);
      if (describes) batch.describe(Attribute::command_line, std::string(1000, 'a'));
    }
  };
  tick(true);
  const std::size_t after_burst = batch.held_bytes();
  EXPECT_GT(after_burst, 1000U * 1000U);
  tick(false);
  EXPECT_EQ(batch.held_bytes(), after_burst) << "not at once: there may be another one";
  for (int i = 0; i < 10; ++i) tick(false);
  EXPECT_LT(batch.held_bytes(), 200'000U);
  ASSERT_EQ(batch.entities(), 1000U);
  EXPECT_EQ(batch.entity(999).process.pid, 1000);
}

}  // namespace
}  // namespace heapfloor
