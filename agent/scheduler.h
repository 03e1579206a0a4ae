// Scheduler: runs the collectors of one tick, times them, and is the one place where their errors
// are handled.
//
// Not thread-safe: the collection thread's own.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "agent/clock.h"
#include "agent/exposition/snapshot.h"
#include "collectors/collector.h"

namespace heapfloor {

class Scheduler {
 public:
  // `root` and `clock` outlive the scheduler. Collectors for which `is_enabled` says no are not
  // made.
  Scheduler(std::span<const CollectorEntry* const> entries,
            const std::function<bool(const CollectorEntry&)>& is_enabled, const HostRoot& root,
            const CollectorOptions& options, const Clock& clock);

  // Runs every collector once, in the order of the list, into `sink`. A collector that fails, even
  // by an exception, does not keep the others from running; what it wrote until then stays.
  void collect(SampleSink& sink);

  [[nodiscard]] const std::vector<CollectorHealth>& health() const { return health_; }
  // Whether the collector of that name ran without an error in the last tick.
  [[nodiscard]] bool succeeded(std::string_view name) const;

  // An error of one kind from one collector is logged when it first appears and then at most once
  // in this time.
  static constexpr double kLogEverySeconds = 3600;

 private:
  struct Running {
    const CollectorEntry* entry = nullptr;
    std::unique_ptr<Collector> collector;
    std::array<double, kErrorKinds> logged_seconds = {};
    std::array<std::uint64_t, kErrorKinds> errors_when_logged = {};
  };

  [[nodiscard]] Result<CollectReport> run_one(Running& running, SampleSink& sink) const;
  void log_error(Running& running, CollectorHealth& health, const Error& error,
                 double now_seconds) const;

  const Clock& clock_;
  std::vector<Running> running_;
  std::vector<CollectorHealth> health_;  // by position in running_
};

}  // namespace heapfloor
