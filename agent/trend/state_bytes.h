// How observations and verdicts are written down and read back.
#pragma once

#include "agent/series/bytes.h"
#include "agent/trend/observation.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

// Beyond what any computation over real readings gives.
inline constexpr double kMostAsymptote = 1e38;
inline constexpr double kMostLimit = 1e300;

// What is not a number is left out, or written as 0 where it must be there.
void save_observation(ByteWriter& out, const Observation& observation);
// An observation of zeros when the bytes are not one.
[[nodiscard]] Observation take_observation(ByteReader& in);

void save_verdict(ByteWriter& out, const Verdict& verdict);
// False when the bytes are not a verdict; `verdict` is then unspecified, but safe.
[[nodiscard]] bool restore_verdict(ByteReader& in, Verdict& verdict);

}  // namespace heapfloor
