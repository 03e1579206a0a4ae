#include "agent/trend/detector.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "agent/trend/explain.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;

// As of the newest floor.
std::string words(const Verdict& verdict, std::string_view counted = {}) {
  return explain(verdict, verdict.window_end_seconds, counted);
}

class Series {
 public:
  explicit Series(SignalTraits traits, TrendPolicy policy = minutes())
      : policy_(policy), detector_(policy_, traits) {}

  static TrendPolicy minutes() {
    TrendPolicy policy;
    policy.bucket_seconds = 60;
    policy.time_scale = 1.0 / 60;
    return policy;
  }

  // One reading every 15 s from the last time on.
  void feed(double seconds, const std::function<double(double)>& mib) {
    for (const double end = now_ + seconds; now_ < end; now_ += 15) {
      Observation observation;
      observation.time_seconds = now_;
      observation.value = mib(now_) * kMiB;
      observation.limit = limit;
      observation.epoch = epoch ? std::optional(epoch(now_)) : std::nullopt;
      observation.load = load ? std::optional(load(now_)) : std::nullopt;
      detector_.observe(observation);
    }
  }

  Detector& operator*() { return detector_; }
  Detector* operator->() { return &detector_; }
  [[nodiscard]] double now() const { return now_; }

  std::optional<double> limit;
  std::function<std::uint64_t(double)> epoch;
  std::function<double(double)> load;

 private:
  TrendPolicy policy_;
  Detector detector_;
  double now_ = 120000;
};

TEST(Detector, KeepsWithinThreeKibibytesASeriesEvenAtOneReadingASecond) {
  TrendPolicy policy;
  policy.bucket_seconds = 4;
  Detector detector(policy, SignalTraits::unmarked);
  const std::size_t without_load = detector.memory_bytes();
  EXPECT_LE(without_load, 3072U);
  Observation reading;
  reading.load = 1;
  detector.observe(reading);
  EXPECT_GT(detector.memory_bytes(), without_load);
  EXPECT_LE(detector.memory_bytes(), 3072U);
}

TEST(Detector, LearnsUntilEightFloorsAreClosed) {
  Series series(SignalTraits::exact);
  series.feed(8 * 60, [](double) { return 100; });
  EXPECT_EQ(series->verdict().evidence, Evidence::too_few_floors);
  series.feed(90, [](double) { return 100; });
  EXPECT_EQ(series->verdict().evidence, Evidence::none);
}

TEST(Detector, ConfirmsALinearLeakWithItsSlopeIntervalAndForecast) {
  Series series(SignalTraits::exact);
  series.limit = 4096 * kMiB;
  series.feed(45 * 60, [&](double t) { return 100 + 0.5 * (t - 120000); });
  const Verdict& verdict = series->verdict();
  ASSERT_EQ(verdict.evidence, Evidence::confirmed) << words(verdict);
  EXPECT_FALSE(verdict.deciding_gate);
  EXPECT_NEAR(verdict.growth.estimate, 0.5 * kMiB, 0.01 * kMiB);
  EXPECT_LE(verdict.growth.low, verdict.growth.estimate);
  EXPECT_GE(verdict.growth.high, verdict.growth.estimate);
  EXPECT_GT(verdict.confidence, 0.99);
  ASSERT_TRUE(verdict.exhaustion);
  const double crossing = 120000 + (4096 - 100) / 0.5;
  EXPECT_NEAR(verdict.exhaustion->at_seconds, crossing, 120);
  EXPECT_LE(verdict.exhaustion->earliest_seconds, verdict.exhaustion->at_seconds);
  EXPECT_GE(*verdict.exhaustion->latest_seconds, verdict.exhaustion->at_seconds);
}

TEST(Detector, FindsNoEvidenceInAFlatFallingOrSteppedSeries) {
  const std::vector<std::function<double(double)>> shapes = {
      [](double) { return 300; },
      [](double t) { return 900 - 0.05 * (t - 120000); },
      [](double t) { return t > 124000 ? 400 : 300; },
  };
  for (const auto& shape : shapes) {
    Series series(SignalTraits::unmarked);
    series.limit = 1024 * kMiB;
    series.feed(7200, shape);
    EXPECT_EQ(series->verdict().evidence, Evidence::none) << words(series->verdict());
    EXPECT_LE(series->verdict().confidence, 0.5);
  }
}

