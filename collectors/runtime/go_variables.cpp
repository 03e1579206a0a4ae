#include "collectors/runtime/go_variables.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/runtime/go_target.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostWitnesses = 5;

// What is known of one variable.
struct Plan {
  GoVariable variable = GoVariable::controller;
  bool has_pointers = false;  // which decides where the linker puts it
  GoReference kind = GoReference::any;
  std::array<std::string_view, kMostWitnesses> witnesses;  // empty: no more
};
constexpr std::array<Plan, kGoVariables> kPlans = {{
    {GoVariable::controller,
     false,
     GoReference::address,
     {"runtime.gcinit", "runtime.gcControllerCommit", "runtime.gcMark", "runtime.gcMarkDone",
      "runtime.readmemstats_m"}},
    {GoVariable::memstats,
     false,
     GoReference::address,
     {"runtime.(*mheap).grow", "runtime.(*sweepLocked).sweep", "runtime.(*mheap).allocSpan",
      "runtime.(*mheap).freeSpanLocked", "runtime.readmemstats_m"}},
    {GoVariable::all_goroutines,
     false,
     GoReference::any,
     {"runtime.allgadd", "runtime.forEachGRace"}},
    {GoVariable::goroutine_list,
     true,
     GoReference::any,
     {"runtime.allgadd", "runtime.forEachGRace"}},
    {GoVariable::all_p,
     true,
     GoReference::load,
     {"runtime.preemptall", "runtime.retake", "runtime.procresize", "runtime.stealWork",
      "runtime.forEachP"}},
    // Its count of the runtime's own goroutines.
    {GoVariable::sched,
     true,
     GoReference::address,
     {"runtime.newproc1", "runtime.oneNewExtraM", "runtime.goexit0"}},
    {GoVariable::buckets,
     true,
     GoReference::any,
     {"runtime.stkbucket", "runtime.mProf_FlushLocked"}},
    {GoVariable::profile_cycle,
     false,
     GoReference::load,
     {"runtime.mProf_Malloc", "runtime.mProf_Free", "runtime.mProf_PostSweep"}},
    {GoVariable::profile_rate,
     false,
     GoReference::load,
     {"runtime.mallocgc", "runtime.profilealloc", "runtime.allocmcache"}},
}};

std::vector<std::string_view> all_witnesses() {
  std::vector<std::string_view> names;
  for (const Plan& plan : kPlans) {
    for (const std::string_view name : plan.witnesses) {
      if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

// How much of it is read.
std::uint64_t bytes_of(GoVariable variable, const GoLayout& layout) {
  constexpr std::uint64_t kWord = 8;
  switch (variable) {
    case GoVariable::controller:
      return go_control_bytes(layout);
    case GoVariable::memstats:
      return go_stats_bytes(layout);
    case GoVariable::all_p:
      return 3 * kWord;
    case GoVariable::sched:
      return layout.scheduler ? kWord + std::max(layout.scheduler->system, layout.scheduler->ended)
                              : 0;
    default:
      return kWord;
  }
}

}  // namespace

std::array<std::optional<std::uint64_t>, kGoVariables> find_go_variables(const ByteSource& source,
                                                                         const GoModule& module,
                                                                         const GoLayout& layout) {
  std::array<std::optional<std::uint64_t>, kGoVariables> variables;
  const auto table = GoLineTable::open(source, module.tables);
  if (!table) return variables;
  const std::vector<std::string_view> names = all_witnesses();
  const auto functions = table->find_functions(names);
  for (const Plan& plan : kPlans) {
    std::vector<std::optional<GoFunction>> witnesses;
    for (const std::string_view name : plan.witnesses) {
      const auto found = std::ranges::find(names, name);
      if (found != names.end())
        witnesses.push_back(functions[static_cast<std::size_t>(found - names.begin())]);
    }
    const GoAddresses& part = plan.has_pointers ? module.bss : module.no_pointer_bss;
    auto address = common_reference(source, module.tables, witnesses, plan.kind, part);
    if (address && plan.variable == GoVariable::sched)
      address = *address - (layout.scheduler ? layout.scheduler->system : 0);
    const bool is_inside = address && part.contains(*address) &&
                           part.end - *address >= bytes_of(plan.variable, layout);
    if (is_inside) variables.at(static_cast<std::size_t>(plan.variable)) = address;
  }
  return variables;
}

}  // namespace heapfloor
