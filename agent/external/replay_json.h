// Reads recorded series: JSON, in one of two shapes.
//
// Rows: an array of objects, or objects one after the other (JSON lines). Each is a reading with
// the keys that are columns of CSV: timestamp_seconds and value are required, epoch, limit and load
// optional; null is unknown (a reading without a value is a gap), other keys are ignored. The file
// is one series.
//
// Range response: what a Prometheus-compatible server answers to /api/v1/query_range (resultType
// "matrix"), one series for each set of labels. The values NaN, +Inf and -Inf are gaps. The shape
// is told by the first key of the document (status, data, error, ...). Its answer to /api/v1/query
// (resultType "vector") is a reading a series, and is taken where the rules say so.
//
// The text is read as it comes: what is held is one series, not the document.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "agent/external/block_reader.h"
#include "agent/external/replay_series.h"
#include "collectors/result.h"

namespace heapfloor {

// Bounds what one text of a document may make us hold.
inline constexpr std::size_t kMostJsonBytes = std::size_t{256} * 1024 * 1024;
inline constexpr std::size_t kMostJsonDepth = 16;
inline constexpr std::size_t kMostSeriesPerFile = 100'000;

// Takes one series after the other. `labels` is empty for rows, else as PromQL writes a selector:
// {__name__="process_resident_memory_bytes",job="api"}.
using SeriesSink = std::function<void(const std::string& labels, ReplaySeries series)>;

// Errors are ErrorKind::malformed with path "NAME:LINE:COLUMN" (columns are bytes), so that
// path + ": " + reason is what a user wants to read; an error answer gives the server's own words.
// The sink may have taken series before an error is found.
struct JsonRules {
  std::size_t most_bytes = kMostJsonBytes;  // more are refused
  bool takes_rows = true;                   // else whatever it is has to be a response
  bool takes_empty = false;                 // an answer without a series; else refused
  bool takes_instants = false;              // answers to /api/v1/query; else refused
  bool skips_negative = false;              // negative values are gaps; else refused
};
Result<void> read_replay_json(BlockReader& input, std::string_view name, const SeriesSink& sink,
                              const JsonRules& rules = {});

}  // namespace heapfloor
