// What earlier lives of a program say of its present one: a leak that restarts hide grows alike in
// each of them.
#pragma once

#include <cstdint>

#include "agent/series/bytes.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// How one life of a program ended, as far as the next can be compared with it.
struct Life {
  bool was_rising = false;       // at its end: held by time alone, or confirmed
  double growth_per_second = 0;  // meaningful when it was rising
  double evidence_seconds = 0;   // of that growth in this life alone
};

// Of a verdict that was the last of its series. `earlier_seconds` of its evidence are not its own.
Life life_of(const Verdict& verdict);

// Evidence of lives that grew alike, oldest first. A life that did not rise at its end, or at
// another pace, ends the sum: what had been gathered before it says nothing of what comes after.
// Plain numbers; pure.
class EarlierLives {
 public:
  // Lives do not overlap: the evidence of siblings that run side by side is of one time only.
  void add(const Life& life);

  // Seconds of growth that the lives add to that of a present one; 0 when it is of another pace.
  [[nodiscard]] double evidence_seconds(double growth_per_second) const;
  [[nodiscard]] std::uint8_t lives() const { return lives_; }

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  float growth_per_second_ = 0;  // of the newest life
  float evidence_seconds_ = 0;
  std::uint8_t lives_ = 0;
};

}  // namespace heapfloor
