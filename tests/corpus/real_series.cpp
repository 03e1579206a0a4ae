#include "tests/corpus/real_series.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/cli/replay_csv.h"

namespace heapfloor {

Result<std::vector<RealSeries>> read_real_series(const std::string& directory) {
  std::ifstream labels(directory + "/labels.csv");
  if (!labels) {
    return failure(ErrorKind::unavailable, directory, "has no labels.csv");
  }
  std::vector<RealSeries> result;
  std::string line;
  std::getline(labels, line);
  while (std::getline(labels, line)) {
    const auto first = line.find(',');
    const auto second = line.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    RealSeries real;
    real.name = line.substr(0, first);
    real.label = line.substr(first + 1, second - first - 1);
    Result<ReplaySeries> replay = read_replay_file(directory + "/" + real.name + ".csv");
    if (!replay) {
      return Failure(replay.error());
    }
    real.series.leaks = real.label == "leak";
    real.series.spacing_seconds = median_spacing_seconds(replay->observations);
    real.series.traits = replay->has_epoch ? SignalTraits::gc_marked : SignalTraits::unmarked;
    real.series.observations = std::move(replay->observations);
    result.push_back(std::move(real));
  }
  return result;
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
