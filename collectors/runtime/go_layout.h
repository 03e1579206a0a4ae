// GoLayout: where a Go runtime keeps the figures of its heap, in its variables.
//
// Source: gcControllerState, mstats, consistentHeapStats, schedt, p, bucket, memRecord, g and
// waitReasonStrings of src/runtime of Go. They are no interface and move from version to version:
// what is read is laid out as the program's own debugging information says, or, of versions that
// were measured (1.19), as kept here. Thread rule: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "collectors/parse/dwarf_structs.h"

namespace heapfloor {

// Of runtime.gcController: 8 bytes each, gc_percent 4.
enum class GoControl : std::uint8_t {
  gc_percent,
  memory_limit,
  heap_goal,  // by GOGC
  heap_live,
  heap_marked,
  heap_in_use,
  heap_released,
  heap_free,
  total_allocated,
  total_freed,
  mark_start,  // nanoseconds: when the last collection began
  triggered,   // while one runs, the heap at its beginning; else all ones
};
inline constexpr std::size_t kGoControls = 12;

// Of runtime.memstats: 8 bytes each, cycles 4.
enum class GoStat : std::uint8_t {
  cycles,
  cpu_fraction,
  last_gc,
  pause_total,
  stacks_system,
  spans_system,
  caches_system,
  buckets_system,
  gc_system,
  other_system,
};
inline constexpr std::size_t kGoStats = 10;

// The three of memstats.heapStats add up to what is in use beside the heap.
struct GoShards {
  std::uint32_t offset = 0;  // of the first, in memstats
  std::uint32_t stride = 0;
  std::uint32_t stacks = 0;  // in each of them: 8 bytes
  std::uint32_t work_buffers = 0;
  std::uint32_t pointer_bits = 0;
  static constexpr std::uint32_t kCount = 3;
  friend bool operator==(const GoShards&, const GoShards&) = default;
};

// In each of them too, words of 8 bytes: how many objects were allocated and freed, of large ones
// one word, of small ones one for each class of sizes. Tiny ones that share a place are one.
struct GoObjects {
  std::uint32_t large_allocated = 0, large_freed = 0;
  std::uint32_t small_allocated = 0, small_freed = 0;
  std::uint32_t classes = 0;
  static constexpr std::uint32_t kMostClasses = 256;
  friend bool operator==(const GoObjects&, const GoObjects&) = default;
};

// Goroutines are runtime.allglen less those that are the runtime's own and those that have ended
// and are kept to be used again: by the scheduler and by each p. 4 bytes each.
struct GoScheduler {
  std::uint32_t system = 0;  // in runtime.sched
  std::uint32_t ended = 0;
  std::uint32_t ended_of_p = 0;  // in a p
  friend bool operator==(const GoScheduler&, const GoScheduler&) = default;
};

// runtime.bucket: what was allocated by one stack in objects of one size. Behind it stand `depth`
// return addresses of 8 bytes and a runtime.memRecord. Words of 8 bytes.
struct GoBuckets {
  std::uint32_t bytes = 0;  // of the bucket alone
  std::uint32_t next = 0;   // the one that was made before it: allnext
  std::uint32_t kind = 0;
  std::uint32_t depth = 0;
  std::uint32_t record_bytes = 0;
  std::uint32_t active = 0;  // in the record: what is published
  std::uint32_t future = 0;  // in the record: of kFutures cycles of collection, one by one
  std::uint32_t cycle_bytes = 0;
  std::uint32_t allocated_objects = 0, freed_objects = 0;  // in each of those
  std::uint32_t allocated_bytes = 0, freed_bytes = 0;
  static constexpr std::uint32_t kFutures = 3;
  friend bool operator==(const GoBuckets&, const GoBuckets&) = default;
};

// runtime.g: a goroutine. Words of 8 bytes, its status 4, the reason for which it waits 1.
struct GoGoroutines {
  std::uint32_t stack_low = 0, stack_high = 0;
  std::uint32_t stack_pointer = 0, code = 0;  // where it goes on
  std::uint32_t syscall_stack_pointer = 0, syscall_code = 0;
  std::uint32_t status = 0;
  std::uint32_t reason = 0;
  std::uint32_t made_at = 0;  // behind the go statement
  std::uint32_t started = 0;  // the function that it began with
  [[nodiscard]] std::uint32_t bytes() const;
  friend bool operator==(const GoGoroutines&, const GoGoroutines&) = default;
};

struct GoLayout {
  using Offset = std::optional<std::uint32_t>;
  std::array<Offset, kGoControls> control;
  std::array<Offset, kGoStats> stats;
  std::optional<GoShards> shards;
  std::optional<GoObjects> objects;  // only with shards
  std::optional<GoScheduler> scheduler;
  std::optional<GoBuckets> buckets;
  std::optional<GoGoroutines> goroutines;
  [[nodiscard]] const Offset& of(GoControl what) const {
    return control.at(static_cast<std::size_t>(what));
  }
  [[nodiscard]] const Offset& of(GoStat what) const {
    return stats.at(static_cast<std::size_t>(what));
  }
  friend bool operator==(const GoLayout&, const GoLayout&) = default;
};

// No structure that is read is larger.
inline constexpr std::uint32_t kMostGoOffset = 64 << 10;

inline constexpr std::uint32_t kMostGoBucket = 1024;  // of a bucket or its record

// Whether each part is inside of what it is a part of.
[[nodiscard]] bool is_sound(const GoBuckets& buckets);
// No g is larger as far as it is read.
inline constexpr std::uint32_t kMostGoroutineBytes = 1024;

// The structures that go_layout_of() asks for.
[[nodiscard]] std::span<const std::string_view> go_structures();
// By a program's own debugging information; nothing where what lives after a collection and the
// count of collections are not in it.
[[nodiscard]] std::optional<GoLayout> go_layout_of(const StructLayouts& structures);
// Of a released version that was measured: go1.MINOR; nothing of any other.
[[nodiscard]] std::optional<GoLayout> known_go_layout(std::uint32_t minor);
// What a goroutine waits for, as the runtime says it: "chan receive"; of the versions above, static
// text; empty where that number is none, or of another version.
[[nodiscard]] std::string_view known_go_wait_reason(std::uint32_t minor, std::uint8_t reason);

}  // namespace heapfloor
