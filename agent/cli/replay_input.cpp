#include "agent/cli/replay_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "agent/cli/replay_csv.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

bool is_recording(const fs::directory_entry& entry) {
  constexpr std::array<std::string_view, 3> kEndings = {".csv", ".json", ".jsonl"};
  const std::string ending = entry.path().extension().string();
  std::error_code problem;
  return std::ranges::find(kEndings, ending) != kEndings.end() && entry.is_regular_file(problem);
}

ReplayInput refused(const std::string& path, std::string reason) {
  return {path, Error{ErrorKind::unavailable, path, std::move(reason)}};
}

void list_directory(const std::string& path, std::vector<ReplayInput>& inputs) {
  std::vector<std::string> files;
  std::error_code problem;
  for (fs::directory_iterator it(path, problem), end; !problem && it != end; it.increment(problem))
    if (is_recording(*it)) files.push_back(it->path().string());
  if (problem) return inputs.push_back(refused(path, problem.message()));
  if (files.empty()) {
    return inputs.push_back(refused(path, "holds no file that ends in .csv, .json or .jsonl"));
  }
  std::ranges::sort(files);
  for (std::string& file : files) inputs.push_back({std::move(file), {}});
}

bool is_json(std::string_view beginning) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (beginning.starts_with(kByteOrderMark)) beginning.remove_prefix(kByteOrderMark.size());
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (beginning[first] == '{' || beginning[first] == '[');
}

Result<void> read_stream(std::istream& stream, const std::string& path, const SeriesSink& sink) {
  BlockReader blocks(stream);
  if (is_json(blocks.peek())) return read_replay_json(blocks, path, sink);
  Result<ReplaySeries> series = read_replay(blocks, path);
  if (!series) return Failure(series.error());
  sink({}, std::move(*series));
  return {};
}

}  // namespace

std::vector<ReplayInput> list_replay_inputs(const std::vector<std::string>& arguments) {
  std::vector<ReplayInput> inputs;
  for (const std::string& argument : arguments) {
    std::error_code problem;
    if (argument != "-" && fs::is_directory(argument, problem)) {
      list_directory(argument, inputs);
    } else {
      inputs.push_back({argument, {}});
    }
  }
  return inputs;
}

Result<void> read_replay_input(const std::string& path, const SeriesSink& sink) {
  if (path == "-") return read_stream(std::cin, path, sink);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return failure(ErrorKind::unavailable, path,
                   "cannot be opened: " + std::generic_category().message(errno));
  }
  return read_stream(file, path, sink);
}

}  // namespace heapfloor
