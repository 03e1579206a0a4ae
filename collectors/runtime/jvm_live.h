// JvmLive: from the counters of a JVM, the memory that lives after its collections.
//
// The rule is the collector's (measured on OpenJDK 17):
// - Serial, Parallel: the old generation behind a full collection. It is exact, and rises by what
//   is promoted until the next one: the least that was seen since then is taken.
// - G1: the regions of a cycle's garbage are freed by the mixed collections behind it, which count
//   as young ones. So the least of the old generation between two cycles (each of two pauses), or
//   full collections, is told when the second has ended.
// - ZGC: the heap has no generations; the least between two cycles. Its counters tell it at the
//   three pauses of each, with garbage that is moved out only then; where the memory of the JVM can
//   be read, its heap is asked itself.
// - Generational ZGC (from its source; not tested): the old generation, the least between two
//   pauses of major collections.
// - Shenandoah: the heap is told all the time, its pauses and phases are counted as one: the least
//   between two of them.
// A value is told with an epoch, which counts the collections that it is measured by; there is none
// before one of them was seen to end. A young collection is never one of them: what it promotes may
// be garbage. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "collectors/parse/hsperfdata.h"

namespace heapfloor {

struct LiveAfterGc {
  double bytes = 0;
  std::uint64_t epoch = 0;
  friend bool operator==(const LiveAfterGc&, const LiveAfterGc&) = default;
};

// How many collections of the old generation, or of the whole heap, have ended by then; nothing
// where the JVM does not tell.
[[nodiscard]] std::optional<std::uint64_t> old_collections(JvmGc gc, const JvmReading& reading);

class JvmLive {
 public:
  explicit JvmLive(JvmGc gc) : gc_(gc) {}

  // Takes one reading; readings come in the order of time. Nothing where no collection has been
  // seen yet, and of a collector that is not known.
  std::optional<LiveAfterGc> take(const JvmReading& reading);

 private:
  JvmGc gc_;
  std::optional<std::uint64_t> epoch_;  // of the last reading
  std::optional<double> least_;         // since it moved last
  std::optional<LiveAfterGc> live_;
};

}  // namespace heapfloor