// Rises for two hours and then no more: buckets of 8 minutes saw it stop, those of one see nothing.
TEST(Detector, ExplainsByTheLevelThatGotFurthestAtEveryCloseWhereNothingRises) {
  Series series(SignalTraits::exact);
  const auto shape = [](double t) { return 100 + 0.05 * std::min(t - 120000, 7200.0); };
  series.feed(7200 + 41 * 60, shape);
  for (int minute = 0; minute < 6; ++minute) {
    series.feed(60, shape);
    const Verdict& verdict = series->verdict();
    ASSERT_EQ(verdict.evidence, Evidence::none) << words(verdict);
    ASSERT_TRUE(verdict.deciding_gate);
    EXPECT_EQ(gate_name(*verdict.deciding_gate), "still_growing") << minute << words(verdict);
    EXPECT_EQ(verdict.bucket_seconds, 480) << minute;
    EXPECT_EQ(verdict.floor, 460 * kMiB);
  }
}

TEST(Detector, HoldsSaturatingGrowthByShapeAndForetellsThePlateau) {
  Series series(SignalTraits::unmarked);
  series.limit = 4096 * kMiB;
  bool held_by_shape = false;
  for (int minute = 0; minute < 40; ++minute) {
    series.feed(60, [](double t) { return 100 + 300 * (1 - std::exp(-(t - 120000) / 600)); });
    const Verdict& verdict = series->verdict();
    EXPECT_NE(verdict.evidence, Evidence::confirmed) << words(verdict);
    if (verdict.evidence == Evidence::held && verdict.deciding_gate == Gate::shape) {
      held_by_shape = true;
      ASSERT_TRUE(verdict.asymptote);
      EXPECT_NEAR(*verdict.asymptote, 400 * kMiB, 100 * kMiB);
    }
  }
  EXPECT_TRUE(held_by_shape);
}

TEST(Detector, HoldsASlowLeakByPatienceAndSaysHowMuchIsMissing) {
  TrendPolicy policy;
  Series series(SignalTraits::exact, policy);
  series.limit = 100 * 1024 * kMiB;
  series.feed(3600, [&](double t) { return 300 + 0.05 * (t - 120000); });
  const Verdict& verdict = series->verdict();
  ASSERT_EQ(verdict.evidence, Evidence::held);
  EXPECT_EQ(verdict.deciding_gate, Gate::patience);
  EXPECT_GT(verdict.evidence_needed_seconds, verdict.evidence_seconds);
  EXPECT_LE(verdict.confidence, 0.5);
  EXPECT_NE(words(verdict).find("; not confirmed: it has to go on for "), std::string::npos);
}

TEST(Detector, TakesOnlyReadingsAfterACollectionForFloorsOfAMarkedSeries) {
  Series series(SignalTraits::gc_marked);
  series.limit = 2048 * kMiB;
  series.epoch = [](double t) { return static_cast<std::uint64_t>(t) / 120; };
  // The heap climbs between collections and falls back to a level floor.
  series.feed(4 * 3600, [](double t) { return 200 + std::fmod(t, 120); });
  EXPECT_EQ(series->verdict().evidence, Evidence::none) << words(series->verdict());
  EXPECT_NEAR(static_cast<double>(series->compactions()), 4 * 30, 1);
  EXPECT_NEAR(series->verdict().amplitude, 105 * kMiB, 6 * kMiB);
  for (const Floor& floor : series->floors()) {
    EXPECT_EQ(floor.value, 200 * kMiB);
  }
}

TEST(Detector, ConfirmsARisingFloorUnderCollections) {
  Series series(SignalTraits::gc_marked);
  series.limit = 1024 * kMiB;
  series.epoch = [](double t) { return static_cast<std::uint64_t>(t) / 120; };
  bool confirmed = false;
  for (int i = 0; i < 90 && !confirmed; ++i) {
    series.feed(60, [](double t) { return 100 + 0.1 * (t - 120000) + std::fmod(t, 120); });
    confirmed = series->verdict().evidence == Evidence::confirmed;
  }
  EXPECT_TRUE(confirmed) << words(series->verdict());
}

