#include "tests/corpus/real_series.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "agent/cli/replay_csv.h"
#include "tests/corpus/scoring.h"

namespace heapfloor {
namespace {

constexpr double kBytesPerMib = 1024.0 * 1024;
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

std::function<double(double)> line_above(const LabelledSeries& series, double bytes_per_second) {
  std::vector<double> heights;
  for (const Observation& observation : series.observations) {
    const double since = observation.time_seconds - series.onset_seconds;
    if (since >= 0) {
      heights.push_back(observation.value - bytes_per_second * since);
    }
  }
  return
      [level = percentile(std::move(heights), kFullHeight), onset = series.onset_seconds,
       bytes_per_second](double seconds) { return level + bytes_per_second * (seconds - onset); };
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
  const auto rate = number(cells, "rate_mib_per_minute");
  if (series.leaks && rate && series.restarts.empty()) {
    series.truth = line_above(series, *rate * kBytesPerMib / 60);
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
