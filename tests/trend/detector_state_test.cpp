// A detector that was written down and read back goes on as if nothing had happened.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "agent/trend/detector.h"

namespace heapfloor {
namespace {

std::string saved(const Detector& detector) {
  std::string bytes;
  ByteWriter out(bytes);
  detector.save(out);
  return bytes;
}

bool restored(Detector& detector, const std::string& bytes) {
  ByteReader in(bytes);
  return detector.restore(in) && in.finished();
}

// Days of a service: a wave, noise, compactions, and from the second day on a leak.
std::vector<Observation> service(std::uint64_t seed, bool with_epochs) {
  constexpr double kMiB = 1024.0 * 1024.0;
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 2 * kMiB);
  std::vector<Observation> observations;
  double heap = 0;
  std::uint64_t epoch = 0;
  for (int i = 0; i < 12000; ++i) {
    Observation reading;
    reading.time_seconds = 30.0 * i;
    heap += 1.5 * kMiB;
    if (heap > 120 * kMiB) {
      heap = 0;
      ++epoch;
    }
    const double leak = i > 3000 ? 0.05 * kMiB * (i - 3000) : 0;
    const double wave = 20 * kMiB * std::sin(6.283185307179586 * i / 2880);
    reading.value = std::max(0.0, 300 * kMiB + heap + leak + wave + noise(random));
    if (with_epochs) reading.epoch = epoch;
    reading.limit = 2048 * kMiB;
    observations.push_back(reading);
  }
  return observations;
}

class DetectorState : public ::testing::TestWithParam<SignalTraits> {};

TEST_P(DetectorState, GoesOnExactlyWhereverItIsCut) {
  const TrendPolicy policy;
  Detector whole(policy, GetParam());
  Detector cut(policy, GetParam());
  std::size_t evidence = 0;
  std::size_t number = 0;
  for (const Observation& reading : service(4327, GetParam() == SignalTraits::gc_marked)) {
    ASSERT_EQ(whole.observe(reading), cut.observe(reading));
    if (whole.verdict().evidence >= Evidence::held) ++evidence;
    if (++number % 97 != 0) continue;
    const std::string bytes = saved(cut);
    Detector next(policy, GetParam());
    ASSERT_TRUE(restored(next, bytes)) << "at reading " << number;
    ASSERT_EQ(saved(next), bytes) << "at reading " << number;
    cut = next;
    ASSERT_EQ(saved(whole), bytes) << "at reading " << number;
  }
  EXPECT_GT(evidence, 0U) << "the leak is seen at times, so that such a state is among those cut";
  EXPECT_LE(saved(whole).size(), 4096U);
}

INSTANTIATE_TEST_SUITE_P(AllTraits, DetectorState,
                         ::testing::Values(SignalTraits::unmarked, SignalTraits::exact,
                                           SignalTraits::gc_marked));

Detector lived(const TrendPolicy& policy) {
  Detector detector(policy, SignalTraits::unmarked);
  for (const Observation& reading : service(1, false)) detector.observe(reading);
  return detector;
}

TEST(DetectorStateRefusal, RefusesAnotherVersionAndAnotherShapeAndChangesNothing) {
  const TrendPolicy policy;
  const std::string bytes = saved(lived(policy));
  std::string newer = bytes;
  newer[0] = static_cast<char>(Detector::kStateVersion + 1);
  Detector same(policy, SignalTraits::unmarked);
  EXPECT_FALSE(restored(same, newer));
  TrendPolicy wide = policy;
  wide.bucket_seconds = 120;
  TrendPolicy deep = policy;
  deep.history_days = 300;
  TrendPolicy small = policy;
  small.ring = 12;
  for (const TrendPolicy* const other : {&wide, &deep, &small}) {
    Detector detector(*other, SignalTraits::unmarked);
    const std::string before = saved(detector);
    EXPECT_FALSE(restored(detector, bytes));
    EXPECT_EQ(saved(detector), before);
  }
  Detector exact(policy, SignalTraits::exact);
  EXPECT_FALSE(restored(exact, bytes));
}

TEST(DetectorStateRefusal, RefusesEveryTruncationAndSurvivesEveryDamage) {
  const TrendPolicy policy;
  const std::string bytes = saved(lived(policy));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Detector detector(policy, SignalTraits::unmarked);
    ASSERT_FALSE(restored(detector, bytes.substr(0, size))) << size;
  }
  std::mt19937_64 random(4327);
  std::size_t refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    for (std::uint64_t changes = 1 + random() % 8; changes > 0; --changes)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    Detector detector(policy, SignalTraits::unmarked);
    if (!restored(detector, damaged)) {
      ++refused;
      continue;
    }
    for (const Observation& reading : service(2, false)) {
      if (reading.time_seconds > 4000) break;
      Observation later = reading;
      later.time_seconds += 400000;
      detector.observe(later);
    }
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace heapfloor