TEST(Detector, TakesANearlyFullHeapForItsOwnLimitWhereNoneIsKnown) {
  Series series(SignalTraits::gc_marked);
  series.epoch = [](double t) { return static_cast<std::uint64_t>(t) / 60; };
  bool confirmed = false;
  for (int i = 0; i < 90 && !confirmed; ++i) {
    series.feed(60, [](double t) {
      const double live = 60 + 0.1 * (t - 120000);
      return live + std::fmod(t, 60) / 60 * std::max(20.0, 400 - live);
    });
    confirmed = series->verdict().evidence == Evidence::confirmed;
    if (confirmed) {
      EXPECT_GE(series->verdict().floor, 0.7 * 400 * kMiB);
      EXPECT_FALSE(series->verdict().limit);
      EXPECT_FALSE(series->verdict().exhaustion);
    }
  }
  EXPECT_TRUE(confirmed) << words(series->verdict());
}

TEST(Detector, JudgesRareCollectionsFromFivePointsByTheExactTest) {
  TrendPolicy policy;
  policy.bucket_seconds = 3600;
  Detector detector(policy, SignalTraits::gc_marked);
  std::optional<int> confirmed_at;
  for (int day = 0; day < 12 && !confirmed_at; ++day) {
    Observation observation;
    observation.time_seconds = 86400.0 * day;
    observation.epoch = static_cast<std::uint64_t>(day) + 1;
    observation.value = (500 + 60.0 * day) * kMiB;
    observation.limit = 2048 * kMiB;
    detector.observe(observation);
    if (detector.verdict().evidence == Evidence::confirmed) {
      confirmed_at = day;
      EXPECT_EQ(detector.verdict().level, -1);
    }
  }
  ASSERT_TRUE(confirmed_at) << words(detector.verdict());
  EXPECT_LE(*confirmed_at, 8);
}

TEST(Detector, InfersTheTroughsOfAnUnmarkedSawtooth) {
  Series series(SignalTraits::unmarked);
  series.feed(3600, [](double t) { return 100 + std::fmod(t, 300) / 2; });
  EXPECT_NEAR(static_cast<double>(series->compactions()), 11, 1.1);
}

TEST(Detector, IgnoresImplausibleReadingsAndRepeatsOfTime) {
  TrendPolicy policy;
  Detector detector(policy, SignalTraits::unmarked);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto reading = [](double time, double value) {
    Observation observation;
    observation.time_seconds = time;
    observation.value = value;
    return observation;
  };
  for (int i = 0; i < 2000; ++i) {
    const double time = 15.0 * i;
    detector.observe(reading(time, 1e8));
    for (const double bad : {nan, infinity, -infinity, -1.0, 1e30}) {
      detector.observe(reading(time + 1, bad));
      detector.observe(reading(bad == -1.0 ? nan : bad, 1e8));
    }
    detector.observe(reading(time - 40, 1));
    detector.observe(reading(time, 1e8));
  }
  EXPECT_EQ(detector.verdict().evidence, Evidence::none);
  EXPECT_EQ(detector.verdict().floor, 1e8);
  for (const Floor& floor : detector.floors()) {
    EXPECT_EQ(floor.value, 1e8);
  }
}

TEST(Detector, SurvivesAnySequenceOfExtremeReadings) {
  std::uint64_t state = 88172645463325252U;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  for (const SignalTraits traits :
       {SignalTraits::unmarked, SignalTraits::exact, SignalTraits::gc_marked}) {
    TrendPolicy policy;
    policy.bucket_seconds = 1;
    Detector detector(policy, traits);
    double time = 0;
    for (int i = 0; i < 3000; ++i) {
      Observation observation;
      time += std::ldexp(static_cast<double>(next() % 1000), static_cast<int>(next() % 20) - 12);
      observation.time_seconds = time;
      observation.value = std::ldexp(1.0, static_cast<int>(next() % 63));
      observation.epoch = next() % 1000;
      observation.limit = std::ldexp(1.0, static_cast<int>(next() % 80) - 10);
      detector.observe(observation);
      EXPECT_FALSE(std::isnan(detector.verdict().z));
      EXPECT_FALSE(words(detector.verdict()).empty());
    }
    EXPECT_LE(detector.floors().size(), 1000U);
  }
}

TEST(Detector, ListsFloorsOldestFirstFromTheFinestLevelThatStillHasThem) {
  Series series(SignalTraits::exact);
  series.feed(3 * 3600, [](double t) { return 100 + 0.001 * (t - 120000); });
  const auto floors = series->floors();
  ASSERT_GT(floors.size(), 20U);
  EXPECT_LT(floors.front().time_seconds, 120000 + 3600);
  for (std::size_t i = 1; i < floors.size(); ++i) {
    EXPECT_LT(floors[i - 1].time_seconds, floors[i].time_seconds);
  }
  EXPECT_LT(series.now() - floors.back().time_seconds, 120);
}

