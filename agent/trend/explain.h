// A verdict in words for the person on call.
#pragma once

#include <string>
#include <string_view>

#include "agent/trend/verdict.h"

namespace heapfloor {

// `counted` is what the signal counts (SignalInfo::counted): "threads", or empty for bytes.

// One sentence with numbers and units: what the floor did, how fast, and what held or passed the
// verdict. "floor rose over 15 buckets of 4 min by 212 MiB/h (198 to 230); held by patience: needs
// 11 h more evidence".
std::string explain(const Verdict& verdict, std::string_view counted = {});

// What one gate measured and asked for, e.g. "Z 7.2, needs 3". Units: trend: Z (S of a sparse
// ring); size, signal, record and precedent: bytes or what is counted; increments: effective steps;
// still_growing: the same per second; shape: growth of the last third against the middle one;
// patience: seconds of evidence; season: seconds of history, or (required <= 1) the share of
// buckets above the same time the day before; gc_runtime: compactions; persistence: closes.
std::string gate_detail(Gate gate, const GateResult& result, std::string_view counted = {});

}  // namespace heapfloor
