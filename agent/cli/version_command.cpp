#include <fmt/format.h>

#include "agent/build_info.h"
#include "agent/cli/commands.h"
#include "collectors/bpf/task_iterator.h"

namespace heapfloor {

int run_version_command() {
  const BuildInfo& facts = build_info();
  fmt::print("heapfloor {} (branch {}, revision {})\n  compiler: {}, {}\n  BPF task iterator: {}\n",
             facts.version, facts.branch, facts.revision, facts.compiler, facts.standard,
             has_bpf_task_iterator() ? "built in" : "not built in (no clang or no libbpf-dev)");
  return kExitFine;
}

}  // namespace heapfloor