// A season lasts 24 min here. The limit is less than 8 min away, so that two minutes would do.
TEST(Detector, WaitsLongerForARiseThatTheLoadExplains) {
  const auto rise = [](double now) { return 100 + (now - 120000) / 4; };
  const auto evidence = [&](const std::function<double(double)>& load) {
    TrendPolicy policy = Series::minutes();
    policy.bucket_seconds = 30;
    Series series(SignalTraits::exact, policy);
    series.limit = 280 * kMiB;
    series.load = load;
    series.feed(330, rise);
    return series->verdict();
  };
  EXPECT_EQ(evidence({}).evidence, Evidence::confirmed);
  const auto level = [](double now) { return 10 + std::sin(now); };
  EXPECT_EQ(evidence(level).evidence, Evidence::confirmed) << "the load does not rise";
  const auto little = [&](double now) { return 10 * std::sqrt(rise(now) / 100); };
  EXPECT_EQ(evidence(little).evidence, Evidence::confirmed) << "it rises by less";
  const Verdict held = evidence([&](double now) { return rise(now) / 10 - 5; });
  EXPECT_EQ(held.evidence, Evidence::held);
  EXPECT_TRUE(held.follows_load);
  EXPECT_NE(words(held).find("not confirmed: it rises with the load, and has to go on for "),
            std::string::npos)
      << words(held);
}

// A season lasts 24 min here, patience of half an hour is 30 s.
TEST(Detector, AddsUpTheGrowthOfLivesThatRestartsCutShort) {
  Series series(SignalTraits::exact);
  series.limit = 1000 * kMiB;
  for (int life = 0; life < 4; ++life) {
    series->restart(series.now());
    const double begin = series.now();
    series.feed(900, [&](double now) { return 100 + (now - begin) / 30; });
    EXPECT_EQ(series->verdict().evidence, life < 2 ? Evidence::held : Evidence::confirmed) << life;
  }
  EXPECT_EQ(series->verdict().earlier_lives, 3U);
  EXPECT_GT(series->verdict().earlier_seconds, 1800.0F);
  EXPECT_NE(words(series->verdict()).find("; confirmed by 3 earlier runs that grew alike for "),
            std::string::npos)
      << words(series->verdict());
}

TEST(Detector, DoesNotAddUpTheWarmUpsOfLivesThatLevelledOff) {
  Series series(SignalTraits::exact);
  series.limit = 1000 * kMiB;
  for (int life = 0; life < 12; ++life) {
    series->restart(series.now());
    const double begin = series.now();
    for (int bucket = 0; bucket < 30; ++bucket) {
      series.feed(60, [&](double now) { return 100 + 30 * (1 - std::exp((begin - now) / 300)); });
      ASSERT_NE(series->verdict().evidence, Evidence::confirmed) << life << ": " << bucket;
    }
    EXPECT_EQ(series->verdict().earlier_lives, 0U);
  }
}

TEST(Detector, ForgetsTheFormerIncarnationAtARestart) {
  Series series(SignalTraits::exact);
  series.limit = 1024 * kMiB;
  series.feed(40 * 60, [](double t) { return 100 + 0.2 * (t - 120000); });
  ASSERT_EQ(series->verdict().evidence, Evidence::confirmed) << words(series->verdict());
  series->restart(series.now());
  EXPECT_EQ(series->verdict().evidence, Evidence::too_few_floors);
  EXPECT_TRUE(series->floors().empty());
  series.feed(30 * 60, [](double) { return 100; });
  EXPECT_EQ(series->verdict().evidence, Evidence::none);
}

GateResult& result_of(Verdict& verdict, Gate gate) {
  return verdict.gates.at(static_cast<std::size_t>(gate));
}

// An hour of growth at half past ten of its axis.
Verdict an_hours_growth() {
  Verdict verdict;
  verdict.level = 2;
  verdict.bucket_seconds = 240;
  verdict.floors = 16;
  verdict.window_start_seconds = 34200;
  verdict.window_end_seconds = 37800;
  verdict.growth = {59.0 * 1024, 55.0 * 1024, 63.0 * 1024};
  verdict.evidence_seconds = 3600;
  verdict.evidence_needed_seconds = 12 * 3600;
  return verdict;
}

