#include "collectors/runtime/go_layout.h"

#include <algorithm>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::string_view kController = "runtime.gcControllerState";
constexpr std::string_view kMemstats = "runtime.mstats";
constexpr std::string_view kHeapStats = "runtime.consistentHeapStats";
constexpr std::string_view kShard = "runtime.heapStatsDelta";
constexpr std::string_view kSched = "runtime.schedt";
constexpr std::string_view kP = "runtime.p";
// The types of schedt.gFree and p.gFree have no other names.
constexpr std::string_view kEnded =
    "struct { runtime.lock runtime.mutex; runtime.stack runtime.gList; runtime.noStack "
    "runtime.gList; runtime.n int32 }";
constexpr std::string_view kEndedOfP = "struct { runtime.gList; runtime.n int32 }";
constexpr std::string_view kBucket = "runtime.bucket";
constexpr std::string_view kRecord = "runtime.memRecord";
constexpr std::string_view kCycle = "runtime.memRecordCycle";
constexpr std::string_view kG = "runtime.g";
constexpr std::string_view kGobuf = "runtime.gobuf";
constexpr std::string_view kStack = "runtime.stack";
constexpr std::array kStructures = {kController, kMemstats, kHeapStats, kShard,  kSched,
                                    kP,          kEnded,    kEndedOfP,  kBucket, kRecord,
                                    kCycle,      kG,        kGobuf,     kStack};
constexpr std::uint32_t kMeasuredMinor = 19;

constexpr std::array<std::string_view, kGoControls> kControlNames = {
    "gcPercent",    "memoryLimit", "gcPercentHeapGoal", "heapLive",  "heapMarked",    "heapInUse",
    "heapReleased", "heapFree",    "totalAlloc",        "totalFree", "markStartTime", "triggered"};
constexpr std::array<std::string_view, kGoStats> kStatNames = {
    "numgc",     "gc_cpu_fraction", "last_gc_unix", "pause_total_ns", "stacks_sys",
    "mspan_sys", "mcache_sys",      "buckhash_sys", "gcMiscSys",      "other_sys"};

GoLayout::Offset member(const StructLayouts& structures, std::string_view structure,
                        std::string_view name) {
  const auto found = structures.find(structure);
  if (found == structures.end()) return std::nullopt;
  const auto at = found->second.members.find(name);
  if (at == found->second.members.end() || at->second > kMostGoOffset) return std::nullopt;
  return static_cast<std::uint32_t>(at->second);
}

std::optional<GoShards> shards_of(const StructLayouts& structures) {
  const GoLayout::Offset heap_stats = member(structures, kMemstats, "heapStats");
  const GoLayout::Offset stats = member(structures, kHeapStats, "stats");
  const GoLayout::Offset stacks = member(structures, kShard, "inStacks");
  const GoLayout::Offset work = member(structures, kShard, "inWorkBufs");
  const GoLayout::Offset bits = member(structures, kShard, "inPtrScalarBits");
  if (!heap_stats || !stats || !stacks || !work || !bits) return std::nullopt;
  const std::uint64_t stride = structures.find(kShard)->second.size;
  if (stride > kMostGoOffset) return std::nullopt;
  return GoShards{*heap_stats + *stats, static_cast<std::uint32_t>(stride), *stacks, *work, *bits};
}

// Of how many words the array at `offset` of a shard is: up to what begins next.
std::uint32_t classes_of(const StructLayout& shard, std::uint32_t offset) {
  std::uint64_t end = shard.size;
  for (const auto& [name, begin] : shard.members) {
    if (begin > offset) end = std::min(end, begin);
  }
  constexpr std::uint32_t kWord = 8;
  const std::uint64_t bytes = end > offset ? end - offset : 0;
  return bytes % kWord == 0 && bytes / kWord <= GoObjects::kMostClasses
             ? static_cast<std::uint32_t>(bytes / kWord)
             : 0;
}

