#include "agent/exposition/label_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

std::string_view group_body(LabelCache& cache, std::string_view group) {
  return cache.body({{"group", group}});
}

TEST(LabelCache, GivesTheSameObjectForEqualLabels) {
  LabelCache cache;
  const std::string_view first = cache.body({{"group", "a\"b"}, {"pid", "7"}});
  EXPECT_EQ(first, "group=\"a\\\"b\",pid=\"7\"} ");
  EXPECT_EQ(cache.body({{"group", "a\"b"}, {"pid", "7"}}).data(), first.data());
  cache.end_page();
  EXPECT_EQ(cache.body({{"group", "a\"b"}, {"pid", "7"}}).data(), first.data());
  EXPECT_EQ(cache.size(), 1U);
}

TEST(LabelCache, TellsApartWhatDiffersOnlyInWhereOnePartEnds) {
  LabelCache cache;
  EXPECT_EQ(cache.body({{"a", "bc"}}), "a=\"bc\"} ");
  EXPECT_EQ(cache.body({{"ab", "c"}}), "ab=\"c\"} ");
  EXPECT_EQ(cache.body({{"a", "b"}, {"c", ""}}), "a=\"b\",c=\"\"} ");
  EXPECT_EQ(cache.body({{"a", "b"}}), "a=\"b\"} ");
  cache.end_page();
  EXPECT_EQ(cache.body({{"ab", "c"}}), "ab=\"c\"} ");
  EXPECT_EQ(cache.body({{"a", "bc"}}), "a=\"bc\"} ");
  EXPECT_EQ(cache.size(), 4U);
}

// Pages whose entities come, go, repeat and change places, against what a body is.
TEST(LabelCache, IsRightWhateverTheOrder) {
  LabelCache cache;
  std::mt19937 random(3);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same pages every time
  std::vector<std::string> names;
  for (std::size_t i = 0; i < 40; ++i)
    names.push_back(std::string(1 + i % 3, 'x') + std::to_string(i));
  for (int page = 0; page < 300; ++page) {
    if (page % 3 == 0) std::ranges::shuffle(names, random);
    const std::size_t shown = random() % names.size();
    std::vector<const char*> bodies;
    for (std::size_t i = 0; i < shown; ++i) {
      const std::string_view body = group_body(cache, names[i]);
      ASSERT_EQ(body, "group=\"" + names[i] + "\"} ");
      if (random() % 4 == 0) {
        ASSERT_EQ(group_body(cache, names[i]).data(), body.data());
      }
      bodies.push_back(body.data());
    }
    for (std::size_t i = 0; i < shown; ++i)
      ASSERT_EQ(group_body(cache, names[i]).data(), bodies[i]) << "moved within its page";
    cache.end_page();
    ASSERT_EQ(cache.size(), shown) << "what the page did not ask for is forgotten";
  }
}

}  // namespace
}  // namespace heapfloor
