// Real labelled series in the replay format, where a directory of them exists; they are not part of
// the project.
#pragma once

#include <string>
#include <vector>

#include "collectors/result.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct RealSeries {
  std::string name;
  std::string label;  // leak, no_leak, ambiguous, unlabelled
  LabelledSeries series;
};

// Reads `directory`/labels.csv (series, label, ...) and the files that it names. Series with an
// epoch column are marked by collections.
Result<std::vector<RealSeries>> read_real_series(const std::string& directory);

// HEAPFLOOR_REAL_CORPUS, or shared/corpus/real beside `source_directory`; empty when neither
// exists.
std::string real_corpus_directory(const std::string& source_directory);

}  // namespace heapfloor
