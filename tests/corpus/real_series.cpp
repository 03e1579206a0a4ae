#include "tests/corpus/real_series.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

#include "agent/cli/replay_csv.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {
namespace {

// Of what a leak's readings stand above its line: teeth and temporary memory at full height.
constexpr double kFullHeight = 0.95;

using Cells = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) {
    cells.push_back(cell);
  }
  return cells;
}

Cells named_cells(const std::vector<std::string>& header, const std::string& line) {
  Cells result;
  const std::vector<std::string> cells = split(line);
  for (std::size_t i = 0; i < std::min(header.size(), cells.size()); ++i) {
    result[header[i]] = cells[i];
  }
  return result;
}

std::optional<double> number(const Cells& cells, const std::string& column) {
  const auto cell = cells.find(column);
  if (cell == cells.end()) {
    return std::nullopt;
  }
  const std::string& text = cell->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

// The straight course of a leak of constant pace as the whole recording shows it, its first third
// aside, where a heap still finds its size. The pace of the labels is what the program lost; what
// that costs in resident memory depends on the allocator.
std::function<double(double)> hindsight(const LabelledSeries& series) {
  const double end = series.observations.back().time_seconds;
  const double begin = series.onset_seconds + (end - series.onset_seconds) / 3;
  std::vector<double> times;
  std::vector<double> values;
  for (const Observation& observation : series.observations) {
    if (observation.time_seconds >= begin) {
      times.push_back(observation.time_seconds - begin);
      values.push_back(observation.value);
    }
  }
  const auto count = static_cast<double>(times.size());
  const double middle = std::accumulate(times.begin(), times.end(), 0.0) / count;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    covariance += (times[i] - middle) * (values[i] - mean);
    variance += (times[i] - middle) * (times[i] - middle);
  }
  const double slope = variance > 0 ? covariance / variance : 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    values[i] -= slope * times[i];
  }
  return [level = percentile(std::move(values), kFullHeight), begin, slope](double seconds) {
    return level + slope * (seconds - begin);
  };
}

void take_labels(const Cells& cells, RealSeries& real) {
  LabelledSeries& series = real.series;
  series.leaks = real.label == "leak";
  series.onset_seconds = number(cells, "onset_seconds").value_or(0);
  if (const auto limit = number(cells, "limit_bytes")) {
    for (Observation& observation : series.observations) {
      observation.limit = observation.limit ? observation.limit : limit;
    }
  }
  if (const auto restarts = cells.find("restarts"); restarts != cells.end()) {
    std::istringstream in(restarts->second);
    for (double at = 0; in >> at;) {
      series.restarts.push_back(at);
    }
  }
  if (series.leaks && number(cells, "rate_mib_per_minute") && series.restarts.empty()) {
    series.truth = hindsight(series);
  }
  real.number = static_cast<int>(number(cells, "number").value_or(0));
  if (const auto language = cells.find("language"); language != cells.end()) {
    real.language = language->second;
  }
}

Result<RealSeries> read_one(const std::string& directory, const Cells& cells) {
  RealSeries real;
  real.name = cells.at("series");
  real.label = cells.at("label");
  Result<ReplaySeries> replay = read_replay_file(directory + "/" + real.name + ".csv");
  if (!replay) {
    return Failure(replay.error());
  }
  if (replay->observations.empty()) {
    return failure(ErrorKind::malformed, directory + "/" + real.name + ".csv", "has no readings");
  }
  real.series.spacing_seconds = median_spacing_seconds(replay->observations);
  real.series.traits = replay->has_epoch ? SignalTraits::gc_marked : SignalTraits::unmarked;
  real.series.observations = std::move(replay->observations);
  take_labels(cells, real);
  return real;
}

}  // namespace

Result<std::vector<RealSeries>> read_real_series(const std::string& directory) {
  const std::string path = directory + "/labels.csv";
  std::ifstream labels(path);
  if (!labels) {
    return failure(ErrorKind::unavailable, path, "cannot be read");
  }
  std::vector<RealSeries> result;
  std::string line;
  std::getline(labels, line);
  const std::vector<std::string> header = split(line);
  while (std::getline(labels, line)) {
    const Cells cells = named_cells(header, line);
    if (cells.count("series") == 0 || cells.count("label") == 0) {
      return failure(ErrorKind::malformed, path, "names no series and label: " + line);
    }
    Result<RealSeries> real = read_one(directory, cells);
    if (!real) {
      return Failure(real.error());
    }
    result.push_back(std::move(*real));
  }
  return result;
}

std::string_view short_name(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string real_corpus_directory(const std::string& source_directory) {
  // Read once, before any thread exists.
  if (const char* named = std::getenv("HEAPFLOOR_REAL_CORPUS")) {
    return named;
  }
  const std::filesystem::path beside =
      std::filesystem::path(source_directory).parent_path() / "shared" / "corpus" / "real";
  return std::filesystem::exists(beside / "labels.csv") ? beside.string() : std::string();
}

}  // namespace heapfloor
