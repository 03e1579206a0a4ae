#include "tests/corpus/recorded_runs.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>

#include "tests/corpus/expected_scores.h"
#include "tests/corpus/parallel.h"
#include "tests/corpus/report.h"
#include "tests/corpus/text_format.h"

namespace heapfloor {
namespace {

constexpr const char* kHeader = "group,f1,mistakes";

std::string name_of(const JudgedRun& judged) { return std::string(short_name(judged.run->name)); }

// The run as if a minute of it had taken an hour.
LabelledSeries in_catalogue_time(LabelledSeries series) {
  for (Observation& observation : series.observations) {
    observation.time_seconds *= kCompression;
  }
  series.onset_seconds *= kCompression;
  if (series.truth) {
    series.truth = [truth = series.truth](double seconds) { return truth(seconds / kCompression); };
  }
  return series;
}

Outcome in_catalogue_time(Outcome outcome) {
  for (std::optional<double>* time :
       {&outcome.suspected_at_seconds, &outcome.rightly_suspected_at_seconds,
        &outcome.leaking_at_seconds}) {
    if (*time) {
      **time *= kCompression;
    }
  }
  if (outcome.exhaustion) {
    outcome.exhaustion->at_seconds *= kCompression;
    outcome.exhaustion->earliest_seconds *= kCompression;
    if (outcome.exhaustion->latest_seconds) {
      *outcome.exhaustion->latest_seconds *= kCompression;
    }
  }
  return outcome;
}

double hours(double seconds) { return seconds / 3600; }

void run_line(std::string& out, const JudgedRun& judged) {
  const LabelledSeries& series = judged.run->series;
  const Outcome& outcome = judged.outcome;
  const char* state = judged.alarmed()               ? "leaking"
                      : outcome.suspected_at_seconds ? "suspected"
                                                     : "-";
  print(out, "%3d %-34s %-8s %-10s", judged.run->number, name_of(judged).c_str(),
        series.leaks ? "leaks" : "healthy", state);
  if (judged.alarmed()) {
    print(out, " at %.1f h", hours(*outcome.leaking_at_seconds));
  }
  if (!judged.row.delays_seconds.empty()) {
    print(out, ", delay %.1f h", hours(judged.row.delays_seconds.front()));
  }
  if (!judged.row.headroom_used.empty()) {
    print(out, ", headroom %.2f", judged.row.headroom_used.front());
  }
  out += judged.mistaken() ? "  WRONG\n        " + outcome.reason + "\n" : "\n";
}

std::vector<JudgedRun> judge(const std::vector<RealSeries>& runs, const ScoreOptions& options,
                             const std::function<Outcome(const LabelledSeries&)>& outcome_of) {
  std::vector<JudgedRun> judged;
  for (const RealSeries& run : runs) {
    if (run.label == "leak" || run.label == "no_leak") {
      judged.push_back({&run, {}, {}});
    }
  }
  run_jobs(judged.size(), options.threads, [&](std::size_t job) {
    JudgedRun& one = judged[job];
    LabelledSeries series = one.run->series;
    withhold(series, options);
    one.outcome = outcome_of(series);
    one.row = row_of(in_catalogue_time(one.run->series), one.outcome, 0);
  });
  return judged;
}

std::string joined(const std::set<std::string, std::less<>>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : " ") + name;
  }
  return text;
}

}  // namespace

std::vector<JudgedRun> judge_runs(const std::vector<RealSeries>& runs,
                                  const ScoreOptions& options) {
  return judge(runs, options, [&](const LabelledSeries& series) {
    TrendPolicy policy = policy_for(series, options);
    policy.time_scale /= kCompression;
    return in_catalogue_time(watch(series, policy));
  });
}

std::vector<JudgedRun> judge_runs_by(const Watcher& rule, const std::vector<RealSeries>& runs,
                                     const ScoreOptions& options) {
  return judge(runs, options, [&](const LabelledSeries& series) {
    LabelledSeries stretched = in_catalogue_time(series);
    stretched.spacing_seconds *= kCompression;
    return rule(stretched, policy_for(stretched, options));
  });
}