std::optional<GoObjects> objects_of(const StructLayouts& structures) {
  const GoLayout::Offset large_allocated = member(structures, kShard, "largeAllocCount");
  const GoLayout::Offset large_freed = member(structures, kShard, "largeFreeCount");
  const GoLayout::Offset small_allocated = member(structures, kShard, "smallAllocCount");
  const GoLayout::Offset small_freed = member(structures, kShard, "smallFreeCount");
  if (!large_allocated || !large_freed || !small_allocated || !small_freed) return std::nullopt;
  const StructLayout& shard = structures.find(kShard)->second;
  const std::uint32_t classes = classes_of(shard, *small_allocated);
  if (classes == 0 || classes != classes_of(shard, *small_freed)) return std::nullopt;
  return GoObjects{*large_allocated, *large_freed, *small_allocated, *small_freed, classes};
}

std::optional<GoScheduler> scheduler_of(const StructLayouts& structures) {
  const GoLayout::Offset system = member(structures, kSched, "ngsys");
  const GoLayout::Offset ended = member(structures, kSched, "gFree");
  const GoLayout::Offset of_ended = member(structures, kEnded, "n");
  const GoLayout::Offset ended_of_p = member(structures, kP, "gFree");
  const GoLayout::Offset of_ended_of_p = member(structures, kEndedOfP, "n");
  if (!system || !ended || !of_ended || !ended_of_p || !of_ended_of_p) return std::nullopt;
  return GoScheduler{*system, *ended + *of_ended, *ended_of_p + *of_ended_of_p};
}

std::optional<std::uint32_t> size_of(const StructLayouts& structures, std::string_view structure) {
  const auto found = structures.find(structure);
  if (found == structures.end() || found->second.size > kMostGoOffset) return std::nullopt;
  return static_cast<std::uint32_t>(found->second.size);
}

std::optional<GoBuckets> buckets_of(const StructLayouts& structures) {
  const auto bytes = size_of(structures, kBucket);
  const auto record = size_of(structures, kRecord);
  const auto cycle = size_of(structures, kCycle);
  const std::array<GoLayout::Offset, 9> members = {
      member(structures, kBucket, "allnext"),   member(structures, kBucket, "typ"),
      member(structures, kBucket, "nstk"),      member(structures, kRecord, "active"),
      member(structures, kRecord, "future"),    member(structures, kCycle, "allocs"),
      member(structures, kCycle, "frees"),      member(structures, kCycle, "alloc_bytes"),
      member(structures, kCycle, "free_bytes"),
  };
  const bool is_whole =
      bytes && record && cycle &&
      std::ranges::all_of(members, [](const auto& one) { return one.has_value(); });
  if (!is_whole) return std::nullopt;
  GoBuckets buckets{*bytes,      *members[0], *members[1], *members[2], *record,     *members[3],
                    *members[4], *cycle,      *members[5], *members[6], *members[7], *members[8]};
  return is_sound(buckets) ? std::optional(buckets) : std::nullopt;
}

std::optional<GoGoroutines> goroutines_of(const StructLayouts& structures) {
  const auto nested = [&](std::string_view name, std::string_view inner, std::string_view part) {
    const GoLayout::Offset outer = member(structures, kG, name);
    const GoLayout::Offset within = member(structures, inner, part);
    return outer && within ? GoLayout::Offset(*outer + *within) : std::nullopt;
  };
  const std::array<GoLayout::Offset, 10> members = {
      nested("stack", kStack, "lo"),          nested("stack", kStack, "hi"),
      nested("sched", kGobuf, "sp"),          nested("sched", kGobuf, "pc"),
      member(structures, kG, "syscallsp"),    member(structures, kG, "syscallpc"),
      member(structures, kG, "atomicstatus"), member(structures, kG, "waitreason"),
      member(structures, kG, "gopc"),         member(structures, kG, "startpc"),
  };
  if (!std::ranges::all_of(members, [](const auto& one) { return one.has_value(); }))
    return std::nullopt;
  const GoGoroutines goroutines{*members[0], *members[1], *members[2], *members[3], *members[4],
                                *members[5], *members[6], *members[7], *members[8], *members[9]};
  if (goroutines.bytes() > kMostGoroutineBytes) return std::nullopt;
  return goroutines;
}

}  // namespace

