// What tests of a whole agent without output begin with: a host, a clock, what it alerts of.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/pipeline.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_host.h"

namespace heapfloor::testing {

class RecordingAlertSink final : public AlertSink {
 public:
  void deliver(const AlertTransition& transition) noexcept override {
    transitions.push_back(transition);
  }
  std::vector<AlertTransition> transitions;
};

class AgentFixture : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kMiB = 1024;  // in KiB

  // The next second of the pipeline.
  std::shared_ptr<const Snapshot> tick() {
    clock_.advance(1);
    return pipeline_->tick();
  }

  // `seconds` ticks in which process 7 gains a MiB each.
  std::shared_ptr<const Snapshot> leak(int seconds) {
    std::shared_ptr<const Snapshot> last;
    for (int second = 0; second < seconds; ++second) {
      leaked_ += kMiB;
      proc_.set(7, 700, "payments", 100 * kMiB + leaked_);
      last = tick();
    }
    return last;
  }

  static const WatchRow* watch_of(const Snapshot& snapshot, const std::string& subject) {
    const auto found = std::ranges::find(snapshot.watches, subject, &WatchRow::subject);
    return found == snapshot.watches.end() ? nullptr : &*found;
  }

  FakeHost host_;
  FakeProc& proc_ = host_.proc;
  FakeClock clock_;
  RecordingAlertSink sink_;
  Config config_ = host_.config();
  std::unique_ptr<Pipeline> pipeline_;
  std::uint64_t leaked_ = 0;
};

}  // namespace heapfloor::testing
