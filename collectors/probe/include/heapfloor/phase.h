// Labels what this thread allocates: shown as pprof labels `structure` and `phase`.
//
//     {
//       heapfloor::phase scope{"user_cache", "warm_up"};
//       load_users();  // whatever it allocates, in containers or not
//     }
//
// Phases nest; the inner one counts. A structure inside sets its own label around what it allocates
// itself; its phase is the user's where that names the same structure or none.
#pragma once

#ifndef HEAPFLOOR_DISABLED
#include "heapfloor/probe.h"
#endif

namespace heapfloor {

class phase {
 public:
#ifdef HEAPFLOOR_DISABLED
  explicit phase(const char* /*name*/) noexcept {}
  phase(const char* /*structure*/, const char* /*name*/) noexcept {}
  // A destructor of its own, so that nobody is told of an unused variable.
  ~phase() {}  // NOLINT(modernize-use-equals-default)
#else
  explicit phase(const char* name) noexcept : before_(heapfloor_phase_begin(nullptr, name)) {}
  phase(const char* structure, const char* name) noexcept
      : before_(heapfloor_phase_begin(structure, name)) {}
  ~phase() { heapfloor_phase_end(before_); }
#endif
  phase(const phase&) = delete;
  phase& operator=(const phase&) = delete;

#ifndef HEAPFLOOR_DISABLED

 private:
  heapfloor_labels before_;
#endif
};

}  // namespace heapfloor
