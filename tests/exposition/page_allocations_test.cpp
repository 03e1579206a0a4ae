// The page is made without an allocation for each series. Its own program: it counts operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "agent/exposition/metrics_page.h"
#include "tests/exposition/rich_snapshot.h"

namespace {
std::atomic<std::size_t> allocations = 0;
}

// Not inlined: gcc would take malloc and free for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes)) return memory;  // NOLINT: this is operator new
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  ++allocations;
  return std::malloc(bytes);  // NOLINT: this is operator new
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }  // NOLINT
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}  // NOLINT

namespace heapfloor {
namespace {

Snapshot snapshot_with(std::int32_t entities) {
  Snapshot snapshot = rich::snapshot();
  for (std::int32_t i = 0; i < entities; ++i) {
    snapshot.groups.push_back(rich::group("group" + std::to_string(100'000 + i), 1, 1));
    ProcessRow process = rich::process(10'000 + i, 5, "name", 0);
    process.values = rich::process_values(1);
    snapshot.watches.push_back(rich::watch(process, "group", LeakState::leaking));
    snapshot.watches.back().verdict = rich::rising(Evidence::confirmed, 60'000);
    snapshot.processes.push_back(std::move(process));
    snapshot.agent.push_back({&rich::kSelfMetrics[2], 3e6});
  }
  return snapshot;
}

// What the third page of the snapshot allocates.
std::size_t allocations_of(const Snapshot& snapshot, std::size_t& bytes) {
  const MetricFamilies families(rich::kCollectors);
  MetricsPage page(families);
  for (int warming = 0; warming < 2; ++warming) {
    bytes = page.render(snapshot, ExpositionFormat::text).size();
  }
  const std::size_t before = allocations;
  bytes = page.render(snapshot, ExpositionFormat::text).size();
  return allocations - before;
}

TEST(PageAllocations, DoNotGrowWithTheNumberOfSeries) {
  std::size_t small_bytes = 0;
  std::size_t large_bytes = 0;
  const std::size_t small = allocations_of(snapshot_with(10), small_bytes);
  const std::size_t large = allocations_of(snapshot_with(1000), large_bytes);
  EXPECT_GT(large_bytes, 20 * small_bytes);
  EXPECT_EQ(large, small);
}

}  // namespace
}  // namespace heapfloor
