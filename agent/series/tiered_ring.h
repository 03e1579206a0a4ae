// TieredRing: the points of one series at decreasing resolution, in bounded memory.
//
// Tier 0 keeps the newest kPointsPerTier readings; each further tier keeps as many points of
// kThinning points of the tier before, as their minimum and maximum, so that a spike or a trough
// never disappears. At an interval of 15 s: 64 minutes, 17 hours, 11 days. Times are kept to 0.1 s,
// values as float32 (relative error 6e-8): it is for charts; the detector is fed the exact
// readings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/series/bytes.h"
#include "agent/series/point.h"

namespace heapfloor {

class TieredRing {
 public:
  static constexpr std::size_t kTiers = 3;
  static constexpr std::size_t kPointsPerTier = 256;
  static constexpr std::size_t kThinning = 16;
  static constexpr std::size_t kEntryBytes = 12;
  // What a full ring holds beside itself.
  static constexpr std::size_t kMostHeapBytes = kTiers * kPointsPerTier * kEntryBytes;

  // Times must not run backwards; a reading that does is dropped.
  void push(double time_seconds, double value);

  // All points, oldest first: each stretch of time at the finest resolution that still has it.
  [[nodiscard]] std::vector<Point> points() const;

  [[nodiscard]] std::size_t heap_bytes() const;

  void save(ByteWriter& out) const;
  // False, and an empty ring, when the bytes are not what save() writes.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Entry {
    std::uint32_t tenths = 0;  // since base_seconds_
    float minimum = 0;
    float maximum = 0;
  };
  static_assert(sizeof(Entry) == kEntryBytes);
  struct Tier {
    std::vector<Entry> entries;  // a ring once it is full
    std::uint16_t oldest = 0;
    std::uint16_t merged = 0;  // points gathered in `gathering`
    Entry gathering;
  };

  static void append(Tier& tier, const Entry& entry);
  static void save_entry(ByteWriter& out, const Entry& entry);
  static Entry take_entry(ByteReader& in);
  static const Entry& nth(const Tier& tier, std::size_t index);
  [[nodiscard]] Point to_point(const Entry& entry) const;

  double base_seconds_ = 0;
  bool empty_ = true;
  std::array<Tier, kTiers> tiers_;
};

}  // namespace heapfloor
