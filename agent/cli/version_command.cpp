#include <fmt/format.h>

#include "agent/build_info.h"
#include "agent/cli/commands.h"

namespace heapfloor {

int run_version_command() {
  const BuildInfo& facts = build_info();
  fmt::print("heapfloor {} (branch {}, revision {})\n  compiler: {}, {}\n", facts.version,
             facts.branch, facts.revision, facts.compiler, facts.standard);
  return kExitFine;
}

}  // namespace heapfloor
