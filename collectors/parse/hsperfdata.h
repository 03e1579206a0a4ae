// The performance counters of a HotSpot JVM: bytes in, an index of the wanted counters out, and
// their values by that index.
//
// Source of the layout: PerfDataPrologue and PerfDataEntry in src/hotspot/share/runtime of OpenJDK
// (perfMemory.hpp), version 2.0. The names of the counters are those of gcPolicyCounters,
// collectorCounters, generationCounters and their kin. The JVM writes while it is read, and is
// trusted in nothing: every offset and length is checked. Only the counters listed here are ever
// looked at; properties, flags, arguments and the command line, which may hold secrets, are not,
// but for the version and the vendor of the JVM. Thread rule: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

struct HsperfBounds {
  static constexpr std::size_t kPrologueBytes = 32;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // a JVM has 32 KiB by default
  static constexpr std::uint32_t kMostEntries = 8192;
  static constexpr std::size_t kMostText = 64;  // of what is kept of a version or a vendor
  static constexpr std::int64_t kMostAmount = std::int64_t{1} << 50;  // 1 PiB
  static constexpr std::int64_t kMostTotal = std::int64_t{1} << 62;   // of what only rises
};

// What stands before the entries. Entries are added while the JVM runs and never move.
struct HsperfPrologue {
  std::uint32_t used_bytes = 0;  // at most kMostBytes, with the prologue
  std::uint32_t first_entry = 0;
  std::uint32_t entries = 0;
  std::int64_t modified = 0;  // ticks of the JVM's clock; moves when an entry is added
  friend bool operator==(const HsperfPrologue&, const HsperfPrologue&) = default;
};

// `bytes` are the first kPrologueBytes of `size` bytes. `unavailable` while the JVM has not made
// its counters accessible; `malformed` for another layout, byte order or size.
[[nodiscard]] Result<HsperfPrologue> parse_hsperf_prologue(std::span<const std::byte> bytes,
                                                           std::uint64_t size);

enum class JvmGc : std::uint8_t {
  other,
  serial,
  parallel,
  g1,
  z,
  z_generational,
  shenandoah,
};
inline constexpr std::size_t kJvmGcs = 7;
// "serial", "g1", "zgc", "zgc_generational" …; static text.
[[nodiscard]] std::string_view jvm_gc_name(JvmGc gc);

// The collectors of a JVM, by their place in sun.gc.collector: of the young generation, of the old
// one or the whole heap, and the pauses of concurrent cycles.
enum class JvmCollector : std::uint8_t { young, full, cycle };
inline constexpr std::size_t kJvmCollectors = 3;

// Counters that are read again and again. The order is that of the list of names.
enum class JvmCounter : std::uint8_t {
  young_count,
  young_ticks,
  young_entry,
  young_exit,
  full_count,
  full_ticks,
  full_entry,
  full_exit,
  cycle_count,
  cycle_ticks,
  cycle_entry,
  cycle_exit,
  young_limit,
  eden_used,
  eden_committed,
  eden_limit,
  survivor_0_used,
  survivor_0_committed,
  survivor_0_limit,
  survivor_1_used,
  survivor_1_committed,
  survivor_1_limit,
  old_limit,
  old_used,
  old_committed,
  metaspace_used,
  metaspace_committed,
  metaspace_limit,
  class_space_used,
  class_space_committed,
  class_space_limit,
  classes_loaded,
  classes_unloaded,
  shared_classes_loaded,
  shared_classes_unloaded,
  threads,
};
inline constexpr std::size_t kJvmCounters = 36;

// Where the wanted counters are, and what never changes.
struct HsperfIndex {
  HsperfPrologue prologue;
  std::array<std::uint32_t, kJvmCounters> offsets = {};  // 0: it has no such counter
  std::uint32_t end = 0;  // behind the last of them; 0: the JVM has not made them yet
  JvmGc gc = JvmGc::other;
  double ticks_per_second = 0;     // above 0 where `end` is
  std::string version, vendor;     // raw, at most kMostText
  std::optional<bool> can_attach;  // that it listens to tools (not -XX:+DisableAttachMechanism)
  friend bool operator==(const HsperfIndex&, const HsperfIndex&) = default;
};

// `bytes` are the first used_bytes. An entry that lies outside, has no length or no end of its name
// is `malformed`; one that is unknown is passed over.
[[nodiscard]] Result<HsperfIndex> index_hsperf(std::span<const std::byte> bytes);

// Bytes.
struct JvmPool {
  std::optional<double> used, committed, limit;
  friend bool operator==(const JvmPool&, const JvmPool&) = default;
};

struct JvmCollections {
  std::optional<double> count;  // of pauses; it moves when one begins
  std::optional<double> seconds;
  bool is_running = false;  // and what it frees is not told yet
  friend bool operator==(const JvmCollections&, const JvmCollections&) = default;
};

struct JvmReading {
  std::array<JvmCollections, kJvmCollectors> collections;
  JvmPool eden, survivor;  // survivor: both spaces
  JvmPool old;             // of collectors without generations the whole heap
  JvmPool metaspace, class_space;
  std::optional<double> heap_limit;
  std::optional<double> classes, threads;
  [[nodiscard]] const JvmCollections& of(JvmCollector collector) const {
    return collections.at(static_cast<std::size_t>(collector));
  }
  friend bool operator==(const JvmReading&, const JvmReading&) = default;
};

// The values of this moment; `bytes` reach at least to index.end, else nothing is there. Amounts
// that no machine has are absent.
[[nodiscard]] JvmReading read_hsperf(const HsperfIndex& index, std::span<const std::byte> bytes);

}  // namespace heapfloor
