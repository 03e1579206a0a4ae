// Cost of the detector: one observation, one full test.
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

// A full test is the gates over the whole ring, its last three quarters and its last half. A
// leaking window goes through every gate: the worst case.
void BM_FullTest(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<double> times;
  std::vector<double> values;
  std::uint64_t seed = 1;
  for (std::size_t i = 0; i < n; ++i) {
    times.push_back(3600.0 * static_cast<double>(i));
    values.push_back((300 + 4 * static_cast<double>(i) + noise(seed)) * 1048576);
  }
  const TrendPolicy policy;
  GateContext context(policy);
  context.now_seconds = times.back();
  context.limit = 64e9;
  for (auto _ : state) {
    for (const std::size_t m : {n, 3 * n / 4, n / 2}) {
      const WindowView window{std::span(times).last(m), std::span(values).last(m), 3600, 0, false};
      benchmark::DoNotOptimize(run_gates(window, context));
    }
  }
}
BENCHMARK(BM_FullTest)->Arg(16)->Arg(32);

}  // namespace
}  // namespace heapfloor
