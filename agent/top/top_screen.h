// The terminal of `heapfloor top`. The only user of curses.
#pragma once

#include "agent/top/top_source.h"
#include "collectors/result.h"

namespace heapfloor {

// Shows what `source` has until the user ends it. An error where there is no terminal that can be
// drawn on; nothing was drawn then. NO_COLOR (no-color.org) leaves colours out. Not thread-safe.
[[nodiscard]] Result<void> run_top_screen(TopSource& source);

}  // namespace heapfloor
