// Prints how well the detector does on the corpus. `score --help` says how; README.md what it
// means.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "tests/corpus/ablations.h"
#include "tests/corpus/baselines.h"
#include "tests/corpus/digest.h"
#include "tests/corpus/expected_scores.h"
#include "tests/corpus/export.h"
#include "tests/corpus/labels.h"
#include "tests/corpus/moments.h"
#include "tests/corpus/picture.h"
#include "tests/corpus/prototype_decisions.h"
#include "tests/corpus/real_series.h"
#include "tests/corpus/recorded_runs.h"
#include "tests/corpus/report.h"
#include "tests/corpus/scoring.h"
#include "tests/corpus/sets.h"

namespace heapfloor {
namespace {

constexpr std::string_view kUsage = R"(score [MODE] [OPTION...]

Modes:
  (none)                the detector, per scenario and in total
  --baselines           published rules beside it, in total
  --forecasts           every forecast at a right alarm beside what came true, as CSV
  --ablations           the detector with one rule off at a time, in total
  --pictures=DIRECTORY  one SVG a scenario, of the first seed
  --export=DIRECTORY    every series as CSV in the replay format
  --moments=DIRECTORY   what could be known at moments of every series, and what is true (bound.py)
  --decisions=FILE      where the detector and the recorded prototype differ, and why
  --real=DIRECTORY      labelled recordings instead of scenarios
  --recorded=DIRECTORY  the recorded runs of real programs, per run and per language; every mistake
                        with its reason
  --check-recorded=DIRECTORY  the same against expected.csv there; exit code 1 when F1 fell by more
                        than 0.01 or another run is judged wrong
  --keep-recorded=DIRECTORY   writes that expected.csv
  --check=FILE          runs what FILE lists; exit code 1 when F1 fell by more than 0.01
  --record=FILE         runs what FILE lists and writes the figures into it
  --digest              a hash of all verdicts a scenario: the same where the same was decided
  --labels              the list of scenarios, as CSV
  --help

Options:
  --set=NAME            default long
  --seeds=N             series a scenario, default 3
  --first-seed=N        default 1
  --spacings=N          bucket length in spacings of the series, default 4
  --bucket=SECONDS      the same for all series
  --no-limit            withholds the limit
  --with-load           hands the load to the detector, where one drives the series
  --no-prescreen        every full test, for the same decisions
  --format=table|csv
  --same-as=DIRECTORY   with --recorded: exit code 1 when a run of the same name there is judged
                        otherwise
  --beside              with --recorded: published rules beside the detector, in total
  --explain             a line for every mistake
  --threads=N           default one a processor; changes nothing but the time

Sets:
)";

enum class Mode {
  score,
  baselines,
  forecasts,
  ablations,
  pictures,
  exporting,
  moments,
  decisions,
  real,
  recorded,
  check_recorded,
  keep_recorded,
  check,
  record,
  digest,
  labels,
  help
};

struct Arguments {
  Mode mode = Mode::score;
  const ScenarioSet* set = find_set("long");
  std::string path;     // of the mode
  std::string same_as;  // recorded runs that decide alike
  ScoreOptions options;
  Format format = Format::table;
  bool explain = false;
  bool beside = false;
};

std::optional<std::string_view> after(std::string_view argument, std::string_view prefix) {
  if (argument.substr(0, prefix.size()) != prefix) {
    return std::nullopt;
  }
  return argument.substr(prefix.size());
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<bool> read_mode(std::string_view argument, Arguments& arguments) {
  struct Named {
    std::string_view name;
    Mode mode;
  };
  constexpr auto kPlain = std::to_array<Named>({{"--baselines", Mode::baselines},
                                                {"--forecasts", Mode::forecasts},
                                                {"--digest", Mode::digest},
                                                {"--ablations", Mode::ablations},
                                                {"--labels", Mode::labels},
                                                {"--help", Mode::help}});
  constexpr auto kWithPath = std::to_array<Named>({{"--pictures=", Mode::pictures},
                                                   {"--export=", Mode::exporting},
                                                   {"--moments=", Mode::moments},
                                                   {"--decisions=", Mode::decisions},
                                                   {"--real=", Mode::real},
                                                   {"--recorded=", Mode::recorded},
                                                   {"--check-recorded=", Mode::check_recorded},
                                                   {"--keep-recorded=", Mode::keep_recorded},
                                                   {"--check=", Mode::check},
                                                   {"--record=", Mode::record}});
  for (const Named& named : kPlain) {
    if (argument == named.name) {
      arguments.mode = named.mode;
      return true;
    }
  }
  for (const Named& named : kWithPath) {
    if (const auto path = after(argument, named.name)) {
      arguments.mode = named.mode;
      arguments.path = *path;
      return !path->empty();
    }
  }
  return std::nullopt;
}

std::optional<bool> read_flag(std::string_view argument, Arguments& arguments) {
  ScoreOptions& options = arguments.options;
  if (argument == "--no-limit") {
    return options.without_limit = true;
  }
  if (argument == "--with-load") {
    return options.with_load = true;
  }
  if (argument == "--explain") {
    return arguments.explain = true;
  }
  if (argument == "--beside") {
    return arguments.beside = true;
  }
  if (argument == "--no-prescreen") {
    options.policy.prescreen = false;
    return true;
  }
  if (const auto format = after(argument, "--format=")) {
    arguments.format = *format == "csv" ? Format::csv : Format::table;
    return *format == "csv" || *format == "table";
  }
  return std::nullopt;
}

bool read_argument(std::string_view argument, Arguments& arguments) {
  if (const auto read = read_mode(argument, arguments)) {
    return *read;
  }
  if (const auto read = read_flag(argument, arguments)) {
    return *read;
  }
  if (const auto directory = after(argument, "--same-as=")) {
    arguments.same_as = *directory;
    return !directory->empty();
  }
  ScoreOptions& options = arguments.options;
  if (const auto set = after(argument, "--set=")) {
    arguments.set = find_set(*set);
    return arguments.set != nullptr;
  }
  if (const auto seeds = after(argument, "--seeds=")) {
    return read_number(*seeds, options.seeds) && options.seeds > 0;
  }
  if (const auto seed = after(argument, "--first-seed=")) {
    return read_number(*seed, options.first_seed);
  }
  if (const auto threads = after(argument, "--threads=")) {
    return read_number(*threads, options.threads);
  }
  if (const auto bucket = after(argument, "--bucket=")) {
    options.bucket_spacings = 0;
    return read_number(*bucket, options.policy.bucket_seconds) && options.policy.bucket_seconds > 0;
  }
  if (const auto spacings = after(argument, "--spacings=")) {
    return read_number(*spacings, options.bucket_spacings) && options.bucket_spacings > 0;
  }
  return false;
}

int complain(const Error& error) {
  std::fprintf(stderr, "score: %s: %s\n", error.path.c_str(), error.reason.c_str());
  return 1;
}

void write_out(const std::string& text) { std::fputs(text.c_str(), stdout); }

int print_help() {
  std::string text(kUsage);
  for (const ScenarioSet& set : scenario_sets()) {
    text += "  " + std::string(set.name) +
            std::string(set.name.size() < 22 ? 22 - set.name.size() : 1, ' ') +
            std::string(set.about) + "\n";
  }
  write_out(text);
  return 0;
}

int print_score(const Arguments& arguments) {
  const Score result = score(arguments.set->scenarios(), arguments.options);
  write_out(score_report(result, arguments.format, arguments.explain));
  return 0;
}

Tally total_of(const Score& score) {
  const Tally& total = score;
  return total;
}

int print_forecasts(const Arguments& arguments) {
  write_out(forecasts_report(score(arguments.set->scenarios(), arguments.options)));
  return 0;
}

int print_baselines(const Arguments& arguments) {
  const std::vector<Scenario> scenarios = arguments.set->scenarios();
  std::vector<NamedTally> tallies = {{"heapfloor", total_of(score(scenarios, arguments.options))}};
  for (const Baseline& baseline : baselines()) {
    tallies.push_back(
        {baseline.name, total_of(score(scenarios, arguments.options, baseline.watch)), false});
  }
  write_out(comparison_report(tallies, arguments.format));
  return 0;
}

int print_ablations(const Arguments& arguments) {
  const std::vector<Scenario> scenarios = arguments.set->scenarios();
  std::vector<NamedTally> tallies;
  for (const Ablation& ablation : ablations()) {
    ScoreOptions options = arguments.options;
    ablation.apply(options);
    tallies.push_back({ablation.name, total_of(score(scenarios, options))});
  }
  write_out(comparison_report(tallies, arguments.format));
  return 0;
}

int write_pictures(const Arguments& arguments) {
  std::error_code error;
  std::filesystem::create_directories(arguments.path, error);
  for (const Scenario& scenario : arguments.set->scenarios()) {
    const LabelledSeries series =
        make_series(scenario, arguments.options.first_seed, arguments.options);
    const std::string title =
        std::string(scenario.name) + (series.leaks ? " (leaks)" : " (healthy)");
    const std::string file = arguments.path + "/" + std::string(scenario.name) + ".svg";
    std::ofstream out(file);
    out << picture(title, series, policy_for(series, arguments.options));
    out.close();
    if (!out) {
      return complain({ErrorKind::unavailable, file, "cannot be written"});
    }
  }
  return 0;
}

int export_all(const Arguments& arguments) {
  std::error_code error;
  std::filesystem::create_directories(arguments.path, error);
  for (const Scenario& scenario : arguments.set->scenarios()) {
    for (std::uint64_t i = 0; i < arguments.options.seeds; ++i) {
      const std::uint64_t seed = arguments.options.first_seed + i;
      const std::string file =
          arguments.path + "/" + std::string(scenario.name) + "." + std::to_string(seed) + ".csv";
      std::ofstream out(file);
      export_series(make_series(scenario, seed, arguments.options), out);
      out.close();
      if (!out) {
        return complain({ErrorKind::unavailable, file, "cannot be written"});
      }
    }
  }
  return 0;
}

int keep_moments(const Arguments& arguments) {
  std::error_code error;
  std::filesystem::create_directories(arguments.path, error);
  const bool kept = write_moments(arguments.set->scenarios(), arguments.options, arguments.path);
  return kept ? 0 : complain({ErrorKind::unavailable, arguments.path, "cannot be written"});
}

int print_real(const Arguments& arguments) {
  const auto all = read_real_series(arguments.path);
  if (!all) {
    return complain(all.error());
  }
  for (const RealSeries& real : *all) {
    const Outcome outcome = watch(real.series, policy_for(real.series, arguments.options));
    const char* state = outcome.leaking_at_seconds     ? "leaking"
                        : outcome.suspected_at_seconds ? "suspected"
                                                       : "-";
    std::printf("%-20s %-10s %-9s %s\n", real.name.c_str(), real.label.c_str(), state,
                outcome.reason.c_str());
  }
  return 0;
}

// Complains of every line; the exit code.
int complain_of(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    std::fprintf(stderr, "score: %s\n", line.c_str());
  }
  return lines.empty() ? 0 : 1;
}

int check_recorded(const Arguments& arguments, const std::vector<JudgedRun>& judged) {
  const std::string path = arguments.path + "/expected.csv";
  if (arguments.mode == Mode::keep_recorded) {
    std::ofstream out(path);
    out << expected_runs_text(figures(judged));
    out.close();
    return out ? 0 : complain({ErrorKind::unavailable, path, "cannot be written"});
  }
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto expected = parse_expected_runs(text, path);
  if (!expected) {
    return complain(expected.error());
  }
  return complain_of(regressions(figures(judged), *expected));
}

std::string published_rules_on(const std::vector<RealSeries>& runs, const Arguments& arguments) {
  std::vector<NamedTally> tallies;
  for (const Baseline& baseline : baselines()) {
    const auto judged = judge_runs_by(baseline.watch, runs, arguments.options);
    tallies.push_back({baseline.name, figures(judged).back().tally, false});
  }
  return comparison_report(tallies, arguments.format);
}

int run_recorded(const Arguments& arguments) {
  const auto runs = read_real_series(arguments.path);
  if (!runs) {
    return complain(runs.error());
  }
  const std::vector<JudgedRun> judged = judge_runs(*runs, arguments.options);
  write_out(runs_report(judged));
  if (arguments.beside) {
    write_out(published_rules_on(*runs, arguments));
  }
  if (arguments.mode != Mode::recorded) {
    return check_recorded(arguments, judged);
  }
  if (arguments.same_as.empty()) {
    return 0;
  }
  const auto kept = read_real_series(arguments.same_as);
  if (!kept) {
    return complain(kept.error());
  }
  return complain_of(different_decisions(judged, judge_runs(*kept, arguments.options)));
}

int print_decisions(const Arguments& arguments) {
  const auto recorded = read_decisions(arguments.path);
  if (!recorded) {
    return complain(recorded.error());
  }
  const std::vector<Comparison> compared = compare_decisions(*recorded);
  write_out(differences(compared));
  std::printf("the same decision on %.1f %% of %zu series, a worse one on %.1f %%\n",
              100 * agreement(compared), compared.size(), 100 * worse_share(compared));
  return 0;
}

// --check and --record.
int run_expected(const Arguments& arguments) {
  std::ifstream in(arguments.path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto expected = parse_expected(text, arguments.path);
  if (!expected) {
    return complain(expected.error());
  }
  std::vector<ExpectedScore> measured;
  bool fell = false;
  for (const ExpectedScore& line : *expected) {
    measured.push_back(measure(line, arguments.options.threads));
    const ExpectedScore& now = measured.back();
    const bool worse = now.f1 < line.f1 - kToleratedLoss;
    fell = fell || worse;
    std::printf("%-16s P %.3f  R %.3f  F1 %.4f  recorded %.4f%s\n", line.set.c_str(), now.precision,
                now.recall, now.f1, line.f1, worse ? "  FELL" : "");
  }
  if (arguments.mode == Mode::check) {
    return fell ? 1 : 0;
  }
  std::ofstream out(arguments.path);
  out << expected_text(measured);
  out.close();
  return out ? 0 : complain({ErrorKind::unavailable, arguments.path, "cannot be written"});
}

int run(const Arguments& arguments) {
  switch (arguments.mode) {
    case Mode::score:
      return print_score(arguments);
    case Mode::baselines:
      return print_baselines(arguments);
    case Mode::forecasts:
      return print_forecasts(arguments);
    case Mode::ablations:
      return print_ablations(arguments);
    case Mode::pictures:
      return write_pictures(arguments);
    case Mode::exporting:
      return export_all(arguments);
    case Mode::moments:
      return keep_moments(arguments);
    case Mode::decisions:
      return print_decisions(arguments);
    case Mode::real:
      return print_real(arguments);
    case Mode::recorded:
    case Mode::check_recorded:
    case Mode::keep_recorded:
      return run_recorded(arguments);
    case Mode::check:
    case Mode::record:
      return run_expected(arguments);
    case Mode::digest:
      write_out(verdict_digest(arguments.set->scenarios(), arguments.options));
      return 0;
    case Mode::labels:
      write_out(labels_report());
      return 0;
    case Mode::help:
      break;
  }
  return print_help();
}

}  // namespace
}  // namespace heapfloor

int main(int count, char** values) {
  heapfloor::Arguments arguments;
  for (int i = 1; i < count; ++i) {
    if (!heapfloor::read_argument(values[i], arguments)) {
      std::fprintf(stderr, "score: bad argument: %s (--help)\n", values[i]);
      return 2;
    }
  }
  arguments.options.randomised = arguments.set->randomised;
  return heapfloor::run(arguments);
}
