// Prints how well the detector does on the corpus.
//
//   score [--set=long|mixed|short] [--seeds=N] [--first-seed=N] [--bucket=SECONDS|--spacings=N]
//   [--no-prescreen] [--no-limit] [--explain]
//
//   score --real=DIRECTORY [--bucket=SECONDS|--spacings=N]
//
// "long": the 54 scenarios of days at one reading a minute; "mixed": the same with random size,
// length and limit; "short": start-ups, warm-ups and fast leaks at one reading in 15 s.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/corpus/real_series.h"
#include "tests/corpus/scenarios.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {
namespace {

struct Arguments {
  std::string_view set = "long";
  std::string real;  // directory of real series
  ScoreOptions options;
  bool explain = false;
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

bool read_argument(std::string_view argument, Arguments& arguments) {
  ScoreOptions& options = arguments.options;
  if (const auto set = after(argument, "--set=")) {
    arguments.set = *set;
    options.randomised = *set == "mixed";
    return *set == "long" || *set == "mixed" || *set == "short";
  }
  if (const auto seeds = after(argument, "--seeds=")) {
    return read_number(*seeds, options.seeds);
  }
  if (const auto seed = after(argument, "--first-seed=")) {
    return read_number(*seed, options.first_seed);
  }
  if (const auto bucket = after(argument, "--bucket=")) {
    options.bucket_spacings = 0;
    return read_number(*bucket, options.policy.bucket_seconds) && options.policy.bucket_seconds > 0;
  }
  if (const auto spacings = after(argument, "--spacings=")) {
    return read_number(*spacings, options.bucket_spacings) && options.bucket_spacings > 0;
  }
  if (const auto real = after(argument, "--real=")) {
    arguments.real = *real;
    return !real->empty();
  }
  if (argument == "--no-limit") {
    options.without_limit = true;
    return true;
  }
  if (argument == "--explain") {
    arguments.explain = true;
    return true;
  }
  options.policy.prescreen = argument != "--no-prescreen";
  return argument == "--no-prescreen";
}

void print(const Score& score, bool explain) {
  constexpr double kHour = 3600;
  for (const Row& row : score.rows) {
    const bool wrong = row.leaks ? row.alarmed < row.series : row.alarmed > 0;
    std::printf("%-28s alarmed %2zu of %2zu, suspected %2zu%s", row.name.data(), row.alarmed,
                row.series, row.suspected, wrong ? "  WRONG" : "");
    if (!row.delays_seconds.empty()) {
      std::printf("  delay %.2f h", percentile(row.delays_seconds, 0.5) / kHour);
    }
    std::printf("\n");
    for (const std::string& mistake : row.mistakes) {
      if (explain) {
        std::printf("    %s\n", mistake.c_str());
      }
    }
  }
  std::printf("P %.3f  R %.3f  F1 %.3f  TP %zu/%zu  FP %zu/%zu  early %zu\n", score.precision(),
              score.recall(), score.f1(), score.true_positives, score.positives,
              score.false_positives, score.negatives, score.early);
  std::printf("false alarms a series-day %.4f  delay median %.2f h p90 %.2f h  ",
              static_cast<double>(score.false_positives) / std::max(score.healthy_days, 1e-9),
              percentile(score.delays_seconds, 0.5) / kHour,
              percentile(score.delays_seconds, 0.9) / kHour);
  std::printf("headroom used median %.3f p90 %.3f  full tests %llu\n",
              percentile(score.headroom_used, 0.5), percentile(score.headroom_used, 0.9),
              static_cast<unsigned long long>(score.full_tests));
}

int print_real(const Arguments& arguments) {
  const auto all = read_real_series(arguments.real);
  if (!all) {
    std::fprintf(stderr, "score: %s: %s\n", all.error().path.c_str(), all.error().reason.c_str());
    return 1;
  }
  for (const RealSeries& real : *all) {
    TrendPolicy policy = arguments.options.policy;
    if (arguments.options.bucket_spacings > 0) {
      policy.bucket_seconds =
          std::max(1.0, arguments.options.bucket_spacings * real.series.spacing_seconds);
    }
    const Outcome outcome = watch(real.series, policy);
    const char* state = outcome.leaking_at_seconds     ? "leaking"
                        : outcome.suspected_at_seconds ? "suspected"
                                                       : "-";
    std::printf("%-20s %-10s %-9s %s\n", real.name.c_str(), real.label.c_str(), state,
                outcome.reason.c_str());
  }
  return 0;
}

}  // namespace
}  // namespace heapfloor

int main(int count, char** values) {
  heapfloor::Arguments arguments;
  for (int i = 1; i < count; ++i) {
    if (!heapfloor::read_argument(values[i], arguments)) {
      std::fprintf(stderr, "score: bad argument: %s\n", values[i]);
      return 2;
    }
  }
  if (!arguments.real.empty()) {
    return heapfloor::print_real(arguments);
  }
  const auto& scenarios =
      arguments.set == "short" ? heapfloor::short_scenarios() : heapfloor::long_scenarios();
  heapfloor::print(heapfloor::score(scenarios, arguments.options), arguments.explain);
  return 0;
}
