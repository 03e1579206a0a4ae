// What no reading can do to a detector, however wrong: crash it, fill it, make it say what is not a
// number, or raise an alarm on a healthy series.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/trend/detector.h"
#include "agent/trend/explain.h"
#include "agent/trend/state_bytes.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string saved(const Detector& detector) {
  std::string bytes;
  ByteWriter out(bytes);
  detector.save(out);
  return bytes;
}

// What holds of every detector at every time.
void expect_sound(const Detector& detector, const TrendPolicy& policy, double now_seconds) {
  const Verdict& verdict = detector.verdict();
  for (const double number : {verdict.z, verdict.growth.estimate, verdict.growth.low,
                              verdict.growth.high, verdict.level_median, verdict.line_value,
                              verdict.evidence_seconds, verdict.evidence_needed_seconds,
                              verdict.window_start_seconds, verdict.window_end_seconds}) {
    ASSERT_TRUE(std::isfinite(number));
  }
  ASSERT_TRUE(verdict.floor >= 0 && verdict.floor <= 9.3e18) << verdict.floor;
  ASSERT_TRUE(verdict.amplitude >= 0 && std::isfinite(verdict.amplitude)) << verdict.amplitude;
  ASSERT_TRUE(verdict.confidence >= 0 && verdict.confidence <= 1) << verdict.confidence;
  ASSERT_TRUE(!verdict.limit || (std::isfinite(*verdict.limit) && *verdict.limit > 0));
  if (verdict.exhaustion) {
    ASSERT_GE(verdict.exhaustion->earliest_seconds, now_seconds);
    ASSERT_LE(verdict.exhaustion->earliest_seconds, verdict.exhaustion->at_seconds);
    ASSERT_TRUE(std::isfinite(verdict.exhaustion->at_seconds));
  }
  const std::string words = explain(verdict, now_seconds);
  ASSERT_TRUE(!words.empty() && words.size() < 512) << words;
  const std::string bytes = saved(detector);
  ASSERT_LE(bytes.size(), 4096U);
  Detector successor(policy, detector.traits());
  ByteReader in(bytes);
  ASSERT_TRUE(successor.restore(in) && in.finished()) << "whatever was lived through is restored";
  ASSERT_EQ(saved(successor), bytes);
}

// Half of all readings are of a service that leaks, half are of a broken sender.
class HostileSender {
 public:
  explicit HostileSender(std::uint64_t seed) : random_(seed) {}

  Observation next() {
    Observation reading;
    step();
    reading.time_seconds = time_;
    reading.value =
        300 * kMiB + 2000 * std::fmod(time_, 1e6) + 1e5 * static_cast<double>(random_() % 64);
    reading.epoch = epoch_ += random_() % 3;
    reading.limit = 2048 * kMiB;
    if (random_() % 2 == 0) spoil(reading);
    return reading;
  }

 private:
  template <class T, std::size_t size>
  T any(const std::array<T, size>& of) {
    return of.at(random_() % size);
  }

  void step() {
    const std::uint64_t kind = random_() % 1000;
    if (kind == 0)
      time_ += 3 * 365 * 86400.0;
    else if (kind < 5)
      time_ += 86400;
    else if (kind < 50)
      time_ += 0.001;
    else
      time_ += 15;
  }

  void spoil(Observation& reading) {
    static constexpr std::array<double, 14> kValues = {
        kNaN,  kInfinity, -kInfinity, -1,     -0.0,   0,     1e-308,
        1e300, 0x1p63,    0x1p64,     0x1p62, 9.2e18, 1e-10, 4096};
    static constexpr std::array<double, 12> kLimits = {
        kNaN, kInfinity, -kInfinity, -5, 0, 1, 1e-300, 1e305, 0x1p63, 1e8, 1e12, 1e20};
    static constexpr std::array<std::uint64_t, 5> kEpochs = {
        0, 1, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max(), 1000};
    switch (random_() % 6) {
      case 0:
        reading.value = any(kValues);
        break;
      case 1:
        reading.limit = any(kLimits);
        break;
      case 2:
        reading.epoch = random_() % 2 == 0 ? std::nullopt : std::optional(any(kEpochs));
        break;
      case 3:
        reading.time_seconds -= any(std::array<double, 6>{kNaN, kInfinity, -1e300, 1e300, 1e5, 7});
        break;
      case 4:
        reading.load = any(std::array<double, 5>{kNaN, kInfinity, -1, 0, 1e300});
        break;
      default:
        reading.value *= static_cast<double>(random_() % 100) / 10;
    }
  }

