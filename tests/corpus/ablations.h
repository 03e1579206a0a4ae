// The detector with one of its rules off, or one constant changed.
#pragma once

#include <span>
#include <string_view>

#include "tests/corpus/scoring.h"

namespace heapfloor {

struct Ablation {
  std::string_view name;
  void (*apply)(ScoreOptions& options);
};

// The first changes nothing. What no constant can switch off is missing: the Hamed-Rao factor, and
// of gate 4 (record) and gate 5 (increments) all but their margins (README.md).
std::span<const Ablation> ablations();

}  // namespace heapfloor
