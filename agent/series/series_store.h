// SeriesStore: the points of every followed series, under a hard cap.
//
// A series is known by its identity (what it is about, and which signal), never by its labels,
// which may change or be equal for two subjects. Memory: at most kMostBytesPerSeries a series
// (asserted by a test), so `limit` bounds the whole. Not thread-safe: the owner locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/series/bytes.h"
#include "agent/series/signal.h"
#include "agent/series/tiered_ring.h"
#include "collectors/sample.h"

namespace heapfloor {

struct SeriesKey {
  EntityKind kind = EntityKind::host;
  Signal signal = Signal::rss_anon;
  // Kinds process, agent, structure and site. Kind external: the identity of its target in the
  // place of the start.
  ProcessId process;
  // Kind cgroup: its inode; structure and external: hash of its name; site: of its stack.
  std::uint64_t part = 0;
  friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};

// A key as bytes, the same in every version of the agent: what it cannot name any more, or not yet,
// is refused.
void save_key(ByteWriter& out, const SeriesKey& key);
[[nodiscard]] std::optional<SeriesKey> take_key(ByteReader& in);

struct SeriesKeyHash {
  std::size_t operator()(const SeriesKey& key) const noexcept;
};

using SeriesIndex = std::uint32_t;  // stable while the series lives; reused afterwards

class SeriesStore {
 public:
  explicit SeriesStore(std::size_t limit) : limit_(limit) {}

  // The series, made if it is new. Nothing when the cap is reached.
  [[nodiscard]] std::optional<SeriesIndex> find_or_add(const SeriesKey& key);
  [[nodiscard]] std::optional<SeriesIndex> find(const SeriesKey& key) const;
  [[nodiscard]] TieredRing& ring(SeriesIndex index) { return slots_.at(index).ring; }
  [[nodiscard]] const TieredRing& ring(SeriesIndex index) const { return slots_.at(index).ring; }
  // Counts a series that found no place: once, however often it comes back in consecutive ticks.
  void refuse(const SeriesKey& key);
  void end_tick();
  void evict(SeriesIndex index);
  void set_limit(std::size_t limit) { limit_ = limit; }

  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] std::uint64_t dropped() const {
    return dropped_;
  }  // series refused since the start
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

 private:
  struct Slot {
    SeriesKey key;
    TieredRing ring;
  };
  std::size_t limit_;
  std::vector<Slot> slots_;
  std::vector<SeriesIndex> free_;
  std::unordered_map<SeriesKey, SeriesIndex, SeriesKeyHash> index_;
  std::unordered_set<SeriesKey, SeriesKeyHash> refused_, refused_before_;  // this tick, the last
  std::uint64_t dropped_ = 0;
  std::uint64_t evicted_ = 0;

 public:
  // A slot, its full rings, and its entry in the index (node, bucket, allocator overhead).
  static constexpr std::size_t kMostBytesPerSeries = sizeof(Slot) + TieredRing::kMostHeapBytes + 96;
};
static_assert(SeriesStore::kMostBytesPerSeries <= 10240, "10 KiB a series, as the README says");

}  // namespace heapfloor