std::vector<RunFigures> figures(const std::vector<JudgedRun>& judged) {
  std::map<std::string, RunFigures> groups;
  RunFigures total;
  for (const JudgedRun& one : judged) {
    for (RunFigures* group : {&groups[one.run->language], &total}) {
      group->tally.add(one.row);
      if (one.mistaken()) {
        group->mistakes.insert(name_of(one));
      }
    }
  }
  std::vector<RunFigures> result;
  for (auto& [language, group] : groups) {
    group.group = language;
    result.push_back(std::move(group));
  }
  total.group = "total";
  result.push_back(std::move(total));
  return result;
}

std::string runs_report(const std::vector<JudgedRun>& judged) {
  std::string out;
  for (const JudgedRun& one : judged) {
    run_line(out, one);
  }
  const std::vector<RunFigures> all = figures(judged);
  std::vector<NamedTally> tallies;
  tallies.reserve(all.size());
  for (const RunFigures& group : all) {
    tallies.push_back({group.group, group.tally});
  }
  return out + comparison_report(tallies, Format::table);
}

std::string expected_runs_text(const std::vector<RunFigures>& all) {
  std::string out = std::string(kHeader) + "\n";
  for (const RunFigures& group : all) {
    print(out, "%s,%.4f,", group.group.c_str(), group.tally.f1());
    out += joined(group.mistakes) + "\n";
  }
  return out;
}

Result<std::vector<ExpectedRuns>> parse_expected_runs(const std::string& text,
                                                      const std::string& name) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != kHeader) {
    return failure(ErrorKind::malformed, name, "has another header than " + std::string(kHeader));
  }
  std::vector<ExpectedRuns> result;
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    ExpectedRuns expected;
    char comma = 0;
    if (!std::getline(cells, expected.group, ',') || !(cells >> expected.f1 >> comma) ||
        comma != ',') {
      return failure(ErrorKind::malformed, name, "cannot take the line " + line);
    }
    expected.mistakes.insert(std::istream_iterator<std::string>(cells), {});
    result.push_back(std::move(expected));
  }
  return result;
}

std::vector<std::string> regressions(const std::vector<RunFigures>& now,
                                     const std::vector<ExpectedRuns>& expected) {
  std::vector<std::string> result;
  for (const ExpectedRuns& before : expected) {
    const auto group = std::find_if(now.begin(), now.end(), [&](const RunFigures& figures) {
      return figures.group == before.group;
    });
    if (group == now.end()) {
      result.push_back(before.group + ": no run of it is left");
      continue;
    }
    if (group->tally.f1() < before.f1 - kToleratedLoss) {
      std::string line = before.group + ": F1 fell from ";
      print(line, "%.4f to %.4f", before.f1, group->tally.f1());
      result.push_back(std::move(line));
    }
    for (const std::string& mistake : group->mistakes) {
      if (before.mistakes.count(mistake) == 0) {
        result.push_back(before.group + ": " + mistake + " was judged rightly");
      }
    }
  }
  return result;
}

std::vector<std::string> different_decisions(const std::vector<JudgedRun>& now,
                                             const std::vector<JudgedRun>& kept) {
  std::vector<std::string> result;
  for (const JudgedRun& one : now) {
    const auto before = std::find_if(kept.begin(), kept.end(), [&](const JudgedRun& other) {
      return name_of(other) == name_of(one);
    });
    if (before == kept.end()) {
      result.push_back(name_of(one) + ": not among the kept ones");
    } else if (before->alarmed() != one.alarmed()) {
      result.push_back(name_of(one) + ": " + (one.alarmed() ? "leaking" : "no alarm") +
                       ", unlike the kept one; " + one.outcome.reason);
    }
  }
  return result;
}

}  // namespace heapfloor
