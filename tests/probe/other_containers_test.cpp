// Containers of Boost and Abseil, tracked or with the allocator alone.

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>
#include <gtest/gtest.h>

#include <boost/container/flat_map.hpp>
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#include <functional>
#include <utility>

#include "tests/probe/random_operations.h"

namespace heapfloor {
namespace {

using random_operations::expect_exact_books;
using random_operations::Item;
using random_operations::ItemHash;
using random_operations::record_of;

// Neither library says how large a node is. Abseil's tables lose a node whose element throws.
struct Boost {
  static constexpr bool kNodes = false;
  static constexpr bool kThrows = true;
};
struct AbseilFlat {
  static constexpr bool kNodes = true;
  static constexpr bool kThrows = false;
};
struct AbseilNodes {
  static constexpr bool kNodes = false;
  static constexpr bool kThrows = false;
};
using Equal = std::equal_to<Item>;

TEST(BoostContainers, UnorderedMapsAndSetsHaveExactBooks) {
  expect_exact_books<tracked<boost::unordered_map<Item, Item, ItemHash, Equal>>, Boost>();
  expect_exact_books<tracked<boost::unordered_set<Item, ItemHash, Equal>>, Boost>();
}

TEST(AbseilContainers, FlatTablesHaveExactBooks) {
  expect_exact_books<tracked<absl::flat_hash_map<Item, Item, ItemHash, Equal>>, AbseilFlat>();
  expect_exact_books<tracked<absl::flat_hash_set<Item, ItemHash, Equal>>, AbseilFlat>();
}

TEST(AbseilContainers, NodeTablesHaveExactBooks) {
  expect_exact_books<tracked<absl::node_hash_map<Item, Item, ItemHash, Equal>>, AbseilNodes>();
}

TEST(AbseilContainers, ATreeCountsItsMemory) {
  const std::int64_t before = counted_heap::live_bytes;
  tracked<absl::btree_map<int, int>> tree{name("tree")};
  const counted_heap::Look look;
  for (int i = 0; i < 1000; ++i) tree[i] = i;
  EXPECT_EQ(record_of(tree)->elements, 1000U);
  EXPECT_EQ(static_cast<std::int64_t>(record_of(tree)->bytes), counted_heap::live_bytes - before);
  tree.erase(tree.begin(), tree.find(900));
  EXPECT_EQ(record_of(tree)->elements, 100U);
  EXPECT_EQ(static_cast<std::int64_t>(record_of(tree)->bytes), counted_heap::live_bytes - before);
}

TEST(AbseilContainers, AnInlinedVectorCountsWhatIsOutsideOfIt) {
  tracked<absl::InlinedVector<int, 4>> numbers{name("inlined")};
  numbers.push_back(1);
  EXPECT_EQ(record_of(numbers)->elements, 1U);
  EXPECT_EQ(record_of(numbers)->bytes, 0U);
  numbers.resize(100);
  EXPECT_EQ(record_of(numbers)->elements, 100U);
  EXPECT_EQ(record_of(numbers)->bytes, numbers.capacity() * sizeof(int));
}

using Pair = std::pair<const int, int>;

TEST(Allocator, AnAbseilTableWithItCountsItsMemory) {
  using Table = absl::flat_hash_map<int, int, std::hash<int>, std::equal_to<>, allocator<Pair>>;
  const allocator<Pair> counting{name("sessions")};
  const heapfloor_instance* record = heapfloor_instance_of(counting.handle());
  ASSERT_NE(record, nullptr);
  const std::int64_t before = counted_heap::live_bytes;
  {
    const counted_heap::Look look;
    Table table{counting};
    for (int i = 0; i < 1000; ++i) table[i] = i;
    EXPECT_EQ(static_cast<std::int64_t>(record->bytes), counted_heap::live_bytes - before);
    Table moved = std::move(table);
    Table copied = moved;
    copied[0] = 1;
    EXPECT_EQ(static_cast<std::int64_t>(record->bytes), counted_heap::live_bytes - before);
  }
  EXPECT_EQ(record->bytes, 0U);
  EXPECT_EQ(record->elements, 0U);
}

TEST(Allocator, ABoostFlatMapWithItCountsItsMemory) {
  using Flat = boost::container::flat_map<int, int, std::less<>, allocator<std::pair<int, int>>>;
  const allocator<std::pair<int, int>> counting{name("flat")};
  const heapfloor_instance* record = heapfloor_instance_of(counting.handle());
  Flat flat{std::less<>(), counting};
  for (int i = 0; i < 100; ++i) flat.emplace(i, i);
  EXPECT_EQ(record->bytes, flat.capacity() * sizeof(std::pair<int, int>));
}

TEST(Allocator, TheInstanceEndsWithTheLastCopy) {
  const heapfloor_instance* record = nullptr;
  {
    std::vector<int, allocator<int>> numbers{allocator<int>{name("last_copy")}};
    record = heapfloor_instance_of(numbers.get_allocator().handle());
    EXPECT_EQ(record->state, std::uint32_t{HEAPFLOOR_RECORD_READY});
    numbers.resize(10);
    EXPECT_EQ(record->bytes, numbers.capacity() * sizeof(int));
  }
  EXPECT_EQ(record->state, std::uint32_t{HEAPFLOOR_RECORD_FREE});
}

}  // namespace
}  // namespace heapfloor
