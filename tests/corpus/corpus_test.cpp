// What the corpus promises, and decisions that hold on it. Its figures are checked by
// `score --check` (expected_scores.csv).
#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/corpus/labels.h"
#include "tests/corpus/prototype_decisions.h"
#include "tests/corpus/real_series.h"
#include "tests/corpus/scenarios.h"
#include "tests/corpus/scoring.h"
#include "tests/corpus/sets.h"

namespace heapfloor {
namespace {

// Seeds that no threshold was tuned on.
constexpr std::uint64_t kFreshSeed = 9000;

std::vector<Scenario> all_scenarios() { return find_set("all")->scenarios(); }

ScoreOptions few_seeds(std::uint64_t seeds) {
  ScoreOptions options;
  options.first_seed = kFreshSeed;
  options.seeds = seeds;
  return options;
}

TEST(Corpus, HasAScenarioForEveryNumberOfTheCatalogueAndNoNameTwice) {
  std::set<int> numbers;
  std::set<std::string_view> names;
  for (const Label& label : labels()) {
    numbers.insert(label.number);
    EXPECT_TRUE(names.insert(label.name).second) << label.name;
    EXPECT_EQ(label.leaks, label.onset != "-") << label.name;
  }
  for (int number = 1; number <= 70; ++number) {
    EXPECT_EQ(numbers.count(number), 1U) << number;
  }
}

TEST(Corpus, ReservesAThirdOfTheCatalogueAndTunesOnNoneOfIt) {
  std::set<std::string_view> reserved;
  for (const Scenario& scenario : reserved_scenarios()) {
    reserved.insert(scenario.name);
  }
  for (const Scenario& scenario : tuning_scenarios()) {
    EXPECT_EQ(reserved.count(scenario.name), 0U) << scenario.name;
  }
  EXPECT_EQ(reserved.size() + tuning_scenarios().size(), long_scenarios().size());
  EXPECT_NEAR(static_cast<double>(reserved.size()), 75.0 / 3, 1);
}

TEST(Corpus, LabelsAreThoseOfTheSeries) {
  ScoreOptions options = few_seeds(1);
  options.with_load = true;
  for (const Scenario& scenario : all_scenarios()) {
    const Label& label = *find_label(scenario.name);
    const LabelledSeries series = make_series(scenario, kFreshSeed, options);
    EXPECT_EQ(series.leaks, label.leaks) << scenario.name;
    EXPECT_EQ(series.traits, label.traits) << scenario.name;
    EXPECT_EQ(series.observations.front().load.has_value(), label.has(Label::kLoad))
        << scenario.name;
    EXPECT_EQ(series.truth != nullptr, label.leaks && label.name != "L10_masked_by_restart")
        << scenario.name;
    EXPECT_GE(series.observations.size(), 100U) << scenario.name;
  }
}

TEST(Corpus, ScenariosDependOnNothingButTheirSeed) {
  const ScoreOptions options = few_seeds(1);
  for (const Scenario& scenario : all_scenarios()) {
    const LabelledSeries first = make_series(scenario, 5, options);
    const LabelledSeries again = make_series(scenario, 5, options);
    const LabelledSeries other = make_series(scenario, 6, options);
    ASSERT_EQ(first.observations.size(), again.observations.size()) << scenario.name;
    bool differs = first.observations.size() != other.observations.size();
    for (std::size_t i = 0; i < first.observations.size(); ++i) {
      ASSERT_EQ(first.observations[i].value, again.observations[i].value) << scenario.name;
      differs = differs || (i < other.observations.size() &&
                            first.observations[i].value != other.observations[i].value);
    }
    EXPECT_TRUE(differs) << scenario.name;
  }
}

// What the readings of an hour come to must be what the truth says of that hour, within the noise
// that the truth leaves out.
TEST(Corpus, TheTruthOfALeakIsTheHeightOfItsReadings) {
  constexpr double kMiB = 1024.0 * 1024;
  for (const bool randomised : {false, true}) {
    ScoreOptions options = few_seeds(1);
    options.randomised = randomised;
    for (const Scenario& scenario : all_scenarios()) {
      const LabelledSeries series = make_series(scenario, kFreshSeed, options);
      if (!series.truth) {
        continue;
      }
      const std::size_t count = series.observations.size();
      const std::size_t third = count / 3;
      std::vector<double> read;
      double expected = 0;
      for (std::size_t i = count - third; i < count; ++i) {
        read.push_back(series.observations[i].value);
        expected = std::max(expected, series.truth(series.observations[i].time_seconds));
      }
      const double high = percentile(read, 0.99);
      EXPECT_NEAR(high, expected, std::max(12 * kMiB, 0.12 * expected)) << scenario.name;
    }
  }
}

TEST(Corpus, HandsTheLoadOverOnlyWhenAsked) {
  for (const Scenario& scenario : long_scenarios()) {
    const LabelledSeries series = make_series(scenario, kFreshSeed, few_seeds(1));
    EXPECT_FALSE(std::any_of(series.observations.begin(), series.observations.end(),
                             [](const Observation& o) { return o.load.has_value(); }))
        << scenario.name;
  }
}

TEST(Corpus, ScoresTheSameOnOneThreadAsOnMany) {
  ScoreOptions options = few_seeds(2);
  options.threads = 1;
  const Score one = score(short_scenarios(), options);
  options.threads = 3;
  const Score three = score(short_scenarios(), options);
  ASSERT_EQ(one.rows.size(), three.rows.size());
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    EXPECT_EQ(one.rows[i].name, three.rows[i].name);
    EXPECT_EQ(one.rows[i].mistakes, three.rows[i].mistakes);
    EXPECT_EQ(one.rows[i].delays_seconds, three.rows[i].delays_seconds) << one.rows[i].name;
  }
  EXPECT_EQ(one.full_tests, three.full_tests);
}

TEST(Corpus, DecidesTheSameWithAndWithoutThePrescreen) {
  for (const Scenario& scenario : all_scenarios()) {
    const LabelledSeries series = scenario.make(kFreshSeed);
    TrendPolicy policy;
    policy.bucket_seconds = 4 * series.spacing_seconds;
    policy.prescreen = true;
    const Outcome with = watch(series, policy);
    policy.prescreen = false;
    const Outcome without = watch(series, policy);
    EXPECT_EQ(with.suspected_at_seconds, without.suspected_at_seconds) << scenario.name;
    EXPECT_EQ(with.leaking_at_seconds, without.leaking_at_seconds) << scenario.name;
  }
}

// `score --decisions=FILE` lists the differences; README.md explains them.
TEST(Corpus, DecidesAsThePrototypeOnNearlyAllSeries) {
  const auto recorded = read_decisions(std::string(HEAPFLOOR_SOURCE_DIR) +
                                       "/tests/corpus/prototype_decisions/decisions.csv");
  ASSERT_TRUE(recorded) << recorded.error().reason;
  ASSERT_EQ(recorded->size(), 5 * prototype_scenarios().size());
  const std::vector<Comparison> compared = compare_decisions(*recorded);
  EXPECT_GE(agreement(compared), 0.93) << differences(compared);
  EXPECT_LE(worse_share(compared), 10.0 / 270) << differences(compared);
}

TEST(Corpus, RaisesNoAlarmOnHealthyRealSeries) {
  const std::string directory = real_corpus_directory(HEAPFLOOR_SOURCE_DIR);
  if (directory.empty()) {
    GTEST_SKIP() << "no real series: set HEAPFLOOR_REAL_CORPUS";
  }
  const auto all = read_real_series(directory);
  ASSERT_TRUE(all) << all.error().path << ": " << all.error().reason;
  for (const RealSeries& real : *all) {
    const Outcome outcome = watch(real.series, policy_for(real.series, ScoreOptions{}));
    if (real.label == "no_leak") {
      EXPECT_FALSE(outcome.leaking_at_seconds) << real.name << " " << outcome.reason;
    }
  }
}

}  // namespace
}  // namespace heapfloor
