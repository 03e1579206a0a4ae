// Where the goroutines of a Go program wait, with names. Thread rule: any thread.
#pragma once

#include <cstddef>

#include "agent/profile/goroutine_waits.h"
#include "collectors/host_root.h"
#include "collectors/parse/go_line_table.h"
#include "collectors/result.h"
#include "collectors/runtime/go_stacks.h"
#include "collectors/runtime/go_target.h"

namespace heapfloor {

// Of the stacks, those that most goroutines have are named, at most kMostNamedStacks. Of which
// version they are says what their reasons mean. `most` places are told; without the time of the
// look. Pure.
inline constexpr std::size_t kMostNamedStacks = 256;
[[nodiscard]] GoroutineWaits goroutine_waits_of(const GoStacks& stacks, const GoLineTable& table,
                                                std::string_view version,
                                                std::size_t most = GoroutineWaits::kMost);

// Looks at the process that `source` reads now, its file included.
[[nodiscard]] Result<GoroutineWaits> read_goroutine_waits(const HostRoot& root,
                                                          const GoSiteSource& source,
                                                          double now_seconds,
                                                          std::size_t most = GoroutineWaits::kMost);

}  // namespace heapfloor
