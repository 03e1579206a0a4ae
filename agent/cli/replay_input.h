// What replay reads: files and directories of recorded series, told apart by what they hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/external/replay_json.h"
#include "collectors/result.h"

namespace heapfloor {

struct ReplayInput {
  std::string path;            // "-" is standard input
  std::optional<Error> error;  // why there is nothing to read at that path
};

// The arguments in their order, each directory replaced by the regular files in it (one level)
// whose names end in .csv, .json or .jsonl, sorted by name. A directory that cannot be listed or
// has no such file is an input with an error.
std::vector<ReplayInput> list_replay_inputs(const std::vector<std::string>& arguments);

// Reads a file, or standard input for "-": JSON when the first character is { or [, else CSV. The
// sink takes each series with its labels, which are empty except for a Prometheus range response;
// it may have taken some before an error is found. Errors name the file, and the line where there
// is one. Thread rule: any thread, but standard input only once.
Result<void> read_replay_input(const std::string& path, const SeriesSink& sink);

}  // namespace heapfloor
