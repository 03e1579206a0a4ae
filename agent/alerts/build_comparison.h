// BuildComparison: how the memory of a program went since its present build runs, and how with the
// build before it, by what is stored of their runs. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/alerts/watch_list.h"
#include "agent/series/build_identity.h"
#include "agent/series/signal.h"
#include "agent/trend/floor_course.h"

namespace heapfloor {

// One run of a program: one signal of one process. Unix times.
struct BuildRun {
  SharedBuild build;  // null: not known
  double start_seconds = 0;
  double end_seconds = 0;  // of one that goes on: now
  FloorCourse course;
};

struct BuildCourse {
  SharedBuild build;         // never null
  double since_seconds = 0;  // Unix; start of its first run that no other build came after
  double run_seconds = 0;    // all of its runs together; course.seconds of it were followed
  std::uint32_t runs = 0;
  FloorCourse course;  // of all of its runs
};

struct BuildComparison {
  BuildCourse now;
  std::optional<BuildCourse> before;  // nothing where no run of another build is known
  // The present build ran before that one too: it was rolled back to.
  bool is_rollback = false;
};

// `earlier` are the stored runs, in any order; those of unknown builds say nothing. Nothing where
// the present build is not known.
[[nodiscard]] std::optional<BuildComparison> compare_builds(std::span<const BuildRun> earlier,
                                                            const BuildRun& present);

// "since build v8, 3 h 5 min ago: +212 MB/h; build v7 before it: level (seen for 3 d 1
// h)"; in a container "since image shop:2.4 (build v8), …". What has one name is told apart by ids.
[[nodiscard]] std::string say_builds(const BuildComparison& comparison, Signal signal,
                                     double now_unix_seconds);

// What is known of the builds of a watch's program; null where nothing is.
using BuildsOf = std::function<const BuildComparison*(const Watch&)>;

}  // namespace heapfloor
