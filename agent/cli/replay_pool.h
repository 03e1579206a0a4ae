// Many recordings on several threads, in the order in which they were named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/cli/replay.h"
#include "agent/cli/replay_input.h"

namespace heapfloor {

// A chart holds some 30 KiB; no more than these are kept, the most urgent ones.
inline constexpr std::size_t kMostCharts = 500;

struct ReplayedFile {
  std::vector<ReplaySummary> series;  // none when the file could not be read
  std::optional<Error> error;
};

struct ReplayProgress {
  std::size_t files_done = 0;
  std::size_t files = 0;
  std::uint64_t series = 0;  // judged so far, those of unfinished files included
  std::string_view what = "replay";
  std::string_view part = "file";  // of which there are so many; "series" has no other plural
};

struct ReplayPoolHooks {
  // Takes each file in the order of the inputs, on the calling thread.
  std::function<void(ReplayedFile)> deliver;
  // Called on the calling thread between files, and several times a second while it waits.
  std::function<void(const ReplayProgress&)> progress = [](const ReplayProgress&) {};
};

// Judges every series of every input on `jobs` threads (at least one). What it delivers does not
// depend on `jobs`. Files wait to be delivered only within a window, so that memory does not grow
// with their number. Blocks until all are delivered; a hook that throws ends it.
void replay_files(const std::vector<ReplayInput>& inputs, const Config& config,
                  const ReplaySettings& settings, std::size_t jobs, const ReplayPoolHooks& hooks);

// Drops the charts of all but the `most` most urgent of the series.
void keep_urgent_charts(std::vector<ReplaySummary>& series, std::size_t most = kMostCharts);

}  // namespace heapfloor
