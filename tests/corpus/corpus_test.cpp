// The detector's figures on the corpus, asserted below what was measured (agent/trend/README.md).
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "tests/corpus/real_series.h"
#include "tests/corpus/scenarios.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {
namespace {

// Seeds that no threshold was tuned on.
constexpr std::uint64_t kFreshSeed = 9000;

std::string mistakes(const Score& score) {
  std::string text;
  for (const Row& row : score.rows) {
    for (const std::string& mistake : row.mistakes) {
      text += std::string(row.name) + " " + mistake + "\n";
    }
  }
  return text;
}

const Row& row(const Score& score, std::string_view name) {
  for (const Row& candidate : score.rows) {
    if (candidate.name == name) {
      return candidate;
    }
  }
  ADD_FAILURE() << "no scenario " << name;
  return score.rows.front();
}

TEST(Corpus, ScenariosDependOnNothingButTheirSeed) {
  for (const Scenario& scenario : long_scenarios()) {
    const LabelledSeries first = scenario.make(5);
    const LabelledSeries again = scenario.make(5);
    const LabelledSeries other = scenario.make(6);
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

TEST(Corpus, FindsLeaksOfDaysWithFewFalseAlarms) {
  ScoreOptions options;
  options.first_seed = kFreshSeed;
  options.seeds = 2;
  const Score result = score(long_scenarios(), options);
  EXPECT_GE(result.precision(), 0.90) << mistakes(result);
  EXPECT_GE(result.recall(), 0.87) << mistakes(result);
  EXPECT_EQ(result.early, 0U) << mistakes(result);
}

TEST(Corpus, FindsFastLeaksAndLeavesStartUpsAlone) {
  ScoreOptions options;
  options.first_seed = kFreshSeed;
  options.seeds = 8;
  const Score result = score(short_scenarios(), options);
  EXPECT_GE(result.precision(), 0.95) << mistakes(result);
  EXPECT_GE(result.recall(), 0.97) << mistakes(result);
  EXPECT_EQ(row(result, "SN2_linear_start").alarmed, 0U) << mistakes(result);
  EXPECT_EQ(row(result, "SN3_exponential_start").alarmed, 0U) << mistakes(result);
  EXPECT_EQ(row(result, "SN6_doubling_start").alarmed, 0U) << mistakes(result);
}

TEST(Corpus, DecidesTheSameWithAndWithoutThePrescreen) {
  for (const auto* scenarios : {&long_scenarios(), &short_scenarios()}) {
    for (const Scenario& scenario : *scenarios) {
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
}

TEST(Corpus, RaisesNoAlarmOnHealthyRealSeries) {
  const std::string directory = real_corpus_directory(HEAPFLOOR_SOURCE_DIR);
  if (directory.empty()) {
    GTEST_SKIP() << "no real series: set HEAPFLOOR_REAL_CORPUS";
  }
  const auto all = read_real_series(directory);
  ASSERT_TRUE(all) << all.error().path << ": " << all.error().reason;
  for (const RealSeries& real : *all) {
    TrendPolicy policy;
    policy.bucket_seconds = std::max(1.0, 4 * real.series.spacing_seconds);
    const Outcome outcome = watch(real.series, policy);
    if (real.label == "no_leak") {
      EXPECT_FALSE(outcome.leaking_at_seconds) << real.name << " " << outcome.reason;
    }
  }
}

}  // namespace
}  // namespace heapfloor
