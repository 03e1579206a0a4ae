// GoFigures: what a page of a Go program says of its runtime, and the parsers of such pages.
//
// All three are pure and total: any bytes give figures or an error of kind malformed, whose path is
// left empty for the caller, who knows it. They take time in proportion to the bytes, and keep the
// figures below and nothing else: what else stands on a page (expvar's cmdline holds passwords) is
// not looked at. Sources: client_golang's collectors of the Go runtime; runtime.MemStats, as expvar
// and net/http/pprof write it. Thread rule: plain values, free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Bytes where nothing else is said. Absent: the page does not say it.
struct GoFigures {
  std::optional<double> live;         // /gc/heap/live:bytes, of Go 1.21 and later
  std::optional<double> goal;         // NextGC
  std::optional<double> allocated;    // HeapAlloc: garbage that was not swept yet included
  std::optional<double> allocations;  // TotalAlloc
  std::optional<double> in_use;       // HeapInuse
  std::optional<double> idle;         // HeapIdle
  std::optional<double> released;     // HeapReleased
  std::optional<double> objects;      // number: HeapObjects, which is Mallocs less Frees
  std::optional<double> stacks;       // StackInuse
  std::optional<double> system;       // Sys
  std::optional<double> cycles;       // number: NumGC
  std::optional<double> pause_seconds;
  std::optional<double> cpu_fraction;     // GCCPUFraction
  std::optional<double> last_gc_seconds;  // Unix time; absent before the first collection
  std::optional<double> goroutines;       // number
  std::optional<double> limit;            // GOMEMLIMIT; absent where none is set
  std::optional<double> gogc_percent;     // below 0: off
  std::optional<double> scanned_stacks, scanned_globals;  // that the last collection scanned
  std::optional<double> start_seconds;                    // Unix time of the process
  std::string version;                                    // "go1.19.8"; empty where it is not said
  friend bool operator==(const GoFigures&, const GoFigures&) = default;

  // Whether it is a page of a Go program's figures at all.
  [[nodiscard]] bool is_of_go() const { return goal && allocated; }
};

inline constexpr std::size_t kMostGoVersionBytes = 64;

// Prometheus's text format: the samples named go_* and process_start_time_seconds. Malformed where
// such a name is there twice: the page is of several programs.
[[nodiscard]] Result<GoFigures> parse_go_exposition(std::string_view text);
// JSON: the member "memstats" of what expvar serves.
[[nodiscard]] Result<GoFigures> parse_go_expvar(std::string_view text);
// The lines "# HeapAlloc = 123" behind the text form of a heap profile (?debug=1).
[[nodiscard]] Result<GoFigures> parse_go_heap_text(std::string_view text);

// What lived after the last collection; nothing where the figures do not tell it.
//
// Where the runtime does not say it, from the goal of the next collection. Since Go 1.18 that is
// live + (live + stacks + globals) * GOGC / 100 (runtime/mgcpacer.go; of the stacks, since Go 1.19,
// what was scanned), before that live * (1 + GOGC / 100). Never above HeapAlloc, of which it is a
// part. Nothing where GOGC is off, where the goal is the least one (4 MiB * GOGC / 100), and where
// the memory limit sets it: there the goal does not follow what lives. `gogc_percent`: where the
// page does not say it.
[[nodiscard]] std::optional<double> live_after_collection(const GoFigures& figures,
                                                          double gogc_percent);

}  // namespace heapfloor
