// Every standard container, in both policies, keeps exact books whatever is done to it.

#include <gtest/gtest.h>

#include "tests/probe/random_operations.h"

namespace heapfloor {
namespace {

using random_operations::expect_exact_books;
using random_operations::Item;
using random_operations::ItemHash;

template <class C>
class StandardContainers : public testing::Test {};

using Equal = std::equal_to<Item>;
using Less = std::less<Item>;
using Containers =
    testing::Types<vector<Item>, deque<Item>, list<Item>, map<Item, Item>, multimap<Item, Item>,
                   set<Item>, multiset<Item>, unordered_map<Item, Item, ItemHash>,
                   unordered_multimap<Item, Item, ItemHash>, unordered_set<Item, ItemHash>,
                   unordered_multiset<Item, ItemHash>, string, vector<Item, shared>,
                   deque<Item, shared>, list<Item, shared>, map<Item, Item, Less, shared>,
                   unordered_map<Item, Item, ItemHash, Equal, shared>, basic_string<char32_t>>;

TYPED_TEST_SUITE(StandardContainers, Containers);

TYPED_TEST(StandardContainers, BooksAreExactAfterEveryOperation) {
  expect_exact_books<TypeParam>();
}

}  // namespace
}  // namespace heapfloor
