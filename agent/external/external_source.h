// ExternalSource: asks the configured Prometheus-compatible servers, each in a thread of its own,
// so that one that hangs delays no other and never the collection.
//
// Of each target at most one answer waits to be taken; until then its server is not asked again.
// Thread rule: any thread may call any member. The destructor ends requests in progress.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "agent/clock.h"
#include "agent/external/prometheus_target.h"

namespace heapfloor {

// Where the follower takes answers from.
class ExternalFeed {
 public:
  ExternalFeed() = default;
  ExternalFeed(const ExternalFeed&) = delete;
  ExternalFeed& operator=(const ExternalFeed&) = delete;
  virtual ~ExternalFeed() = default;
  // What has come since the last call; at most one answer of a target. Does not block.
  [[nodiscard]] virtual std::vector<ExternalAnswer> take() = 0;
  // In the order of the configuration.
  [[nodiscard]] virtual std::vector<ExternalTargetStatus> status() const = 0;
};

class ExternalSource final : public ExternalFeed {
 public:
  // `clock` outlives the source.
  explicit ExternalSource(const Clock& clock);
  ExternalSource(const ExternalSource&) = delete;
  ExternalSource& operator=(const ExternalSource&) = delete;
  ~ExternalSource() override;

  // Targets that did not change go on; the others begin, with what was missed of the past, and end.
  // `interval_seconds`: of targets without one of their own.
  void configure(std::span<const PrometheusTarget> targets, double interval_seconds);

  [[nodiscard]] std::vector<ExternalAnswer> take() override;
  [[nodiscard]] std::vector<ExternalTargetStatus> status() const override;

 private:
  class Worker;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace heapfloor
