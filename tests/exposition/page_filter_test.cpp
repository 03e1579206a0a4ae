#include "agent/exposition/page_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/exposition/rich_snapshot.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Query = std::vector<std::pair<std::string, std::string>>;

class PageFilterTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string_view collector(std::string_view name) const {
    return collector_of(families_.all()[families_.find(name).value()]);
  }
  [[nodiscard]] std::string problem(const Query& query) const {
    const auto filter = parse_page_filter(query, families_);
    return filter ? "" : filter.error();
  }

  MetricFamilies families_{rich::kCollectors};
};

TEST_F(PageFilterTest, EveryFamilyBelongsToACollector) {
  EXPECT_EQ(collector("heapfloor_host_oom_kills_total"), "host");
  EXPECT_EQ(collector("heapfloor_process_resident_memory_bytes"), "process");
  EXPECT_EQ(collector("heapfloor_group_resident_memory_bytes"), "process");
  EXPECT_EQ(collector("heapfloor_group_process_starts_total"), "process");
  EXPECT_EQ(collector("process_cpu_seconds_total"), "self");
  EXPECT_EQ(collector("heapfloor_allocator_in_use_bytes"), "self");
  EXPECT_EQ(collector("heapfloor_trend_floor_bytes"), "trend");
  EXPECT_EQ(collector("heapfloor_leak_state"), "alerts");
  EXPECT_EQ(collector("heapfloor_build_info"), "agent");
  EXPECT_EQ(collector("heapfloor_collector_success"), "agent");
}

TEST_F(PageFilterTest, ReadsRepeatedParametersAndIgnoresOthers) {
  const auto filter = parse_page_filter(
      Query{{"collect[]", "host"}, {"name", "x"}, {"collect[]", "trend"}}, families_);
  ASSERT_TRUE(filter.has_value());
  EXPECT_THAT(filter->collect, ElementsAre("host", "trend"));
  EXPECT_THAT(filter->exclude, IsEmpty());
  EXPECT_FALSE(filter->shows_all());
  const auto excluding = parse_page_filter(Query{{"exclude[]", "agent"}}, families_);
  ASSERT_TRUE(excluding.has_value());
  EXPECT_THAT(excluding->exclude, ElementsAre("agent"));
}

TEST_F(PageFilterTest, WithoutParametersShowsAll) {
  const auto filter = parse_page_filter(Query{{"collect", "host"}}, families_);
  ASSERT_TRUE(filter.has_value());
  EXPECT_TRUE(filter->shows_all());
  for (const MetricFamily& family : families_.all()) EXPECT_TRUE(filter->shows(family));
}

TEST_F(PageFilterTest, RefusesNamesThatNoFamilyHas) {
  for (const char* const name : {"", "cpu", "Host", "group", "collector host", "host,trend"}) {
    EXPECT_THAT(problem({{"collect[]", name}}),
                HasSubstr("agent alerts cgroup endpoints external go history host jvm probe "
                          "process self smaps trend"));
    EXPECT_NE(problem({{"exclude[]", "host"}, {"exclude[]", name}}), "") << name;
  }
  EXPECT_THAT(problem({{"collect[]", "<script>"}}), Not(HasSubstr("script")));
}

TEST_F(PageFilterTest, RefusesBothAtOnce) {
  EXPECT_THAT(problem({{"collect[]", "host"}, {"exclude[]", "trend"}}), HasSubstr("combined"));
}

}  // namespace
}  // namespace heapfloor
