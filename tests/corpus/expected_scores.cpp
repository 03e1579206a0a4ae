#include "tests/corpus/expected_scores.h"

#include <sstream>

#include "tests/corpus/sets.h"
#include "tests/corpus/text_format.h"

namespace heapfloor {
namespace {

constexpr const char* kHeader =
    "set,seeds,first_seed,bucket_seconds,precision,recall,f1,false_alarms_a_series_day,"
    "headroom_used_median,forecast_coverage";

template <class T>
bool read_cell(std::istringstream& line, T& value) {
  std::string cell;
  if (!std::getline(line, cell, ',')) {
    return false;
  }
  std::istringstream number(cell);
  number >> value;
  return static_cast<bool>(number) && number.peek() == std::istringstream::traits_type::eof();
}

}  // namespace

Result<std::vector<ExpectedScore>> parse_expected(const std::string& text,
                                                  const std::string& name) {
  std::vector<ExpectedScore> result;
  std::istringstream lines(text);
  std::string row;
  if (!std::getline(lines, row) || row != kHeader) {
    return failure(ErrorKind::malformed, name, "has another header than " + std::string(kHeader));
  }
  while (std::getline(lines, row)) {
    std::istringstream line(row);
    ExpectedScore expected;
    const bool whole =
        read_cell(line, expected.set) && read_cell(line, expected.seeds) &&
        read_cell(line, expected.first_seed) && read_cell(line, expected.bucket_seconds) &&
        read_cell(line, expected.precision) && read_cell(line, expected.recall) &&
        read_cell(line, expected.f1) && read_cell(line, expected.false_alarms_a_day) &&
        read_cell(line, expected.headroom_used_median) && read_cell(line, expected.coverage);
    if (!whole || find_set(expected.set) == nullptr || expected.seeds == 0) {
      return failure(ErrorKind::malformed, name, "cannot take the line " + row);
    }
    result.push_back(expected);
  }
  return result;
}

std::string expected_text(const std::vector<ExpectedScore>& lines) {
  std::string out = std::string(kHeader) + "\n";
  for (const ExpectedScore& line : lines) {
    print(out, "%s,%llu,%llu,%.0f,%.4f,%.4f,%.4f,%.5f,%.4f,%.4f\n", line.set.c_str(),
          static_cast<unsigned long long>(line.seeds),
          static_cast<unsigned long long>(line.first_seed), line.bucket_seconds, line.precision,
          line.recall, line.f1, line.false_alarms_a_day, line.headroom_used_median, line.coverage);
  }
  return out;
}

ExpectedScore measure(const ExpectedScore& line, unsigned threads) {
  const ScenarioSet& set = *find_set(line.set);
  ScoreOptions options;
  options.seeds = line.seeds;
  options.first_seed = line.first_seed;
  options.randomised = set.randomised;
  options.threads = threads;
  if (line.bucket_seconds > 0) {
    options.bucket_spacings = 0;
    options.policy.bucket_seconds = line.bucket_seconds;
  }
  const Score result = score(set.scenarios(), options);
  ExpectedScore measured = line;
  measured.precision = result.precision();
  measured.recall = result.recall();
  measured.f1 = result.f1();
  measured.false_alarms_a_day = result.false_alarms_a_day();
  measured.headroom_used_median = percentile(result.headroom_used, 0.5);
  measured.coverage = result.coverage();
  return measured;
}

}  // namespace heapfloor
