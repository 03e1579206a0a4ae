// EndpointFollower: what Go programs say over HTTP, put where the rest of the agent looks for it.
//
// Of a process of this host it becomes the samples that the Go collector would have written, unless
// that one did: what is read in memory is exact and newer. Of a program that is elsewhere it
// becomes a series of scope external, under the target's name. Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/watch_list.h"
#include "agent/config.h"
#include "agent/endpoints/go_endpoint.h"
#include "agent/external/external_source.h"
#include "agent/external/prometheus_target.h"
#include "agent/series/sample_batch.h"
#include "collectors/process_board.h"
#include "collectors/sample.h"

namespace heapfloor {

class EndpointFollower {
 public:
  // How long a program that was followed before this agent started has to answer.
  static constexpr double kGraceSeconds = 300;

  // Behind the collectors. `board`: of this tick.
  void follow(const GoEndpointView& view, const ProcessBoard& board, double now_seconds,
              SampleBatch& batch);
  // Says of programs that live and do not answer now that their heaps have not ended.
  void touch(const GoEndpointView& view, const ProcessBoard& board, double now_seconds,
             WatchList& watches) const;

 private:
  void write(const GoEndpointStatus& endpoint, SampleBatch& batch);

  std::map<ProcessId, bool> followed_;  // that live; whether it was described
  std::optional<double> first_seconds_;
};

// What other servers recorded, and what Go programs that stand alone say.
class JoinedFeed final : public ExternalFeed {
 public:
  using EndpointSource = std::function<GoEndpointView()>;
  // `recorded` outlives it.
  JoinedFeed(ExternalFeed& recorded, EndpointSource endpoints)
      : recorded_(recorded), endpoints_(std::move(endpoints)) {}
  [[nodiscard]] std::vector<ExternalAnswer> take() override;
  [[nodiscard]] std::vector<ExternalTargetStatus> status() const override {
    return recorded_.status();
  }

 private:
  ExternalFeed& recorded_;
  EndpointSource endpoints_;
  std::map<std::string, double> taken_seconds_;  // of the last reading, by name
};

// Whose series may be followed: those of targets.prometheus, and of targets.go the heap of each.
[[nodiscard]] std::vector<PrometheusTarget> followed_targets(const Config& config);

}  // namespace heapfloor
