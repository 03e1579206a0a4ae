// The floors of one series at every time scale: level k holds the last `ring` minima of buckets of
// bucket_seconds * 2^k.
//
// Floors are float32 (exact for whole pages up to 64 GiB, 1 part in 16 million beyond). A floor's
// time is kept as the whole number of buckets to the next one, so times are exact however long the
// series runs. Where a load is known, the levels whose windows the course of a day may fill keep
// the mean load of each bucket beside its floor, as one of 254 steps of the highest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/series/bytes.h"
#include "agent/trend/statistics.h"

namespace heapfloor {

// A copy of one level's closed floors, oldest first.
struct FloorWindow {
  std::size_t size = 0;
  double bucket_seconds = 0;
  // The largest that two floors in a row reached and at least one of which left the ring; -infinity
  // when none did. One alone is a mistake more often than a height that the series knows.
  double prior_maximum = 0;
  std::array<double, kMaxWindow> times;  // bucket centres
  std::array<double, kMaxWindow> values;
  std::array<double, kMaxWindow> loads;
  bool has_loads = false;  // of every floor
};

class Pyramid {
 public:
  // As many levels as make the coarsest ring span `history_seconds`, at most kMaxLevels; `ring` is
  // cut to 8..kMaxWindow.
  // The loads of buckets from `season_seconds` / 720 on (two minutes of a day) are kept at
  // kLoadLevels levels.
  Pyramid(double bucket_seconds, std::size_t ring, double history_seconds,
          double season_seconds = 86400);

  static constexpr std::size_t kMaxLevels = 32;
  static constexpr std::size_t kLoadLevels = 6;

  // Adds one reading and returns how many levels closed a bucket: levels 0 to n-1 did. Readings are
  // finite and come in order of time; one older than the open bucket, or too far from it to be
  // numbered, is ignored.
  std::size_t push(double time_seconds, double value);

  // The load at a reading, in any unit that does not change: finite, not negative. Of the bucket
  // that is open.
  void note_load(double load);

  [[nodiscard]] std::size_t levels() const { return levels_.size(); }
  [[nodiscard]] std::size_t floors(std::size_t level) const { return levels_[level].count; }
  [[nodiscard]] double bucket_seconds(std::size_t level) const;
  [[nodiscard]] double latest(std::size_t level) const;  // the newest closed floor; 0 when none
  void read(std::size_t level, FloorWindow& window) const;
  // The same with the open bucket's minimum so far as the newest floor, at the centre of the part
  // that was seen; the oldest floor leaves a full window. False, with an unspecified window, while
  // less than a quarter of the bucket was seen.
  [[nodiscard]] bool read_with_open(std::size_t level, double now_seconds,
                                    FloorWindow& window) const;
  void clear();
  [[nodiscard]] std::size_t heap_bytes() const;

  void save(ByteWriter& out) const;
  // Takes over what save() wrote for a pyramid of the same shape. False, and unspecified but safe
  // contents, when the bytes are anything else.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  struct Level {
    float open_minimum = 0;
    float evicted_maximum = 0;
    std::uint8_t head = 0;  // where the next floor goes
    std::uint8_t count = 0;
    bool evicted = false;
    bool open = false;
  };

  void close(std::size_t level, std::int64_t closing, std::int64_t opening);
  void make_room_for_loads();
  void close_load(std::size_t level);
  [[nodiscard]] std::uint8_t taken_load();
  [[nodiscard]] std::uint8_t joined_load(std::size_t level) const;
  void read_loads(std::size_t level, FloorWindow& window) const;
  [[nodiscard]] std::uint8_t* loads_of(std::size_t level);
  [[nodiscard]] const std::uint8_t* loads_of(std::size_t level) const;
  [[nodiscard]] bool knows_load() const;  // from the first that is noted on
  [[nodiscard]] bool keeps_load(std::size_t level) const;
  void restore_level(std::size_t level, ByteReader& in);

  double bucket_seconds_;
  std::int64_t open_bucket_ = 0;  // of level 0; level k's is this shifted right by k
  std::vector<Level> levels_;
  std::vector<float> values_;  // levels * ring
  // levels * ring: buckets from this floor to the next, or to the open bucket. Behind them, once a
  // load is known, kLoadLevels * ring: loads as steps of load_step_, 0 where there is none.
  std::vector<std::uint8_t> gaps_;
  float load_step_ = 0;
  float load_sum_ = 0;  // of the open bucket of the first level that keeps loads
  std::uint32_t load_count_ = 0;
  std::uint8_t first_load_level_ = 0;
  std::uint8_t ring_;
  bool started_ = false;
};

}  // namespace heapfloor
