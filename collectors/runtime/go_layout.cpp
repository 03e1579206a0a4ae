#include "collectors/runtime/go_layout.h"

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
constexpr std::array kStructures = {kController, kMemstats, kHeapStats, kShard,
                                    kSched,      kP,        kEnded,     kEndedOfP};

constexpr std::array<std::string_view, kGoControls> kControlNames = {
    "gcPercent", "memoryLimit",  "gcPercentHeapGoal", "heapLive",   "heapMarked",
    "heapInUse", "heapReleased", "heapFree",          "totalAlloc", "totalFree"};
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

std::optional<GoScheduler> scheduler_of(const StructLayouts& structures) {
  const GoLayout::Offset system = member(structures, kSched, "ngsys");
  const GoLayout::Offset ended = member(structures, kSched, "gFree");
  const GoLayout::Offset of_ended = member(structures, kEnded, "n");
  const GoLayout::Offset ended_of_p = member(structures, kP, "gFree");
  const GoLayout::Offset of_ended_of_p = member(structures, kEndedOfP, "n");
  if (!system || !ended || !of_ended || !ended_of_p || !of_ended_of_p) return std::nullopt;
  return GoScheduler{*system, *ended + *of_ended, *ended_of_p + *of_ended_of_p};
}

}  // namespace

std::span<const std::string_view> go_structures() { return kStructures; }

std::optional<GoLayout> go_layout_of(const StructLayouts& structures) {
  GoLayout layout;
  for (std::size_t i = 0; i < kGoControls; ++i)
    layout.control.at(i) = member(structures, kController, kControlNames.at(i));
  for (std::size_t i = 0; i < kGoStats; ++i)
    layout.stats.at(i) = member(structures, kMemstats, kStatNames.at(i));
  if (!layout.of(GoControl::heap_marked) || !layout.of(GoStat::cycles)) return std::nullopt;
  layout.shards = shards_of(structures);
  layout.scheduler = scheduler_of(structures);
  return layout;
}

std::optional<GoLayout> known_go_layout(std::uint32_t minor) {
  constexpr std::uint32_t kMeasured = 19;  // 64-bit; the same in 1.19 to 1.19.8
  if (minor != kMeasured) return std::nullopt;
  GoLayout layout;
  layout.control = {0, 8, 104, 136, 184, 304, 312, 320, 328, 336};
  layout.stats = {7704, 7712, 3592, 3600, 3544, 3552, 3560, 3568, 3576, 3584};
  layout.shards = GoShards{0, 1176, 24, 32, 40};
  layout.scheduler = GoScheduler{72, 176, 2472};
  return layout;
}

}  // namespace heapfloor
