// Many threads at once: what they count is neither lost nor a race.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "collectors/probe/segment_memory.h"
#include "heapfloor/structures.h"

namespace heapfloor {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 2000;

template <class Work>
void in_threads(const Work& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back([&work, t] { work(t); });
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, AGaugeTakesFromAllOfThem) {
  const heapfloor_handle gauge = heapfloor_gauge_open("pool");
  in_threads([gauge](int /*thread*/) {
    for (int i = 0; i < kRounds; ++i) {
      heapfloor_gauge_add(gauge, 2, 20);
      heapfloor_gauge_add(gauge, -1, -10);
    }
  });
  const heapfloor_instance* record = heapfloor_instance_of(gauge);
  EXPECT_EQ(record->elements, std::uint64_t{kThreads} * kRounds);
  EXPECT_EQ(record->bytes, std::uint64_t{kThreads} * kRounds * 10);
  EXPECT_EQ(record->insertions, std::uint64_t{kThreads} * kRounds * 2);
  heapfloor_gauge_close(gauge);
}

TEST(Threads, AMemoryResourceIsSharedByTheirContainers) {
  memory_resource pool{"request_arena"};
  in_threads([&pool](int /*thread*/) {
    for (int i = 0; i < kRounds; ++i) {
      std::pmr::vector<int> numbers{&pool};
      numbers.resize(10);
    }
  });
  const heapfloor_instance& record = probe::segment().instances[0];
  EXPECT_EQ(record.bytes, 0U);
  EXPECT_EQ(record.insertions, std::uint64_t{kThreads} * kRounds);
  EXPECT_EQ(record.removals, record.insertions);
}

TEST(Threads, ASharedMapBehindALockMayHaveItsNodesFreedOutside) {
  using Map = map<int, int, std::less<int>, shared>;
  Map numbers{name("shared_map")};
  std::mutex lock;
  in_threads([&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      Map::node_type taken;
      const std::lock_guard<std::mutex> guard(lock);
      numbers[(thread * kRounds) + i] = i;
      taken = numbers.extract((thread * kRounds) + i);
    }
  });
  const heapfloor_instance* record = heapfloor_instance_of(numbers.get_allocator().handle());
  EXPECT_EQ(record->bytes, 0U);
  EXPECT_EQ(record->elements, 0U);
  EXPECT_EQ(record->insertions, std::uint64_t{kThreads} * kRounds);
}

TEST(Threads, StructuresBeginAndEndInAllOfThem) {
  in_threads([](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      vector<int> mine{name("everywhere")};
      mine.push_back(thread);
      const phase scope{"everywhere", thread % 2 == 0 ? "even" : "odd"};
      const vector<int> copy = mine;
    }
  });
  const heapfloor_structure& structure = probe::segment().structures[1];
  EXPECT_EQ(structure.instances_started, std::uint64_t{kThreads} * kRounds * 2);
  EXPECT_EQ(structure.instances_ended, structure.instances_started);
  EXPECT_EQ(structure.watched_instances, 0U);
  EXPECT_EQ(structure.insertions, std::uint64_t{kThreads} * kRounds * 2);
  EXPECT_EQ(probe::section(HEAPFLOOR_SECTION_STRUCTURES).used, 2U);
}

}  // namespace
}  // namespace heapfloor
