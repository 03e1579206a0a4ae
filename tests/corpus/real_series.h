// Real labelled series in the replay format: a directory with labels.csv and the files that it
// names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"
#include "tests/corpus/scenarios.h"

namespace heapfloor {

struct RealSeries {
  std::string name;
  std::string label;     // leak, no_leak, ambiguous, unlabelled
  std::string language;  // of the recorded program; empty where the labels do not say
  int number = 0;        // of the scenario in labels.h; 0 where the labels do not say
  LabelledSeries series;
};

// Reads `directory`/labels.csv and the files that it names. The header must name the columns series
// and label; number, language, onset_seconds, rate_mib_per_minute, limit_bytes and restarts
// (seconds, separated by spaces) are optional. A limit of the labels holds where a file has none.
// A leak of a pace that the labels name has its truth: the straight line through what was recorded.
// Series with an epoch column are marked by collections.
Result<std::vector<RealSeries>> read_real_series(const std::string& directory);

// The part of a name behind its last slash.
std::string_view short_name(std::string_view name);

// HEAPFLOOR_REAL_CORPUS, or shared/corpus/real beside `source_directory`; empty when neither
// exists. Those series are not part of the project.
std::string real_corpus_directory(const std::string& source_directory);

}  // namespace heapfloor
