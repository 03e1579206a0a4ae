// GrowthLedger: what the memory of a process or a cgroup was made of, so that its growth can be
// told apart over any window of the past.
//
// Floors, as the detector has them: a bucket holds the least of each part. Level k keeps the last
// kBuckets buckets of 2^k readings, so a window has at least a few of some level, however long it
// is; what is older than the coarsest level reaches is forgotten. At most kMostBytes. Not
// thread-safe: the owner locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "agent/series/bytes.h"

namespace heapfloor {

struct GrowthReading {
  double time_seconds = 0;
  double anon_bytes = 0;                             // resident and swapped out
  std::optional<double> file_bytes = std::nullopt;   // resident pages of files
  std::optional<double> shmem_bytes = std::nullopt;  // resident shared memory
  std::optional<double> threads = std::nullopt;
  // In use by the program, where it has told that since the last reading: an older figure is of
  // another time than anon_bytes.
  std::optional<double> live_bytes = std::nullopt;
  std::optional<double> free_bytes = std::nullopt;  // held by its allocator, told with it
};

// From the beginning of a window to its end; what is not known at both is absent. Of a program that
// tells what it holds now and then, from the first to the last time that it did, where it has grown
// by then: of what came before and later nothing tells.
struct MemoryGrowth {
  double seconds = 0;
  double anon_bytes = 0;
  std::optional<double> file_bytes, shmem_bytes, threads, live_bytes, free_bytes;
  std::optional<double> threads_now;  // of the last reading
};

class GrowthLedger {
 public:
  // Readings come in the order of their times.
  void add(const GrowthReading& reading);

  // The growth since then, or since the first reading where that is later. Nothing while there are
  // fewer than kLeastReadings in it.
  [[nodiscard]] std::optional<MemoryGrowth> growth_since(double start_seconds) const;

  // As it is; and back, into one that is empty. False where the bytes are no ledger: it stays
  // empty.
  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

  static constexpr std::size_t kBuckets = 8;
  static constexpr std::size_t kLeastReadings = kBuckets;
  static constexpr std::size_t kMostLevels = 16;  // 45 days of readings 15 s apart

 private:
  using Part = std::size_t;
  static constexpr Part kAnon = 0, kFile = 1, kShmem = 2, kThreads = 3, kLive = 4, kFree = 5;
  static constexpr Part kAnonWithLive = 6;  // of the readings that have both
  static constexpr std::size_t kParts = 7;
  static constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();
  // A float tells 100 GiB from 8 KiB more.
  struct Bucket {
    float seconds = 0;  // when it begins, since the first reading
    std::array<float, kParts> least = {};
  };
  struct Level {
    std::array<Bucket, kBuckets> ring = {};  // the newest is at (next - 1)
    Bucket half;                             // waits for the second one of a pair
    std::uint8_t count = 0, next = 0;
    bool has_half = false;
    bool has_dropped = false;  // a bucket fell out of the ring
  };

  static void put(ByteWriter& out, const Bucket& bucket);
  static Bucket take(ByteReader& in);
  static Bucket merged(const Bucket& first, const Bucket& second);
  [[nodiscard]] static const Bucket& at(const Level& level, std::size_t position);  // oldest first
  [[nodiscard]] std::optional<std::size_t> level_for(float start) const;
  static Bucket least_of(const Level& level, std::size_t first, std::size_t count);
  [[nodiscard]] static std::size_t untold(const Level& level, std::size_t first);
  [[nodiscard]] static std::optional<Bucket> last_told(const Level& level, std::size_t width,
                                                       float start);
  static MemoryGrowth growth_between(const Bucket& begin, const Bucket& end);

  double first_seconds_ = 0;
  std::vector<Level> levels_;

 public:
  static constexpr std::size_t kMostBytes = kMostLevels * sizeof(Level);
};
static_assert(GrowthLedger::kMostBytes <= 4864);

}  // namespace heapfloor
