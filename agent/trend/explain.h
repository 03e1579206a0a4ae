// A verdict in words for the person on call.
#pragma once

#include <string>
#include <string_view>

#include "agent/trend/verdict.h"

namespace heapfloor {

// `counted` is what the signal counts (SignalInfo::counted): "threads", or empty for bytes.

// One sentence with numbers and units: what the floor did, how fast, and what held or passed the
// verdict; the wait to the limit counts from `now_seconds`, on the axis of the observations. "the
// floor rose by 212 MiB/h (198 to 230) over 60 min, from 15 floors; not confirmed: it has to go on
// for 11 h more (patience); at this pace the limit of 4 GiB is reached in 16 to 19 h".
std::string explain(const Verdict& verdict, double now_seconds, std::string_view counted = {});

// Why the verdict is not confirmed, by the gate that decided; empty where none did. "it has to go
// on for 11 h more (patience)", "too small to matter (size: rise 1 MiB, needs 2 MiB)".
std::string explain_hold(const Verdict& verdict, std::string_view counted = {});

// What one gate of the verdict measured and asked for, e.g. "Z 7.2, needs 3". Units: trend: Z (S of
// a sparse ring); size, signal, record and precedent: bytes or what is counted; increments:
// effective rises; still_growing: the same per second; shape: growth of the last third against the
// middle one; patience: seconds of evidence; season: seconds of history, or (required <= 1) the
// share of floors above the same time the day before; gc_runtime: collections; persistence: closes.
std::string gate_detail(Gate gate, const Verdict& verdict, std::string_view counted = {});

}  // namespace heapfloor
