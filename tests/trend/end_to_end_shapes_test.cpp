// The shapes that the end-to-end programs make, simulated reading by reading: one reading a second,
// a day in 24 minutes, a budget of 512 MiB. RssAnon is quantised to pages and lags by the kernel's
// per-CPU batches of 32 pages.
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "agent/alerts/leak_state.h"
#include "agent/trend/detector.h"
#include "agent/trend/explain.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;

struct Outcome {
  std::optional<double> suspected_at;
  std::optional<double> leaking_at;
  std::string last;
};

struct Setting {
  double interval_seconds = 1;
  double duration_seconds = 600;
  double time_scale = 1.0 / 60;
  std::optional<double> limit = 512 * kMiB;
};

// The value in MiB as the kernel would report it.
double reported(double mib, std::uint64_t& noise) {
  noise = noise * 6364136223846793005U + 1442695040888963407U;
  const auto lag_pages = static_cast<double>((noise >> 33) % 64);
  return std::floor(mib * 256 - lag_pages) * 4096;
}

Outcome watch(const Setting& run, const std::function<double(double)>& mib,
              std::uint64_t seed = 1) {
  TrendPolicy policy;
  policy.bucket_seconds = 4 * run.interval_seconds;
  policy.time_scale = run.time_scale;
  Detector detector(policy, SignalTraits::unmarked);
  LeakJudge judge(policy);
  Outcome outcome;
  // Where the first reading falls within the buckets is chance too.
  const double boot = 12345.25 + 37.3 * static_cast<double>(seed);
  for (double t = 0; t < run.duration_seconds; t += run.interval_seconds) {
    Observation observation;
    observation.time_seconds = boot + t;
    observation.value = std::max(0.0, reported(mib(t), seed));
    observation.limit = run.limit;
    if (!detector.observe(observation)) {
      continue;
    }
    const LeakState state = judge.step(detector.verdict(), boot + t, detector.verdict().floor);
    if (state == LeakState::suspected && !outcome.suspected_at) {
      outcome.suspected_at = t;
    }
    if (state == LeakState::leaking && !outcome.leaking_at) {
      outcome.leaking_at = t;
      outcome.last = explain(detector.verdict(), boot + t);
    }
  }
  if (!outcome.leaking_at) {
    outcome.last = explain(detector.verdict(), boot + run.duration_seconds);
  }
  return outcome;
}

double tooth(double t, double period) { return std::fmod(t, period) / period; }

TEST(EndToEndShapes, SteadyLeakOfOneMebibyteASecondIsLeakingWithinThreeMinutes) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome outcome = watch(
        {}, [](double t) { return 12 + t; }, seed);
    ASSERT_TRUE(outcome.leaking_at) << outcome.last;
    EXPECT_LE(*outcome.leaking_at, 180) << outcome.last;
  }
}

TEST(EndToEndShapes, LeakThroughDoublingMapsIsLeakingWithinFourMinutes) {
  // 1 MiB/s of nodes of 64 bytes; the bucket array of 8 bytes a slot doubles when it is full.
  const auto map = [](double t) {
    const double elements = (t + 1) * kMiB / 64;
    const double slots = std::exp2(std::ceil(std::log2(elements)));
    return 10 + (elements * 64 + slots * 8) / kMiB;
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome outcome = watch({}, map, seed);
    ASSERT_TRUE(outcome.leaking_at) << outcome.last;
    EXPECT_LE(*outcome.leaking_at, 240) << outcome.last;
  }
}

TEST(EndToEndShapes, SawtoothOnARisingFloorIsLeakingWithinFourMinutes) {
  for (const double rate : {0.7, 1.0}) {
    for (const double period : {7.0, 10.0, 13.0}) {
      for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto shape = [&](double t) { return 30 + rate * t + 60 * tooth(t, period); };
        const Outcome outcome = watch({}, shape, seed);
        ASSERT_TRUE(outcome.leaking_at) << rate << " " << period << " " << outcome.last;
        EXPECT_LE(*outcome.leaking_at, 240) << rate << " " << period << " " << outcome.last;
      }
    }
  }
}

TEST(EndToEndShapes, WarmUpThatFlattensIsNeverLeaking) {
  for (const double tau : {10.0, 15.0, 20.0, 30.0, 60.0}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const Outcome outcome = watch(
          {}, [&](double t) { return 10 + 140 * (1 - std::exp(-t / tau)); }, seed);
      EXPECT_FALSE(outcome.leaking_at) << tau << " at " << *outcome.leaking_at << outcome.last;
    }
  }
}

TEST(EndToEndShapes, LevelSawtoothIsNeverLeaking) {
  for (const double period : {5.0, 7.3, 10.0, 10.1, 16.5}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const Outcome outcome = watch(
          {}, [&](double t) { return 50 + 60 * tooth(t, period); }, seed);
      EXPECT_FALSE(outcome.leaking_at) << period << outcome.last;
    }
  }
}

TEST(EndToEndShapes, FlatProgramIsNeverSuspected) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome outcome = watch(
        {}, [](double) { return 200.0; }, seed);
    EXPECT_FALSE(outcome.suspected_at) << outcome.last;
    EXPECT_FALSE(outcome.leaking_at) << outcome.last;
  }
}

TEST(EndToEndShapes, WorkerThatStaysConstantOrDiesIsNeverLeaking) {
  // A worker is forked, touches its share of a constant total within a second and lives for 20 s.
  Setting run;
  run.duration_seconds = 20;
  const Outcome worker = watch(run, [](double t) { return 40 * std::min(1.0, t); });
  EXPECT_FALSE(worker.leaking_at);
  run.duration_seconds = 25;
  const Outcome dying = watch(run, [](double t) { return 12 + 5 * t; });
  EXPECT_FALSE(dying.leaking_at);
}

TEST(EndToEndShapes, SteadyLeakIsSuspectedWithinTenMinutesAtTheDefaultInterval) {
  Setting run;
  run.interval_seconds = 15;
  run.time_scale = 1;
  run.duration_seconds = 1200;
  for (const double rate : {0.05, 1.0}) {
    run.limit = std::nullopt;
    const Outcome outcome = watch(run, [&](double t) { return 12 + rate * t; });
    ASSERT_TRUE(outcome.suspected_at) << rate << outcome.last;
    EXPECT_LE(*outcome.suspected_at, 600) << rate << outcome.last;
  }
}

}  // namespace
}  // namespace heapfloor
