// What the segment says of structures: who they are, what they counted, and what is left of those
// that ended.

#include "heapfloor/structures.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "collectors/probe/segment_memory.h"
#include "tests/probe/in_child.h"

namespace heapfloor {
namespace {

const heapfloor_instance& record_at(heapfloor_handle handle) {
  return *heapfloor_instance_of(handle);
}

template <class C>
const heapfloor_instance& record_of(const C& container) {
  return record_at(container.get_allocator().handle());
}

const heapfloor_structure& structure_at(const heapfloor_instance& record) {
  return probe::segment().structures[record.structure_index];
}

template <class C>
const heapfloor_structure& structure_of(const C& container) {
  return structure_at(record_of(container));
}

std::string name_of(const heapfloor_structure& structure) {
  return probe::segment().names[structure.name_index].text;
}

TEST(Structures, SayWhoTheyAre) {
  const unordered_map<std::string, int> users{name("user_cache")};
  const unsigned line = __LINE__ - 1;
  const heapfloor_structure& structure = structure_of(users);
  EXPECT_EQ(name_of(structure), "user_cache");
  EXPECT_EQ(structure.kind, std::uint32_t{HEAPFLOOR_KIND_UNORDERED_MAP});
  EXPECT_EQ(structure.line, line);
  EXPECT_NE(std::string(structure.file).find("structures_test.cpp"), std::string::npos);
  EXPECT_NE(std::string(structure.element).find("pair"), std::string::npos);
  EXPECT_EQ(structure.state, std::uint32_t{HEAPFLOOR_RECORD_READY});
  EXPECT_EQ(structure.instances_started, 1U);
  EXPECT_EQ(structure.watched_instances, 1U);
}

TEST(Structures, WithoutANameTheyAreCalledAfterTheirPlace) {
  const vector<int> numbers;
  const std::string place = "structures_test.cpp:" + std::to_string(__LINE__ - 1);
  EXPECT_EQ(name_of(structure_of(numbers)), place);
}

TEST(Structures, InsideOfALibraryTheyAreCalledAfterTheirKind) {
  std::map<int, vector<int>> inner;
  EXPECT_EQ(name_of(structure_of(inner[3])), "vector");
  EXPECT_EQ(structure_of(inner[3]).line, 0U);
}

TEST(Structures, TheKindIsThatOfTheContainer) {
  EXPECT_EQ(structure_of(map<int, int>()).kind, std::uint32_t{HEAPFLOOR_KIND_MAP});
  EXPECT_EQ(structure_of(multiset<int>()).kind, std::uint32_t{HEAPFLOOR_KIND_SET});
  EXPECT_EQ(structure_of(unordered_set<int>()).kind, std::uint32_t{HEAPFLOOR_KIND_UNORDERED_SET});
  EXPECT_EQ(structure_of(vector<int>()).kind, std::uint32_t{HEAPFLOOR_KIND_VECTOR});
  EXPECT_EQ(structure_of(deque<int>()).kind, std::uint32_t{HEAPFLOOR_KIND_DEQUE});
  EXPECT_EQ(structure_of(list<int>()).kind, std::uint32_t{HEAPFLOOR_KIND_LIST});
  EXPECT_EQ(structure_of(string()).kind, std::uint32_t{HEAPFLOOR_KIND_STRING});
}

TEST(Structures, TheSameNameAndTypeAreOneStructure) {
  const vector<int> first{name("same")};
  const vector<int> second{name("same")};
  const vector<long> other{name("same")};
  EXPECT_EQ(record_of(first).structure_index, record_of(second).structure_index);
  EXPECT_NE(record_of(first).structure_index, record_of(other).structure_index);
  EXPECT_EQ(structure_of(first).instances_started, 2U);
}

TEST(Structures, ANameThatIsTooLongIsCut) {
  const std::string longer(200, 'x');
  const vector<int> numbers{name(longer.c_str())};
  EXPECT_EQ(name_of(structure_of(numbers)), std::string(HEAPFLOOR_NAME_BYTES - 1, 'x'));
}

TEST(Structures, InsertionsAndRemovalsAreCounted) {
  map<int, int> numbers{name("counted")};
  for (int i = 0; i < 10; ++i) numbers[i] = i;
  numbers.insert({3, 3});  // is there already
  numbers.erase(4);
  EXPECT_EQ(record_of(numbers).insertions, 10U);
  EXPECT_EQ(record_of(numbers).removals, 1U);
  EXPECT_EQ(record_of(numbers).peak_elements, 10U);
}

TEST(Structures, AGrowingVectorCountsWhatItMoved) {
  vector<std::uint64_t> numbers{name("growing")};
  numbers.reserve(4);
  EXPECT_EQ(record_of(numbers).growths, 1U);
  for (std::uint64_t i = 0; i < 5; ++i) numbers.push_back(i);
  EXPECT_EQ(record_of(numbers).growths, 2U);
  EXPECT_EQ(record_of(numbers).moved_bytes, 4 * sizeof(std::uint64_t));
  EXPECT_EQ(structure_of(numbers).epochs, 0U);
}

TEST(Structures, ClearsShrinksAndRehashesAreEpochs) {
  vector<int> numbers{name("epochs_vector")};
  numbers.assign({1, 2, 3, 4});
  numbers.clear();
  EXPECT_EQ(record_of(numbers).clears, 1U);
  EXPECT_EQ(record_of(numbers).peak_elements, 0U);
  EXPECT_EQ(structure_of(numbers).epochs, 1U);
  EXPECT_GT(structure_of(numbers).last_clear_boottime_ns, 0U);
  numbers.shrink_to_fit();
  EXPECT_EQ(record_of(numbers).shrinks, 1U);
  EXPECT_EQ(structure_of(numbers).epochs, 2U);
  numbers.clear();  // held nothing
  EXPECT_EQ(structure_of(numbers).epochs, 2U);

  unordered_set<int> hashed{name("epochs_set")};
  hashed.rehash(1000);
  EXPECT_EQ(record_of(hashed).rehashes, 1U);
  EXPECT_EQ(structure_of(hashed).epochs, 1U);
}

TEST(Structures, WhatEndsIsKeptInTheSums) {
  const heapfloor_structure* structure = nullptr;
  {
    list<int> numbers{name("ending")};
    structure = &structure_of(numbers);
    numbers.assign(std::size_t{7}, 1);
    numbers.pop_back();
    numbers.clear();
    EXPECT_EQ(structure->insertions, 0U);
  }
  EXPECT_EQ(structure->insertions, 7U);
  EXPECT_EQ(structure->removals, 7U);
  EXPECT_EQ(structure->clears, 1U);
  EXPECT_EQ(structure->instances_ended, 1U);
  EXPECT_EQ(structure->watched_instances, 0U);
}

TEST(Structures, NamesBelongToVariablesWhenContentsMove) {
  vector<int> cache{name("cache")};
  vector<int> staging{name("staging"), std::size_t{100}, 1};
  cache.push_back(1);
  cache = std::move(staging);
  EXPECT_EQ(record_of(cache).elements, 100U);
  EXPECT_EQ(record_of(cache).bytes, 100 * sizeof(int));
  EXPECT_EQ(name_of(structure_of(cache)), "cache");
  // NOLINTNEXTLINE(bugprone-use-after-move): what a container that was moved from says is the test
  EXPECT_EQ(record_of(staging).bytes, 0U);
  staging.push_back(1);
  EXPECT_EQ(record_of(staging).elements, 1U);
  EXPECT_EQ(name_of(structure_of(staging)), "staging");
}

TEST(Structures, ANodeThatOutlivesItsContainerDisturbsNobody) {
  using Map = map<int, std::string>;
  auto owner_of_node = std::make_unique<Map>(name("first_owner"));
  (*owner_of_node)[1] = "one";
  Map::node_type taken = owner_of_node->extract(1);
  EXPECT_EQ(record_of(*owner_of_node).elements, 0U);
  EXPECT_GT(record_of(*owner_of_node).bytes, 0U);  // until it is somewhere else
  const heapfloor_instance* record = &record_of(*owner_of_node);
  owner_of_node.reset();
  Map next{name("next_owner")};
  next[2] = "two";
  ASSERT_EQ(&record_of(next), record);  // the same record, another generation
  const std::uint64_t bytes = record->bytes;
  taken = Map::node_type();
  EXPECT_EQ(record->bytes, bytes);
}

TEST(Structures, VectorsOfStructuresMoveThemCheaply) {
  static_assert(std::is_nothrow_move_constructible_v<vector<int>>);
  static_assert(std::is_nothrow_move_constructible_v<string>);
  std::vector<vector<int>> many;
  for (int i = 0; i < 20; ++i) many.emplace_back(name("inner"), std::size_t{10}, i);
  const heapfloor_structure& structure = structure_of(many[0]);
  EXPECT_EQ(structure.instances_started - structure.instances_ended, 20U);
  EXPECT_EQ(structure.watched_instances, 20U);
  for (const auto& inner : many) {
    EXPECT_EQ(record_of(inner).bytes, 10 * sizeof(int));
    EXPECT_EQ(inner.data()[0], inner.data()[9]);
  }
}

TEST(Structures, StringsWorkAsStringsDo) {
  string text = "short";
  EXPECT_EQ(record_of(text).bytes, 0U);  // inside of the string itself
  text += std::string(100, 'x');
  text.append("y").append("z");
  EXPECT_EQ(record_of(text).elements, text.size());
  EXPECT_EQ(record_of(text).bytes, text.capacity() + 1);
  EXPECT_EQ(std::hash<string>()(text), std::hash<std::string_view>()(text));
  unordered_map<string, int> index{name("by_text")};
  index["a"] = 1;
  EXPECT_EQ(index.count("a"), 1U);
  EXPECT_EQ(text.substr(0, 5), "short");
}

TEST(Structures, AMemoryResourceCountsBlocks) {
  memory_resource pool{"request_arena"};
  std::pmr::vector<int> numbers{&pool};
  numbers.resize(100);
  const heapfloor_structure* found = nullptr;
  for (std::uint64_t i = 1; i < probe::section(HEAPFLOOR_SECTION_STRUCTURES).used; ++i) {
    const heapfloor_structure& structure = probe::segment().structures[i];
    if (name_of(structure) == "request_arena") found = &structure;
  }
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->kind, std::uint32_t{HEAPFLOOR_KIND_MEMORY_RESOURCE});
  const heapfloor_instance& record = probe::segment().instances[0];
  EXPECT_EQ(record.bytes, numbers.capacity() * sizeof(int));
  EXPECT_EQ(record.elements, 1U);
  pool.cleared();
  EXPECT_EQ(found->epochs, 1U);
}

TEST(Gauge, SaysWhatItIsTold) {
  const heapfloor_handle gauge = heapfloor_gauge_open("connection_pool");
  const heapfloor_instance& record = record_at(gauge);
  heapfloor_gauge_set(gauge, 10, 1000);
  heapfloor_gauge_set(gauge, 4, 400);
  heapfloor_gauge_add(gauge, 3, 300);
  heapfloor_gauge_add(gauge, -2, -200);
  EXPECT_EQ(record.elements, 5U);
  EXPECT_EQ(record.bytes, 500U);
  EXPECT_EQ(record.insertions, 13U);
  EXPECT_EQ(record.removals, 8U);
  EXPECT_EQ(record.peak_elements, 10U);
  EXPECT_EQ(record.capacity_elements, HEAPFLOOR_ABSENT);
  heapfloor_gauge_cleared(gauge);
  EXPECT_EQ(structure_at(record).epochs, 1U);
  EXPECT_EQ(record.peak_elements, 5U);
  heapfloor_gauge_close(gauge);
  EXPECT_EQ(record.state, std::uint32_t{HEAPFLOOR_RECORD_FREE});
}

TEST(Gauge, WithoutASegmentEverythingIsSilent) {
  SKIP_UNLESS_FRESH();
  EXPECT_TRUE(holds_in_child([] {
    const rlimit limit{.rlim_cur = 0, .rlim_max = 0};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    const heapfloor_handle handle = heapfloor_gauge_open("pool");
    heapfloor_gauge_set(handle, 1, 2);
    heapfloor_gauge_cleared(handle);
    heapfloor_gauge_close(handle);
    gauge pool{"pool"};
    pool.set_elements(3);
    vector<int> numbers{name("silent")};
    numbers.push_back(1);
    const vector<int> copy = numbers;
    const phase scope{"pool", "init"};
    return handle == HEAPFLOOR_NO_INSTANCE && copy.size() == 1;
  }));
}

TEST(Fork, AChildGoesOnWithTheStructuresAsTheyWere) {
  auto numbers = std::make_unique<vector<int>>(name("forked"), std::size_t{10}, 1);
  const heapfloor_instance& record = record_of(*numbers);
  const heapfloor_structure& structure = structure_of(*numbers);
  EXPECT_TRUE(holds_in_child([&] {
    const bool as_it_was = record.elements == 10 && record.bytes == 10 * sizeof(int);
    numbers->push_back(1);
    const bool goes_on = record.elements == 11 && structure.watched_instances == 1;
    const vector<int> another{name("forked")};
    numbers.reset();
    return as_it_was && goes_on && structure.instances_ended == 1 &&
           structure.instances_started == 2 && &record_of(another) != &record;
  }));
  EXPECT_EQ(record.elements, 10U);
  EXPECT_EQ(structure.instances_ended, 0U);
}

bool threads_register_at_once() {
  constexpr int kThreads = 8;
  std::vector<std::vector<vector<int>>> made(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&made, t] {
      for (int i = 0; i < 2; ++i) {
        made[static_cast<std::size_t>(t)].emplace_back(name("at_once"), std::size_t{5}, t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& of_thread : made) {
    for (const auto& numbers : of_thread) {
      EXPECT_EQ(record_of(numbers).state, std::uint32_t{HEAPFLOOR_RECORD_READY});
      EXPECT_EQ(record_of(numbers).elements, 5U);
    }
  }
  EXPECT_EQ(structure_of(made[0][0]).watched_instances, 2U * kThreads);
  return !testing::Test::HasFailure();
}

TEST(Fork, ThreadsOfAChildThatRegisterAtOnceLoseNothing) {
  ASSERT_TRUE(probe::start_segment(0));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(holds_in_child(threads_register_at_once));
}

TEST(Fork, WhatTheParentDoesAfterwardsIsNotTheChilds) {
  vector<int> numbers{name("parent_goes_on")};
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(ready.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    const bool went_on = read(ready[0], &byte, 1) == 1;
    _exit(went_on && record_of(numbers).elements == 0 ? 0 : 1);
  }
  numbers.push_back(1);
  ASSERT_EQ(write(ready[1], "x", 1), 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const int descriptor : ready) close(descriptor);
}

}  // namespace
}  // namespace heapfloor
