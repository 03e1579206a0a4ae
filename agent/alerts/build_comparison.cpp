#include "agent/alerts/build_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "agent/alerts/leak_alerts.h"
#include "agent/trend/signal_list.h"

namespace heapfloor {
namespace {

constexpr std::size_t kShortId = 12;

BuildCourse course_of_build(const SharedBuild& build, std::span<const BuildRun* const> runs,
                            double since_seconds) {
  BuildCourse all;
  all.build = build;
  all.since_seconds = since_seconds;
  std::vector<FloorCourse> courses;
  for (const BuildRun* const run : runs) {
    if (!run->build->is_same_build(*build)) continue;
    ++all.runs;
    all.run_seconds += std::max(0.0, run->end_seconds - run->start_seconds);
    courses.push_back(run->course);
  }
  all.course = course_of_runs(courses);
  return all;
}

std::string say_course(const BuildCourse& course, Signal signal) {
  switch (course.course.move) {
    case FloorMove::unknown:
      return "not known";
    case FloorMove::level:
      return "level";
    case FloorMove::falling:
    case FloorMove::rising:
      break;
  }
  const double growth = course.course.growth.estimate;
  return (growth > 0 ? "+" : "") + say_growth(signal, growth);
}

// "build v1.4.2"; "image payments:1.8.2 (build 3f2a90c1d4e5)".
std::string name_of(const BuildIdentity& build, bool is_ambiguous) {
  std::string name = build.short_name();
  const std::string image = build.image_name();
  if (is_ambiguous && build.kind != BuildKind::image)
    name += fmt::format(" ({})", build.id.substr(0, kShortId));
  if (image.empty()) return "build " + name;
  std::string text = "image " + image;
  if (is_ambiguous && !build.image.id.empty())
    text += "@" + build.image.id.substr(build.image.id.find(':') + 1).substr(0, kShortId);
  return build.kind == BuildKind::image ? text : fmt::format("{} (build {})", text, name);
}

}  // namespace

std::optional<BuildComparison> compare_builds(std::span<const BuildRun> earlier,
                                              const BuildRun& present) {
  if (!present.build) return std::nullopt;
  std::vector<const BuildRun*> runs;
  for (const BuildRun& run : earlier) {
    if (run.build && run.start_seconds <= present.start_seconds) runs.push_back(&run);
  }
  std::ranges::stable_sort(runs, {}, &BuildRun::start_seconds);
  runs.push_back(&present);
  const auto is_other = [&present](const BuildRun* run) {
    return !run->build->is_same_build(*present.build);
  };
  const auto last_other = std::find_if(runs.rbegin(), runs.rend(), is_other);
  BuildComparison comparison;
  const auto first_own = last_other.base();
  comparison.now = course_of_build(present.build, runs, (*first_own)->start_seconds);
  if (last_other == runs.rend()) return comparison;
  const SharedBuild& before = (*last_other)->build;
  auto first_before = std::prev(last_other.base());
  while (first_before != runs.begin() && (*std::prev(first_before))->build->is_same_build(*before))
    --first_before;
  comparison.before = course_of_build(before, runs, (*first_before)->start_seconds);
  comparison.is_rollback =
      std::any_of(runs.begin(), first_before, [&](const BuildRun* run) { return !is_other(run); });
  return comparison;
}

std::string say_builds(const BuildComparison& comparison, Signal signal, double now_unix_seconds) {
  const BuildIdentity& now = *comparison.now.build;
  const bool is_ambiguous = comparison.before &&
                            comparison.before->build->short_name() == now.short_name() &&
                            comparison.before->build->image_name() == now.image_name();
  std::string text = fmt::format("since {}, {} ago: {}", name_of(now, is_ambiguous),
                                 say_span(now_unix_seconds - comparison.now.since_seconds),
                                 say_course(comparison.now, signal));
  if (!comparison.before) return text;
  const BuildCourse& before = *comparison.before;
  // How long its floors were followed, which may be less than it ran.
  const bool is_known = before.course.move != FloorMove::unknown;
  text += fmt::format("; {} before it: {} ({})", name_of(*before.build, is_ambiguous),
                      say_course(before, signal),
                      is_known ? "seen for " + say_span(before.course.seconds)
                               : "ran " + say_span(before.run_seconds));
  if (comparison.is_rollback)
    text += fmt::format("; {} ran before that too", name_of(now, is_ambiguous));
  return text;
}

}  // namespace heapfloor
