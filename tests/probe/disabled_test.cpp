// HEAPFLOOR_DISABLED: this program is linked to no library of the probe.

#define HEAPFLOOR_DISABLED
#include <gtest/gtest.h>
#include <heapfloor/structures.h>

#include <string>

namespace heapfloor {
namespace {

template <class Tracked, class Plain>
void expect_plain() {
  EXPECT_EQ(sizeof(Tracked), sizeof(Plain));
  static_assert(std::is_base_of_v<Plain, Tracked>);
  static_assert(std::is_same_v<typename Tracked::allocator_type, typename Plain::allocator_type>);
}

TEST(Disabled, ContainersAreThePlainOnes) {
  expect_plain<vector<int>, std::vector<int>>();
  expect_plain<deque<int>, std::deque<int>>();
  expect_plain<list<int>, std::list<int>>();
  expect_plain<map<int, int>, std::map<int, int>>();
  expect_plain<multimap<int, int>, std::multimap<int, int>>();
  expect_plain<set<int>, std::set<int>>();
  expect_plain<multiset<int>, std::multiset<int>>();
  expect_plain<unordered_map<int, int>, std::unordered_map<int, int>>();
  expect_plain<unordered_multimap<int, int>, std::unordered_multimap<int, int>>();
  expect_plain<unordered_set<int>, std::unordered_set<int>>();
  expect_plain<unordered_multiset<int>, std::unordered_multiset<int>>();
  expect_plain<string, std::string>();
}

TEST(Disabled, TheyAreUsedInTheSameWay) {
  unordered_map<std::string, int> users{name("user_cache")};
  users["a"] = 1;
  vector<int> numbers{name("numbers"), {1, 2, 3}};
  numbers = {4};
  const vector<int> copy = numbers;
  string text = "text";
  text = std::string("other");
  unordered_map<string, int> by_text;
  by_text["x"] = 1;
  EXPECT_EQ(users.size() + copy.size() + text.size() + by_text.size(), 8U);
}

TEST(Disabled, TheRestIsEmpty) {
  EXPECT_EQ(sizeof(gauge), 1U);
  EXPECT_EQ(sizeof(phase), 1U);
  gauge pool{"pool"};
  pool.set_elements(1);
  pool.cleared();
  const phase scope{"pool", "init"};
  memory_resource arena{"arena"};
  std::pmr::vector<int> requests{&arena};
  requests.push_back(1);
  std::vector<int, allocator<int>> plain{allocator<int>{name("plain")}};
  plain.push_back(1);
  EXPECT_EQ(sizeof(std::vector<int, allocator<int>>), sizeof(std::vector<int>));
}

}  // namespace
}  // namespace heapfloor
