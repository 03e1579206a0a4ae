// Forecasts over windows whose course is known, and the statistics that they are made of.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "agent/trend/forecast.h"

namespace heapfloor {
namespace {

constexpr double kHour = 3600;
constexpr double kDay = 24 * kHour;
constexpr double kMiB = 1024.0 * 1024;

struct Floors {
  std::vector<double> times;
  std::vector<double> values;

  [[nodiscard]] FloorSpan span() const { return {times, values}; }
};

// `count` floors, `spacing_hours` apart from `first_hours` on, of MiB over hours.
Floors floors_of(int count, double spacing_hours, const std::function<double(double)>& mib,
                 double first_hours = 0) {
  Floors floors;
  for (int i = 0; i < count; ++i) {
    const double hours = first_hours + i * spacing_hours;
    floors.times.push_back(hours * kHour);
    floors.values.push_back(mib(hours) * kMiB);
  }
  return floors;
}

// Seen for 32 hours by floors two hours apart: 4 MiB/h, known to 2 %, from 100 MiB to 228 MiB.
ForecastInput steady(const Floors& floors) {
  ForecastInput input;
  input.now_seconds = floors.times.back();
  input.limit = 1024 * kMiB;
  input.line = floors.values.back();
  const double pace = 4 * kMiB / kHour;
  input.growth = {pace, 0.98 * pace, 1.02 * pace};
  input.window = floors.span();
  input.bucket_seconds = 2 * kHour;
  return input;
}

double line(double hours) { return 100 + 4 * hours; }

// Seconds from now.
struct Left {
  double at = 0;
  double earliest = 0;
  double latest = 0;
};
Left left(const ForecastInput& input) {
  const auto exhaustion = forecast(input);
  EXPECT_TRUE(exhaustion);
  return {exhaustion->at_seconds - input.now_seconds,
          exhaustion->earliest_seconds - input.now_seconds,
          exhaustion->latest_seconds.value_or(INFINITY) - input.now_seconds};
}

TEST(Forecast, OfASteadyLineIsHeadroomByPaceWithinANarrowInterval) {
  const Floors floors = floors_of(17, 2, line);
  const Left time = left(steady(floors));
  const double exact = (1024 - 228) / 4.0 * kHour;
  EXPECT_NEAR(time.at, exact, 1);
  EXPECT_GT(time.earliest, 0.7 * exact);
  EXPECT_LT(time.earliest, exact);
  EXPECT_GT(time.latest, exact);
  EXPECT_LT(time.latest, 1.4 * exact);
}

TEST(Forecast, HoldsTheSlopesIntervalAndMore) {
  const Floors floors = floors_of(17, 2, line);
  ForecastInput input = steady(floors);
  input.growth.low = input.growth.estimate / 2;
  input.growth.high = input.growth.estimate * 2;
  const Left time = left(input);
  EXPECT_LT(time.earliest, time.at / 2);
  EXPECT_GT(time.latest, time.at * 2);
}

TEST(Forecast, FollowsAPaceThatGrowsAndAPaceThatFades) {
  const double along_the_line = (1024 - 228) / 4.0 * kHour;
  const auto parabola = [](double hours) { return 100 + hours * hours / 8; };
  const Floors faster = floors_of(17, 2, parabola);
  const double true_faster = std::sqrt((1024 - 100) * 8.0) * kHour - faster.times.back();
  const Left sooner = left(steady(faster));
  EXPECT_LT(sooner.earliest, true_faster);
  EXPECT_GT(sooner.latest, true_faster);
  EXPECT_GT(sooner.at, 0.999 * true_faster) << "no more than is certain of the bend is taken";
  EXPECT_LT(sooner.at, 0.6 * along_the_line);

  const auto root = [](double hours) { return 100 + 128 * std::pow(hours / 32, 0.7); };
  const Floors slower = floors_of(17, 2, root);
  const double true_slower =
      32 * kHour * std::pow((1024 - 100) / 128.0, 1 / 0.7) - slower.times.back();
  const Left later = left(steady(slower));
  EXPECT_LT(later.earliest, true_slower);
  EXPECT_GT(later.latest, true_slower);
  EXPECT_GT(later.at, 1.3 * along_the_line);
  EXPECT_LT(later.at, true_slower);
}

TEST(Forecast, IsLessSureWhereTheGrowthComesInLots) {
  const auto stairs = [](double hours) { return 100 + 32 * std::floor((hours + 3) / 8); };
  const Left smooth = left(steady(floors_of(17, 2, line)));
  const Floors floors = floors_of(17, 2, stairs);
  ForecastInput input = steady(floors);
  input.line = 228 * kMiB;
  const Left stepped = left(input);
  EXPECT_LT(stepped.earliest, 0.9 * smooth.earliest);
  EXPECT_GT(stepped.latest, 1.1 * smooth.latest);
}

TEST(Forecast, CountsTeethThatGrowWithTheFloorTwice) {
  const Floors floors = floors_of(17, 2, line);
  ForecastInput input = steady(floors);
  input.amplitude = input.usual_amplitude = 228 * kMiB;
  const Left fixed = left(input);
  input.tooth_growth = {1, 0.05};
  const Left growing = left(input);
  EXPECT_NEAR(growing.at, fixed.at / 2, 1);
  input.tooth_growth = {1, 0.5};
  const Left unsure = left(input);
  EXPECT_NEAR(unsure.at, fixed.at, 1) << "two standard errors are not certain";
  EXPECT_LT(unsure.earliest, 0.6 * fixed.earliest);
  EXPECT_NEAR(unsure.latest, fixed.latest, 1);
}

TEST(Forecast, TakesTheRiseOfTheHoursOfADayAtThePaceOfTheDay) {
  // 24 MiB a day net; 48 MiB up in its first half and 24 MiB down in the other.
  const auto wave = [](double hours) {
    const double into = std::fmod(hours, 24);
    return 100 + std::floor(hours / 24) * 24 + (into < 12 ? 4 * into : 48 - 2 * (into - 12));
  };
  const Floors window = floors_of(13, 1, wave, 72);
  const Floors days = floors_of(42, 2, wave);
  ForecastInput input = steady(window);
  const Left unknown = left(input);
  input.days = days.span();
  const Left known = left(input);
  EXPECT_NEAR(known.at, 4 * unknown.at, 0.01 * known.at);
  EXPECT_EQ(known.earliest, unknown.earliest);
  EXPECT_GT(known.latest, known.at);
}

TEST(Forecast, OfARampThatTheDayBeforeDidNotKnowIgnoresTheDay) {
  const auto ramp = [](double hours) { return 100 + 4 * std::max(0.0, hours - 72); };
  const Floors window = floors_of(13, 1, ramp, 72);
  const Floors days = floors_of(42, 2, ramp);
  ForecastInput input = steady(window);
  const Left alone = left(input);
  input.days = days.span();
  EXPECT_EQ(left(input).latest, alone.latest);
}

TEST(Forecast, HasNoEndWhereTheSlopeMayBeNearZeroAndIsNowOnceTheLimitIsMet) {
  const Floors floors = floors_of(17, 2, line);
  ForecastInput input = steady(floors);
  input.growth.low = 0.05 * input.growth.estimate;
  EXPECT_FALSE(forecast(input)->latest_seconds);
  input.limit = 200 * kMiB;
  EXPECT_EQ(forecast(input)->at_seconds, input.now_seconds);
  EXPECT_EQ(forecast(input)->latest_seconds, input.now_seconds);
  input.growth = {};
  EXPECT_FALSE(forecast(input));
}

TEST(Forecast, IsFiniteAndInOrderWhateverComesIn) {
  const Floors floors = floors_of(17, 2, line);
  std::mt19937_64 random(4327);
  std::uniform_real_distribution<double> exponent(-20, 20);
  std::uniform_int_distribution<int> count(0, 17);
  const auto any = [&] { return std::pow(10, exponent(random)); };
  for (int i = 0; i < 2000; ++i) {
    ForecastInput input = steady(floors);
    const auto kept = static_cast<std::size_t>(count(random));
    input.window = {input.window.times.last(kept), input.window.values.last(kept)};
    input.days = i % 2 == 0 ? floors.span() : FloorSpan{};
    input.limit = any();
    input.line = any() - any();
    input.amplitude = any();
    input.usual_amplitude = any();
    input.growth.estimate = any();
    input.growth.low = input.growth.estimate * std::min(1.0, any());
    input.growth.high = input.growth.estimate * std::max(1.0, any());
    input.tooth_growth = {any() - any(), any()};
    const auto exhaustion = forecast(input);
    ASSERT_TRUE(exhaustion);
    ASSERT_TRUE(std::isfinite(exhaustion->at_seconds));
    ASSERT_GE(exhaustion->earliest_seconds, input.now_seconds);
    ASSERT_LE(exhaustion->earliest_seconds, exhaustion->at_seconds);
    if (exhaustion->latest_seconds) {
      ASSERT_GE(*exhaustion->latest_seconds, exhaustion->at_seconds);
      ASSERT_TRUE(std::isfinite(*exhaustion->latest_seconds));
    }
  }
}

TEST(GrowthCourse, KnowsALineFromAParabolaAndARoot) {
  const auto bend = [](const std::function<double(double)>& mib) {
    return measure_course(floors_of(17, 2, mib).span(), 2 * kHour, kDay).bend;
  };
  EXPECT_NEAR(bend(line), 0, 1e-9);
  EXPECT_NEAR(bend([](double hours) { return hours * hours; }), 1, 1e-9);
  EXPECT_NEAR(bend([](double hours) { return 200 + std::sqrt(hours); }), -0.86, 0.02);
}

TEST(GrowthCourse, IsAsUncertainAsItsNoise) {
  // The bend's standard error against how far it really scatters.
  std::mt19937_64 random(4327);
  std::normal_distribution<double> noise(0, 5);
  double squares = 0;
  double foretold = 0;
  constexpr int kSeries = 400;
  for (int i = 0; i < kSeries; ++i) {
    const Floors floors =
        floors_of(17, 2, [&](double hours) { return line(hours) + noise(random); });
    const GrowthCourse course = measure_course(floors.span(), 2 * kHour, kDay);
    squares += course.bend * course.bend / kSeries;
    foretold += course.bend_deviation / kSeries;
  }
  EXPECT_GT(foretold, 0.9 * std::sqrt(squares));
  EXPECT_LT(foretold, 1.7 * std::sqrt(squares)) << "autocorrelation by chance counts as well";
}

TEST(GrowthCourse, TakesOffWhatTheTimeOfDayExplains) {
  constexpr double kTurn = 6.283185307179586;
  const auto daily = [](double hours) { return line(hours) + 60 * std::sin(kTurn * hours / 24); };
  const GrowthCourse course = measure_course(floors_of(36, 2, daily).span(), 2 * kHour, kDay);
  EXPECT_NEAR(course.bend, 0, 1e-6);
  EXPECT_LT(course.bend_deviation, 0.01);
  const GrowthCourse other = measure_course(floors_of(36, 2, daily).span(), 2 * kHour, 10 * kDay);
  EXPECT_GT(other.bend_deviation, 0.1);
}

TEST(GrowthCourse, TellsGrowthInLotsFromNoiseAboutALine) {
  // Increments of the same variance; those of noise are taken back.
  std::mt19937_64 random(4327);
  std::normal_distribution<double> noise(0, 8 / std::sqrt(2.0));
  std::exponential_distribution<double> lot(1 / 8.0);
  double of_lots = 0;
  double of_noise = 0;
  constexpr int kSeries = 100;
  for (int i = 0; i < kSeries; ++i) {
    double held = 100;
    const Floors lots = floors_of(17, 2, [&](double) { return held += lot(random); });
    const Floors noisy =
        floors_of(17, 2, [&](double hours) { return line(hours) + noise(random); });
    of_lots += measure_course(lots.span(), 2 * kHour, kDay).lot_deviation / kSeries;
    of_noise += measure_course(noisy.span(), 2 * kHour, kDay).lot_deviation / kSeries;
  }
  EXPECT_NEAR(of_lots, 1, 0.3) << "of exponential lots the deviation is the mean";
  EXPECT_LT(of_noise, 0.5 * of_lots);
}

TEST(GrowthCourse, OfTooFewFloorsIsUnknown) {
  const Floors floors = floors_of(4, 2, line);
  EXPECT_EQ(measure_course(floors.span(), 2 * kHour, kDay).bend_deviation,
            GrowthCourse::kUnknownBend);
  EXPECT_EQ(measure_course({}, 2 * kHour, kDay).bend, 0);
}

TEST(ToothGrowth, FollowsTeethThatAreAShareOfTheFloor) {
  std::mt19937_64 random(4327);
  std::normal_distribution<double> jitter(1, 0.15);
  ToothGrowth growing;
  ToothGrowth fixed;
  for (int i = 0; i < 40; ++i) {
    const double floor = (100 + 2 * i) * kMiB;
    growing.push(floor, 0.8 * floor * jitter(random));
    fixed.push(floor, 100 * kMiB * jitter(random));
  }
  const ToothGrowth::Estimate estimate = growing.estimate();
  EXPECT_NEAR(estimate.ratio, 0.8, 3 * estimate.deviation);
  EXPECT_GT(estimate.ratio, 3 * estimate.deviation);
  EXPECT_LT(std::abs(fixed.estimate().ratio), 3 * fixed.estimate().deviation);
}

TEST(ToothGrowth, SaysNothingOfFewTeethOrOfALevelFloor) {
  ToothGrowth teeth;
  for (int i = 0; i < 6; ++i) teeth.push((100 + i) * kMiB, 50 * kMiB);
  EXPECT_EQ(teeth.estimate().ratio, 0);
  EXPECT_EQ(teeth.estimate().deviation, 0);
  ToothGrowth level;
  for (int i = 0; i < 100; ++i) level.push(100 * kMiB, (50 + i % 7) * kMiB);
  EXPECT_EQ(level.estimate().ratio, 0);
}

TEST(ToothGrowth, GoesOnWhereItWasWrittenDown) {
  ToothGrowth teeth;
  for (int i = 0; i < 20; ++i) teeth.push((100 + i) * 1e12, (50 + 2 * i) * 1e12);
  std::string bytes;
  ByteWriter out(bytes);
  teeth.save(out);
  ToothGrowth again;
  ByteReader in(bytes);
  ASSERT_TRUE(again.restore(in) && in.finished());
  EXPECT_EQ(again.estimate().ratio, teeth.estimate().ratio);
  ToothGrowth damaged;
  ByteReader short_in(std::string_view(bytes).substr(0, bytes.size() - 1));
  EXPECT_FALSE(damaged.restore(short_in));
}

TEST(Severity, FollowsTheEarliestExhaustion) {
  Verdict verdict;
  EXPECT_EQ(severity(verdict, 0), Severity::info);
  verdict.exhaustion = Exhaustion{2e6, 3600, std::nullopt};
  EXPECT_EQ(severity(verdict, 0), Severity::critical);
  verdict.exhaustion->earliest_seconds = 5 * 86400.0;
  EXPECT_EQ(severity(verdict, 0), Severity::warning);
  verdict.exhaustion->earliest_seconds = 15 * 86400.0;
  EXPECT_EQ(severity(verdict, 0), Severity::info);
  EXPECT_EQ(severity(verdict, 14.5 * 86400), Severity::critical);
}

}  // namespace
}  // namespace heapfloor
