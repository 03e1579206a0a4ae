#include "agent/cli/replay_progress.h"

#include <fmt/format.h>

namespace heapfloor {
namespace {

constexpr double kPauseSeconds = 0.1;
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

void ProgressLine::show(const ReplayProgress& progress) {
  const double now = clock_.steady_seconds();
  if (now < next_seconds_) return;
  next_seconds_ = now + kPauseSeconds;
  is_shown_ = true;
  const bool is_plural = progress.files != 1 && !progress.part.ends_with('s');
  write_(fmt::format("{}{}: {} of {} {}{}, {} series", kClearLine, progress.what,
                     progress.files_done, progress.files, progress.part, is_plural ? "s" : "",
                     progress.series));
}

void ProgressLine::clear() {
  if (!is_shown_) return;
  is_shown_ = false;
  write_(kClearLine);
}

}  // namespace heapfloor