  std::mt19937_64 random_;
  double time_ = 1000;
  std::uint64_t epoch_ = 0;
};

// One reading that is not a number must not cost a series its history.
TEST(ObservationBytes, AreReadBackWhateverWasObserved) {
  HostileSender sender(9);
  for (int i = 0; i < 2000; ++i) {
    const Observation reading = sender.next();
    std::string bytes;
    ByteWriter out(bytes);
    save_observation(out, reading);
    ByteReader in(bytes);
    const Observation back = take_observation(in);
    ASSERT_TRUE(in.finished()) << reading.value;
    ASSERT_EQ(back.epoch, reading.epoch);
    if (std::isfinite(reading.value)) {
      ASSERT_EQ(back.value, reading.value);
    }
  }
}

class HostileData : public ::testing::TestWithParam<SignalTraits> {};

TEST_P(HostileData, LeavesEveryStateSoundBoundedAndRestorable) {
  for (const double bucket_seconds : {0.01, 60.0, 3600.0}) {
    TrendPolicy policy;
    policy.bucket_seconds = bucket_seconds;
    Detector detector(policy, GetParam());
    Observation with_load;  // from which on loads are kept
    with_load.load = 1;
    for (const std::uint64_t epoch : {0U, 1U}) {
      with_load.epoch = epoch;
      detector.observe(with_load);
    }
    const std::size_t bytes = detector.memory_bytes();
    HostileSender sender(7);
    double now = -kInfinity;
    for (int i = 0; i < 20000; ++i) {
      const Observation reading = sender.next();
      if (detector.observe(reading)) now = reading.time_seconds;
      if (i % 50 != 0 || std::isinf(now)) continue;
      ASSERT_NO_FATAL_FAILURE(expect_sound(detector, policy, now)) << "at reading " << i;
    }
    EXPECT_EQ(detector.memory_bytes(), bytes);
    EXPECT_GT(detector.full_tests(), 0U);
  }
}

TEST_P(HostileData, IsAsIfReadingsThatAreIgnoredHadNeverCome) {
  const TrendPolicy policy;
  Detector attacked(policy, GetParam());
  Detector spared(policy, GetParam());
  HostileSender sender(8);
  double newest = -kInfinity;
  std::size_t ignored = 0;
  for (int i = 0; i < 20000; ++i) {
    Observation reading = sender.next();
    const bool closed = attacked.observe(reading);
    const bool is_plausible = std::abs(reading.time_seconds) <= 1e12 &&
                              reading.time_seconds >= newest && reading.value >= 0 &&
                              reading.value <= 9.2e18;
    if (!is_plausible) {
      ++ignored;
      ASSERT_FALSE(closed);
      continue;
    }
    newest = reading.time_seconds;
    if (reading.limit && !(*reading.limit > 0 && *reading.limit <= 1e20)) reading.limit.reset();
    if (reading.load && !(*reading.load >= 0 && *reading.load <= 1e30)) reading.load.reset();
    ASSERT_EQ(spared.observe(reading), closed);
    ASSERT_EQ(saved(attacked), saved(spared)) << "at reading " << i;
  }
  EXPECT_GT(ignored, 1000U);
}

INSTANTIATE_TEST_SUITE_P(AllTraits, HostileData,
                         ::testing::Values(SignalTraits::unmarked, SignalTraits::exact,
                                           SignalTraits::gc_marked));

// Detector and judge over a healthy series: whether it was ever called leaking.
bool alarmed(const TrendPolicy& policy, SignalTraits traits, std::vector<Observation> readings) {
  Detector detector(policy, traits);
  LeakJudge judge(policy);
  return std::ranges::any_of(readings, [&](const Observation& reading) {
    if (!detector.observe(reading)) return false;
    const Verdict& verdict = detector.verdict();
    return judge.step(verdict, reading.time_seconds, verdict.floor) == LeakState::leaking;
  });
}

