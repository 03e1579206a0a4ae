// Cost of the detector: one observation, one full test, and a reading of each of many series in
// turn.
#include <cmath>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "agent/trend/detector.h"
#include "agent/trend/gates.h"

namespace heapfloor {
namespace {

double noise(std::uint64_t& state) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return static_cast<double>(state >> 40) / static_cast<double>(1U << 24);
}

// Mebibytes by kind: 0 flat, 1 leaking, 2 sawtooth, 3 leaking sawtooth; a little noise on all.
double value(std::int64_t kind, double t, std::uint64_t& state) {
  const double leak = kind % 2 == 1 ? 0.001 * t : 0;
  const double tooth = kind >= 2 ? 200 * std::fmod(t, 300) / 300 : 0;
  return (300 + leak + tooth + 2 * noise(state)) * 1048576;
}

void BM_Observe(benchmark::State& state) {
  const auto interval = static_cast<double>(state.range(1));
  TrendPolicy policy;
  policy.bucket_seconds = 4 * interval;
  Detector detector(policy, SignalTraits::unmarked);
  std::uint64_t seed = 1;
  std::vector<double> values(1U << 16);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = value(state.range(0), static_cast<double>(i) * interval, seed);
  }
  Observation observation;
  observation.limit = 8e9;
  std::size_t i = 0;
  for (auto _ : state) {
    observation.time_seconds += interval;
    observation.value = values[i++ % values.size()];
    benchmark::DoNotOptimize(detector.observe(observation));
  }
  state.counters["full_tests_per_reading"] =
      static_cast<double>(detector.full_tests()) / static_cast<double>(state.iterations());
  state.counters["memory_bytes"] = static_cast<double>(detector.memory_bytes());
}
BENCHMARK(BM_Observe)->ArgsProduct({{0, 1, 2, 3}, {1, 15}})->ArgNames({"kind", "interval"});

// Detectors that have watched a day of readings 15 s apart; each is made of one of a few that
// really have, since a million days take long.
class Fleet {
 public:
  Fleet(std::size_t series, std::int64_t leaking_percent) {
    std::vector<Detector> lived(2 * kTemplates, Detector(policy_, SignalTraits::unmarked));
    for (; time_ < 86400; time_ += kInterval) {
      for (std::size_t i = 0; i < lived.size(); ++i) read(lived[i], i >= kTemplates);
    }
    detectors_.reserve(series);
    for (std::size_t i = 0; i < series; ++i) {
      const bool leaks = static_cast<std::int64_t>(i * 37 % 100) < leaking_percent;
      detectors_.push_back(lived[i % kTemplates + (leaks ? kTemplates : 0)]);
      leaks_.push_back(leaks);
    }
  }

  // A reading of the next series; the clock goes on once all had theirs.
  bool step() {
    const bool closed = read(detectors_[next_], leaks_[next_]);
    if (++next_ == detectors_.size()) {
      next_ = 0;
      time_ += kInterval;
    }
    return closed;
  }

  [[nodiscard]] std::uint64_t full_tests() const {
    std::uint64_t sum = 0;
    for (const Detector& detector : detectors_) sum += detector.full_tests();
    return sum;
  }
  [[nodiscard]] std::size_t memory_bytes() const { return detectors_.front().memory_bytes(); }

 private:
  static constexpr std::size_t kTemplates = 64;
  static constexpr double kInterval = 15;

  bool read(Detector& detector, bool leaks) {
    Observation observation;
    observation.time_seconds = time_;
    observation.value = value(leaks ? 1 : 0, time_, noise_);
    observation.limit = 8e9;
    return detector.observe(observation);
  }

  TrendPolicy policy_;
  std::vector<Detector> detectors_;
  std::vector<bool> leaks_;
  std::size_t next_ = 0;
  double time_ = 0;
  std::uint64_t noise_ = 1;
};

// Bucket of a minute. The arguments are series and how many of a hundred leak.
void BM_Fleet(benchmark::State& state) {
  Fleet fleet(static_cast<std::size_t>(state.range(0)), state.range(1));
  const std::uint64_t before = fleet.full_tests();
  for (auto _ : state) benchmark::DoNotOptimize(fleet.step());
  const auto tests = static_cast<double>(fleet.full_tests() - before);
  state.counters["full_tests_per_reading"] = tests / static_cast<double>(state.iterations());
  state.counters["memory_bytes"] = static_cast<double>(fleet.memory_bytes());
}
// 16 rounds are four closes of the finest level, of all series at once.
BENCHMARK(BM_Fleet)->ArgNames({"series", "leaking"})->Args({1, 0})->Iterations(1 << 20);
BENCHMARK(BM_Fleet)->ArgNames({"series", "leaking"})->Args({1, 100})->Iterations(1 << 18);
BENCHMARK(BM_Fleet)->ArgNames({"series", "leaking"})->Args({1000, 5})->Iterations(4'096'000);
BENCHMARK(BM_Fleet)->ArgNames({"series", "leaking"})->Args({100'000, 5})->Iterations(6'400'000);
BENCHMARK(BM_Fleet)->ArgNames({"series", "leaking"})->Args({1'000'000, 5})->Iterations(16'000'000);

// A full test is the gates over the whole ring, its last three quarters and its last half. A
// leaking window goes through every gate: the worst case. Each test has other noise, lest the
// branches of one window be learned by heart.
void BM_FullTest(benchmark::State& state) {
  constexpr std::size_t kWindows = 1024;
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<double> times;
  for (std::size_t i = 0; i < n; ++i) times.push_back(3600.0 * static_cast<double>(i));
  std::vector<double> values;
  std::uint64_t seed = 1;
  for (std::size_t i = 0; i < kWindows * n; ++i) {
    values.push_back((300 + 4 * static_cast<double>(i % n) + 8 * noise(seed)) * 1048576);
  }
  const TrendPolicy policy;
  GateContext context(policy);
  context.now_seconds = times.back();
  context.limit = 64e9;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::span<const double> all = std::span(values).subspan(next * n, n);
    next = (next + 1) % kWindows;
    for (const std::size_t m : {n, 3 * n / 4, n / 2}) {
      const WindowView window{std::span(times).last(m), all.last(m), 3600, 0, false};
      benchmark::DoNotOptimize(run_gates(window, context));
    }
  }
}
BENCHMARK(BM_FullTest)->Arg(16)->Arg(32);

}  // namespace
}  // namespace heapfloor