TEST(Explain, SaysWhatAnOperatorNeedsInOneSentence) {
  constexpr double kNow = 37900;
  Verdict verdict = an_hours_growth();
  verdict.evidence = Evidence::held;
  verdict.deciding_gate = Gate::patience;
  verdict.rising_floors = 15;
  verdict.limit = 1024 * kMiB;
  verdict.exhaustion = Exhaustion{kNow + 6.5 * 86400, kNow + 6 * 86400, kNow + 7.0 * 86400};
  EXPECT_EQ(explain(verdict, kNow),
            "the floor rose by 207 MiB/h (193 to 221) over 60 min, from 16 floors, the last 15 "
            "each above the one before; not confirmed: it has to go on for 11 h more (patience); "
            "at this pace the limit of 1 GiB is reached in 6 to 7 days");
}

TEST(Explain, CountsWhatTheSignalCounts) {
  Verdict verdict = an_hours_growth();
  verdict.evidence = Evidence::confirmed;
  verdict.growth = {12.0 / 3600, 10.0 / 3600, 14.0 / 3600};
  verdict.limit = 1024;
  verdict.exhaustion = Exhaustion{7200, 37800 + 3 * 3600, 37800 + 5.0 * 3600};
  EXPECT_EQ(words(verdict, "descriptors"),
            "the floor rose by 12 descriptors/h (10 to 14) over 60 min, from 16 floors; confirmed; "
            "at this pace the limit of 1024 descriptors is reached in 3 to 5 h");
  result_of(verdict, Gate::size) = {GateOutcome::failed, 12, 32};
  EXPECT_EQ(gate_detail(Gate::size, verdict, "descriptors"),
            "rise 12 descriptors, needs 32 descriptors");
}

TEST(Explain, CountsTheWaitFromNow) {
  Verdict verdict = an_hours_growth();
  verdict.evidence = Evidence::confirmed;
  verdict.limit = 1024 * kMiB;
  verdict.exhaustion = Exhaustion{60000, 50000, 95000};
  const auto wait = [&verdict](double now_seconds) {
    const std::string text = explain(verdict, now_seconds);
    return text.substr(text.find("is reached ") + 11);
  };
  EXPECT_EQ(wait(40000), "in 2.8 to 15 h");
  EXPECT_EQ(wait(47000), "in 50 min to 13 h");
  EXPECT_EQ(wait(55000), "within 11 h");
  EXPECT_EQ(wait(95000), "now");
  EXPECT_EQ(wait(1e6), "now");
  verdict.exhaustion = Exhaustion{1e5, 5e4, 1e12};
  EXPECT_EQ(wait(40000), "in 2.8 h to over 100 years");
  verdict.exhaustion = Exhaustion{60000, 50000, std::nullopt};
  EXPECT_EQ(wait(40000), "in 2.8 h at the earliest");
  verdict.exhaustion = Exhaustion{60000, 50000, 50001};
  EXPECT_EQ(wait(40000), "in 2.8 h") << "no interval where both ends read alike";
}

TEST(Explain, SaysWhatHoldsARiseBackAndWhatItWaitsFor) {
  Verdict verdict;
  verdict.evidence = Evidence::held;
  verdict.level = kSparseLevel;
  verdict.floors = 6;
  verdict.window_end_seconds = 10 * 3600;
  verdict.growth = {1048576, 1048576, 1048576};
  const auto held_by = [&verdict](Gate gate, float measured, float required) {
    verdict.deciding_gate = gate;
    result_of(verdict, gate) = {GateOutcome::failed, measured, required};
    const std::string text = words(verdict);
    const std::string start =
        "the floor rose by 1 MiB/s (1 to 1) over 10 h, from 6 low points; not confirmed: ";
    const std::string end = "; no limit is known, so nothing is predicted";
    EXPECT_TRUE(text.starts_with(start) && text.ends_with(end)) << text;
    return text.substr(start.size(), text.size() - start.size() - end.size());
  };
  EXPECT_EQ(held_by(Gate::season, 7200, 194400),
            "it may be the rise of a day (season: 2 h of history, needs 2.2 days)");
  EXPECT_EQ(held_by(Gate::season, 0.5F, 0.9F),
            "it may be the rise of a day (season: 50 % of floors above the day before, needs 90 "
            "%)");
  EXPECT_EQ(held_by(Gate::gc_runtime, 3, 4),
            "too few collections seen (gc_runtime: 3 collections, needs 4)");
  EXPECT_EQ(held_by(Gate::persistence, 1, 2),
            "the next floor has to confirm it (persistence: confirmed 1 time in a row, needs 2)");
  EXPECT_EQ(held_by(Gate::shape, 0.3F, 0.8F),
            "growth slows down (shape: the last third grew 0.3 times the middle one, needs 0.8)");
  verdict.asymptote = 410.0 * 1048576;
  EXPECT_EQ(held_by(Gate::shape, 0.3F, 0.8F), "growth slows down and may end at 410 MiB (shape)");
}

