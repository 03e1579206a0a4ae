#include "agent/alerts/cause_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kLeastShown = 0.05;
constexpr double kAllOf = 0.995;
constexpr double kHour = 3600;
constexpr double kKiB = 1024;

// "1200 threads, +200/h, 264 KiB of stack each".
std::string say_threads(const GrowthCauses& causes) {
  std::string words = fmt::format("{:.0f} threads", causes.threads.value_or(0));
  const double an_hour = causes.threads_gained.value_or(0) / causes.seconds * kHour;
  words +=
      an_hour < 1 ? fmt::format(", {:+.1f}/d", 24 * an_hour) : fmt::format(", {:+.0f}/h", an_hour);
  if (!causes.stack_bytes) return words;
  const double kib = *causes.stack_bytes / kKiB;
  words += kib >= kKiB ? fmt::format(", {:.1f} MiB of stack each", kib / kKiB)
                       : fmt::format(", {:.0f} KiB of stack each", kib);
  return words;
}

std::string say_unattributed(const GrowthCauses& causes) {
  const bool has_unknown_stacks = causes.threads && !causes.thread_stacks;
  if (causes.is_live_known) {
    return has_unknown_stacks
               ? "anonymous memory of neither the heap nor what it keeps free, such as "
                 "stacks: " +
                     say_threads(causes)
               : std::string("anonymous memory of neither the heap nor what it keeps free");
  }
  // Of a cgroup no threads are known.
  if (!causes.threads) return "anonymous memory";
  return has_unknown_stacks
             ? "anonymous memory: heap, or stacks, which could not be measured: " +
                   say_threads(causes)
             : std::string("anonymous memory that nothing tells apart without a probe");
}

}  // namespace

std::string say_causes(const GrowthCauses& causes) {
  std::vector<std::pair<double, std::string>> parts = {
      {causes.live_growth, "memory that the program holds"},
      {causes.allocator_retention, "memory that its allocator keeps free"},
      {causes.thread_stacks.value_or(0), "stacks of threads: " + say_threads(causes)},
      {causes.shared_memory, "shared memory"},
      {causes.file_cache, "pages of files, which the kernel takes back when memory is short"},
      {causes.unattributed, say_unattributed(causes)}};
  std::ranges::stable_sort(parts, std::greater<>(), &std::pair<double, std::string>::first);
  // What the signal measures is anonymous memory: shares of more than that say so.
  const bool is_of_more = causes.shared_memory + causes.file_cache >= kLeastShown;
  const std::string_view of_what = is_of_more ? " of all its memory" : "";
  std::string words;
  for (const auto& [share, name] : parts) {
    if (share < kLeastShown) continue;
    if (!words.empty()) {
      words += fmt::format("; {:.0f} % is {}", 100 * share, name);
      continue;
    }
    const std::string amount = share >= kAllOf ? "All" : fmt::format("{:.0f} %", 100 * share);
    words = fmt::format("{} of the growth{} is {}", amount, of_what, name);
  }
  return words + ".";
}

}  // namespace heapfloor