std::uint32_t GoGoroutines::bytes() const {
  constexpr std::uint32_t kWord = 8;
  return kWord + std::max({stack_low, stack_high, stack_pointer, code, syscall_stack_pointer,
                           syscall_code, status, reason, made_at, started});
}

bool is_sound(const GoBuckets& buckets) {
  constexpr std::uint32_t kWord = 8;
  const std::uint32_t in_header = std::max({buckets.next, buckets.kind, buckets.depth});
  const std::uint32_t in_cycle = std::max({buckets.allocated_objects, buckets.freed_objects,
                                           buckets.allocated_bytes, buckets.freed_bytes});
  return in_header + kWord <= buckets.bytes && buckets.bytes <= kMostGoBucket &&
         in_cycle + kWord <= buckets.cycle_bytes &&
         buckets.active + buckets.cycle_bytes <= buckets.record_bytes &&
         buckets.future + GoBuckets::kFutures * buckets.cycle_bytes <= buckets.record_bytes &&
         buckets.record_bytes <= kMostGoBucket;
}

std::span<const std::string_view> go_structures() { return kStructures; }

std::optional<GoLayout> go_layout_of(const StructLayouts& structures) {
  GoLayout layout;
  for (std::size_t i = 0; i < kGoControls; ++i)
    layout.control.at(i) = member(structures, kController, kControlNames.at(i));
  for (std::size_t i = 0; i < kGoStats; ++i)
    layout.stats.at(i) = member(structures, kMemstats, kStatNames.at(i));
  if (!layout.of(GoControl::heap_marked) || !layout.of(GoStat::cycles)) return std::nullopt;
  layout.shards = shards_of(structures);
  if (layout.shards) layout.objects = objects_of(structures);
  layout.scheduler = scheduler_of(structures);
  layout.buckets = buckets_of(structures);
  layout.goroutines = goroutines_of(structures);
  return layout;
}

std::optional<GoLayout> known_go_layout(std::uint32_t minor) {
  if (minor != kMeasuredMinor) return std::nullopt;  // 64-bit; the same in 1.19 to 1.19.8
  GoLayout layout;
  layout.control = {0, 8, 104, 136, 184, 304, 312, 320, 328, 336, 256, 120};
  layout.stats = {7704, 7712, 3592, 3600, 3544, 3552, 3560, 3568, 3576, 3584};
  layout.shards = GoShards{0, 1176, 24, 32, 40};
  layout.objects = GoObjects{64, 624, 72, 632, 68};
  layout.scheduler = GoScheduler{72, 176, 2472};
  layout.buckets = GoBuckets{48, 8, 16, 40, 128, 0, 32, 32, 0, 8, 16, 24};
  layout.goroutines = GoGoroutines{0, 8, 56, 64, 112, 120, 144, 176, 296, 312};
  return layout;
}

std::string_view known_go_wait_reason(std::uint32_t minor, std::uint8_t reason) {
  constexpr std::array<std::string_view, 27> kReasons = {"",
                                                         "GC assist marking",
                                                         "IO wait",
                                                         "chan receive (nil chan)",
                                                         "chan send (nil chan)",
                                                         "dumping heap",
                                                         "garbage collection",
                                                         "garbage collection scan",
                                                         "panicwait",
                                                         "select",
                                                         "select (no cases)",
                                                         "GC assist wait",
                                                         "GC sweep wait",
                                                         "GC scavenge wait",
                                                         "chan receive",
                                                         "chan send",
                                                         "finalizer wait",
                                                         "force gc (idle)",
                                                         "semacquire",
                                                         "sleep",
                                                         "sync.Cond.Wait",
                                                         "timer goroutine (idle)",
                                                         "trace reader (blocked)",
                                                         "wait for GC cycle",
                                                         "GC worker (idle)",
                                                         "preempted",
                                                         "debug call"};
  if (minor != kMeasuredMinor || reason >= kReasons.size()) return {};
  return kReasons.at(reason);
}

}  // namespace heapfloor
