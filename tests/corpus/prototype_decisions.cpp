#include "tests/corpus/prototype_decisions.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/corpus/parallel.h"
#include "tests/corpus/scoring.h"
#include "tests/corpus/text_format.h"

namespace heapfloor {
namespace {

constexpr double kPrototypeBucketSeconds = 900;

const Scenario* find_scenario(const std::string& name) {
  const std::vector<Scenario>& all = prototype_scenarios();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<double> read_time(std::istringstream& line) {
  std::string cell;
  std::getline(line, cell, ',');
  return cell.empty() ? std::nullopt : std::optional<double>(std::stod(cell));
}

std::string when(const std::optional<double>& seconds) {
  if (!seconds) {
    return "never";
  }
  std::string text;
  print(text, "at %.1f h", *seconds / 3600);
  return text;
}

double share(const std::vector<Comparison>& comparisons, bool (*holds)(const Comparison&)) {
  const auto count = std::count_if(comparisons.begin(), comparisons.end(), holds);
  return static_cast<double>(count) / static_cast<double>(comparisons.size());
}

}  // namespace

Result<std::vector<Decision>> read_decisions(const std::string& path) {
  std::ifstream file(path);
  std::string row;
  if (!std::getline(file, row) || row != "scenario,seed,suspected_at_seconds,leaking_at_seconds") {
    return failure(ErrorKind::malformed, path, "is not what record.py writes");
  }
  std::vector<Decision> result;
  while (std::getline(file, row)) {
    std::istringstream line(row);
    Decision decision;
    std::string seed;
    std::getline(line, decision.scenario, ',');
    std::getline(line, seed, ',');
    if (find_scenario(decision.scenario) == nullptr || seed.empty()) {
      return failure(ErrorKind::malformed, path, "names no scenario: " + row);
    }
    decision.seed = std::stoull(seed);
    decision.suspected_at_seconds = read_time(line);
    decision.leaking_at_seconds = read_time(line);
    result.push_back(decision);
  }
  return result;
}

std::vector<Comparison> compare_decisions(const std::vector<Decision>& recorded) {
  ScoreOptions options;
  options.bucket_spacings = 0;
  options.policy.bucket_seconds = kPrototypeBucketSeconds;
  std::vector<Comparison> result(recorded.size());
  run_jobs(recorded.size(), 0, [&](std::size_t job) {
    const Decision& theirs = recorded[job];
    const LabelledSeries series =
        make_series(*find_scenario(theirs.scenario), theirs.seed, options);
    const Outcome outcome = watch(series, policy_for(series, options));
    result[job] = {
        theirs,
        {theirs.scenario, theirs.seed, outcome.suspected_at_seconds, outcome.leaking_at_seconds},
        series.leaks,
        outcome.reason};
  });
  return result;
}

double agreement(const std::vector<Comparison>& comparisons) {
  return share(comparisons, [](const Comparison& c) { return c.same_alarm(); });
}

double worse_share(const std::vector<Comparison>& comparisons) {
  return share(comparisons, [](const Comparison& c) { return c.worse(); });
}

std::string differences(const std::vector<Comparison>& comparisons) {
  std::string text;
  for (const Comparison& c : comparisons) {
    if (!c.same_alarm()) {
      text += c.theirs.scenario + " seed " + std::to_string(c.theirs.seed) +
              (c.leaks ? " (leaks)" : " (healthy)") + ": prototype " +
              when(c.theirs.leaking_at_seconds) + ", detector " + when(c.ours.leaking_at_seconds) +
              ": " + c.reason + "\n";
    }
  }
  return text;
}

}  // namespace heapfloor
