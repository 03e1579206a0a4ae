// The collector interface: one function. See collectors/README.md for how to add one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

class HostRoot;
class Stopwatch;
class GoBoard;
class ProbeBoard;
class TaskSource;
struct OomBoard;
struct ProcessBoard;
struct StackBoard;

// Reads that were left out on purpose in one collection.
struct SkippedReads {
  std::uint64_t budget = 0;     // due, and put off
  std::uint64_t disabled = 0;   // never made: the configuration forbids them
  std::uint64_t too_large = 0;  // never made: predicted to take longer than allowed
};

// Whether the agent may read a source, where that is a matter of privileges or of the kernel.
struct SourceAccess {
  std::string_view source;  // static text: the label source of heapfloor_source_accessible
  bool is_accessible = false;
  std::string_view needs = {};  // static text: what the agent lacks where it is not
};

// What one collection reached. Partial success is normal: processes end between the listing and the
// read.
struct CollectReport {
  std::uint64_t entities_read = 0;
  std::array<std::uint64_t, kErrorKinds> errors = {};  // entities or values left out, by ErrorKind
  std::optional<Error> first_error;                    // the first of them worth a line in the log
  std::optional<SkippedReads> skipped;                 // of collectors that ration their reads
  std::vector<SourceAccess> sources;                   // those that were tried
  void count(const Error& error) {
    ++errors.at(static_cast<std::size_t>(error.kind));
    if (!first_error && error.kind != ErrorKind::gone) first_error = error;
  }
  // The same for what is known to be closed to some and is told as a source: no line in the log.
  void count_quietly(ErrorKind kind) { ++errors.at(static_cast<std::size_t>(kind)); }
};

// What collectors are made with: settings of the configuration section `collection`, and what they
// share.
struct CollectorOptions {
  std::size_t descriptor_budget =
      16384;  // kept-open descriptors: two a process, and one for each probe that is read
  std::uint32_t refresh_ticks =
      4;  // a process whose statm did not move is read whole every so many ticks
  std::size_t cgroup_limit = 1000;  // cgroups read in a tick; those nearest to the root come first
  ProcessBoard* board = nullptr;    // outlives the collectors; null: nobody reads it
  OomBoard* oom_board = nullptr;    // the same
  ProbeBoard* probe_board = nullptr;        // the same
  GoBoard* go_board = nullptr;              // the same
  const StackBoard* stack_board = nullptr;  // the same; null: no stacks are measured
  const Stopwatch* stopwatch = nullptr;     // likewise; for those that ration their reads
  double smaps_duty = 0.001;                // see smaps_budget.h
  double smaps_max_read_seconds = 0.015;
  TaskSource* tasks = nullptr;  // outlives the collectors; null: every process is looked at
  std::size_t tasks_from = 0;   // processes from which on it is worth being asked
};

class Collector {
 public:
  Collector() = default;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  virtual ~Collector() = default;
  // Reads its sources once and writes what it found. An error means nothing could be read at all.
  // Called by one thread, never concurrently. Must not throw, sleep, run commands or look at a
  // clock other than the stopwatch of its options.
  [[nodiscard]] virtual Result<CollectReport> collect(SampleSink& sink) = 0;
};

// What is known of a collector without constructing it.
struct CollectorEntry {
  std::string_view name;     // the flag --collector.NAME and the label collector="NAME"
  std::string_view summary;  // one line for --help
  bool enabled_by_default = true;
  std::span<const MetricDesc> metrics;
  // `root` outlives the collector.
  std::unique_ptr<Collector> (*make)(const HostRoot& root,
                                     const CollectorOptions& options) = nullptr;
};

// Every collector of collectors/builtin_collectors.def, in that order.
std::span<const CollectorEntry* const> builtin_collectors();

}  // namespace heapfloor