// One value a minute in an order that says nothing, so that no rise of it is a trend.
std::vector<Observation> permuted(std::vector<double> values, std::mt19937_64& random) {
  std::ranges::shuffle(values, random);
  std::vector<Observation> readings;
  for (const double value : values) {
    Observation reading;
    reading.time_seconds = 60.0 * static_cast<double>(readings.size());
    reading.value = value;
    reading.limit = 1024 * kMiB;
    reading.epoch = readings.size();
    readings.push_back(reading);
  }
  return readings;
}

// Noise about a level; rare huge humps; two levels; powers of two.
std::vector<double> healthy_values(int kind, std::size_t count, std::mt19937_64& random) {
  std::normal_distribution<double> noise(0, 1);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    double value = 300 + 30 * noise(random);
    if (kind == 1 && random() % 50 == 0) value = 900;
    if (kind == 2) value = random() % 2 == 0 ? 200 : 700;
    if (kind == 3) value = std::ldexp(1.0, static_cast<int>(random() % 10));
    values.push_back(std::max(0.0, value) * kMiB);
  }
  return values;
}

TEST(HealthyData, RaisesNoAlarmInAnyOrder) {
  std::mt19937_64 random(20);
  const TrendPolicy policy;
  for (const SignalTraits traits :
       {SignalTraits::unmarked, SignalTraits::exact, SignalTraits::gc_marked}) {
    for (int kind = 0; kind < 4; ++kind) {
      for (int i = 0; i < 25; ++i) {
        const auto readings = permuted(healthy_values(kind, 4000, random), random);
        EXPECT_FALSE(alarmed(policy, traits, readings)) << "kind " << kind << ", series " << i;
      }
    }
  }
}

std::vector<Observation> constant(double value, double spacing_seconds, std::size_t count,
                                  double limit) {
  std::vector<Observation> readings(count);
  for (std::size_t i = 0; i < count; ++i) {
    readings[i].time_seconds = spacing_seconds * static_cast<double>(i);
    readings[i].value = value;
    readings[i].limit = limit;
    readings[i].epoch = i;
  }
  return readings;
}

TEST(HealthyData, RaisesNoAlarmWhereTheValueIsConstantAtAnyDensityAndBelowOrAboveTheLimit) {
  for (const SignalTraits traits :
       {SignalTraits::unmarked, SignalTraits::exact, SignalTraits::gc_marked}) {
    for (const double spacing : {0.001, 1.0, 600.0, 86400.0, 3.2e7}) {
      TrendPolicy policy;
      policy.bucket_seconds = std::max(1.0, 4 * std::min(spacing, 900.0));
      for (const double limit : {1.0, 299 * kMiB, 300 * kMiB, 0x1p63}) {
        EXPECT_FALSE(alarmed(policy, traits, constant(300 * kMiB, spacing, 5000, limit)))
            << spacing << " s, limit " << limit;
      }
    }
  }
}

TEST(HealthyData, RaisesNoAlarmHoweverTheLimitJumps) {
  std::mt19937_64 random(21);
  const TrendPolicy policy;
  for (int i = 0; i < 40; ++i) {
    auto readings = permuted(healthy_values(0, 3000, random), random);
    for (Observation& reading : readings) {
      reading.limit = std::ldexp(1.0, static_cast<int>(random() % 70) - 3);
      if (random() % 4 == 0) reading.limit = kNaN;
    }
    EXPECT_FALSE(alarmed(policy, SignalTraits::unmarked, readings)) << i;
  }
}

// A leak that is interrupted for years is nothing that its floors before the gap could tell of.
TEST(HealthyData, RaisesNoAlarmAfterYearsWithoutAReading) {
  const TrendPolicy policy;
  for (const SignalTraits traits : {SignalTraits::unmarked, SignalTraits::exact}) {
    std::vector<Observation> readings;
    double time = 0;
    for (int i = 0; i < 3000; ++i) {
      time += i % 500 == 499 ? 4 * 365 * 86400.0 : 60;
      Observation reading;
      reading.time_seconds = time;
      reading.value = (300 + 20 * std::floor(i / 500.0)) * kMiB;
      reading.limit = 4096 * kMiB;
      readings.push_back(reading);
    }
    EXPECT_FALSE(alarmed(policy, traits, readings));
  }
}

}  // namespace
}  // namespace heapfloor