TEST(Explain, SaysWhyThereIsNoRise) {
  Verdict verdict;
  verdict.evidence = Evidence::too_few_floors;
  verdict.floors = 1;
  EXPECT_EQ(words(verdict), "too early to judge: 1 floor so far");
  verdict.floors = 5;
  EXPECT_EQ(words(verdict), "too early to judge: 5 floors so far");
  verdict.evidence = Evidence::none;
  EXPECT_EQ(words(verdict), "the floor does not rise");
  verdict.level = 2;
  const auto none_by = [&verdict](Gate gate, float measured, float required) {
    verdict.deciding_gate = gate;
    result_of(verdict, gate) = {GateOutcome::failed, measured, required};
    return words(verdict);
  };
  EXPECT_EQ(none_by(Gate::trend, 1.25F, 3),
            "no lasting rise: its ups and downs may be chance (trend: Z 1.25, needs 3)");
  EXPECT_EQ(none_by(Gate::size, 1048576, 2097152),
            "no lasting rise: too small to matter (size: rise 1 MiB, needs 2 MiB)");
  EXPECT_EQ(none_by(Gate::signal, 1048576, 2097152),
            "no lasting rise: no larger than the noise (signal: rise 1 MiB, needs 2 MiB)");
  EXPECT_EQ(none_by(Gate::record, 1048576, 2097152),
            "no lasting rise: not above earlier floors (record: floor 1 MiB, needs 2 MiB)");
  EXPECT_EQ(none_by(Gate::increments, 2.5F, 3),
            "no lasting rise: one jump rather than many rises (increments: 2.5 effective rises, "
            "needs 3)");
  EXPECT_EQ(none_by(Gate::increments, 5, 3),
            "no lasting rise: one jump rather than many rises (increments: 5 effective rises, "
            "needs 3 and growth beside the largest)");
  EXPECT_EQ(none_by(Gate::still_growing, 0, 1024),
            "no lasting rise: it has stopped or slowed down (still_growing: lately 0 B/h, needs "
            "3.52 MiB/h)");
  EXPECT_EQ(none_by(Gate::precedent, 1048576, 2097152),
            "no lasting rise: it rose as much before and fell back (precedent: rise 1 MiB, needs "
            "2 MiB)");
}

TEST(GateDetail, NamesWhatWasMeasuredAndWhatIsNeeded) {
  Verdict verdict;
  verdict.level = 2;
  const auto detail = [&verdict](Gate gate, const GateResult& result) {
    result_of(verdict, gate) = result;
    return gate_detail(gate, verdict);
  };
  EXPECT_EQ(detail(Gate::trend, {GateOutcome::passed, 7.2F, 3}), "Z 7.2, needs 3");
  EXPECT_EQ(detail(Gate::patience, {GateOutcome::failed, 3600, 43200}),
            "60 min of evidence, needs 12 h");
  EXPECT_EQ(detail(Gate::increments, {GateOutcome::passed, 5, 3}), "5 effective rises, needs 3");
  EXPECT_EQ(detail(Gate::persistence, {GateOutcome::passed, 2, 2}),
            "confirmed 2 times in a row, needs 2");
  EXPECT_EQ(detail(Gate::shape, {}), "not reached");
  EXPECT_EQ(detail(Gate::gc_runtime, {GateOutcome::not_applicable, 0, 0}), "does not apply");
  verdict.level = kSparseLevel;
  EXPECT_EQ(gate_detail(Gate::trend, verdict), "S 7.2, needs 3") << "a sparse ring counts S";
}

}  // namespace
}  // namespace heapfloor
