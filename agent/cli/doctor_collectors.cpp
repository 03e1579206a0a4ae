// What one tick of the collectors reached.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/cli/doctor.h"

namespace heapfloor {
namespace {

constexpr std::string_view kArea = "collectors";

// A source by its name in heapfloor_source_accessible, and what is not known without it.
struct SourceUse {
  std::string_view source;
  std::string_view lost;
};
constexpr std::array kUses = {
    SourceUse{"processes", "those of others are not seen at all"},
    SourceUse{"stat", "processes are missing"},
    SourceUse{"status", "their file and shared memory, peak and swap are not known"},
    SourceUse{"maps", "how many mappings they have is not known"},
    SourceUse{"exe", "which build they run is not known, and their first argument names them"},
    SourceUse{"cmdline", "interpreters are not named by their scripts"},
    SourceUse{"cgroup", "their units, containers and memory limits are not known"},
    SourceUse{"smaps_rollup", "their proportional and unique memory is not known"},
    SourceUse{"container_files", "containers, their images and pods have no names"},
    SourceUse{"kmsg", "whom the OOM killer took is counted and not named"},
    SourceUse{"probe", "of programs that end nothing is kept of what their probes told"},
    SourceUse{"hsperfdata", "whether they are JVMs is not known, and their heaps"},
    SourceUse{"go_memory", "the heaps of those that are Go programs are not known"},
};

std::uint64_t unreadable_of(const Snapshot& snapshot, std::string_view source) {
  std::uint64_t processes = 0;
  for (const GroupRow& group : snapshot.groups) {
    if (source == "status") processes += group.unreadable_status;
    for (const GroupRow::Unreadable& unreadable : group.unreadable) {
      if (unreadable.source == source) processes += unreadable.processes;
    }
  }
  return processes;
}

std::uint64_t errors_of(const CollectorHealth& health, ErrorKind kind) {
  return health.errors.at(static_cast<std::size_t>(kind));
}

// Of how many processes a source is refused; 0 where that is not a matter of single processes.
std::uint64_t refused_processes(const Snapshot& snapshot, const CollectorHealth& health,
                                std::string_view source) {
  constexpr std::array kWhole = {"processes", "container_files", "kmsg", "probe"};
  if (std::ranges::find(kWhole, source) != kWhole.end()) return 0;
  if (health.name == "process") return unreadable_of(snapshot, source);
  return errors_of(health, ErrorKind::denied);
}

// What the agent lacks; and that it is not what the kernel misses, where it has it.
std::string advice(std::string_view needs, const Privileges& privileges) {
  const auto held = privileges.held_of(needs);
  if (held.empty()) return std::string(needs);
  return fmt::format(
      "{}; this process has {}: a security module, a user namespace, or capabilities of theirs "
      "that "
      "it lacks stand in the way",
      needs, fmt::join(held, " and "));
}

Loss closed_source(const SourceAccess& access, std::uint64_t refused, std::size_t processes,
                   const Privileges& privileges) {
  const auto* const use = std::ranges::find(kUses, access.source, &SourceUse::source);
  std::string what(access.source);
  if (refused > 0) what += fmt::format(" of {} of {} processes", refused, processes);
  if (use != kUses.end()) what += fmt::format(": {}", use->lost);
  return {std::move(what), advice(access.needs, privileges)};
}

double value_of(const Snapshot& snapshot, std::string_view name, std::string_view label = {}) {
  for (const auto* const values : {&snapshot.host, &snapshot.agent}) {
    for (const MetricValue& value : *values) {
      if (value.desc->name == name && value.desc->label_value == label) return value.value;
    }
  }
  return 0;
}

std::string count(double amount, std::string_view one, std::string_view many) {
  return fmt::format("{:.0f} {}", amount, amount == 1 ? one : many);
}

std::string summary_of(const Snapshot& snapshot, const CollectorHealth& health) {
  const auto size = [](const auto& rows) { return static_cast<double>(rows.size()); };
  if (health.name == "host") return "memory of the host";
  if (health.name == "process") return count(size(snapshot.processes), "process", "processes");
  if (health.name == "smaps" && health.skipped)
    return fmt::format("in turns: {} put off by the budget this time",
                       count(static_cast<double>(health.skipped->budget), "read", "reads"));
  if (health.name == "cgroup") return count(size(snapshot.cgroups), "cgroup", "cgroups");
  if (health.name == "kmsg") return "victims of the OOM killer";
  if (health.name == "self") return "this process";
  if (health.name == "probe")
    return count(value_of(snapshot, "heapfloor_probe_targets"), "program", "programs") +
           " with a probe";
  if (health.name == "jvm") return count(size(snapshot.jvms), "group", "groups") + " with JVMs";
  if (health.name == "go")
    return count(size(snapshot.go_programs), "group", "groups") + " with Go programs";
  return {};
}

// Programs that say too little of themselves, whatever the privileges.
void add_unreadable_programs(Finding& finding, const Snapshot& snapshot) {
  struct Reason {
    std::string_view collector, metric, label, what, needs;
  };
  constexpr std::string_view kGo = "heapfloor_unreadable_go_programs";
  constexpr std::array kReasons = {
      Reason{"go", kGo, "no_symbols", "without symbols", "a build without -ldflags=-s"},
      Reason{"go", kGo, "no_layout", "of a version that is not known",
             "a build with debugging information"},
      Reason{"go", kGo, "implausible", "whose memory makes no sense", ""},
      Reason{"jvm", "heapfloor_unreadable_jvms", "", "whose counters cannot be read", ""}};
  for (const Reason& reason : kReasons) {
    if (reason.collector != finding.name) continue;
    const double programs = value_of(snapshot, reason.metric, reason.label);
    if (programs == 0) continue;
    finding.losses.push_back({count(programs, "program ", "programs ") + std::string(reason.what),
                              std::string(reason.needs)});
  }
}

// Programs that the probe's collector could not look into: it tells of no source there, since it
// cannot know what it would have found.
void add_unseen_probes(Finding& finding, const CollectorHealth& health, std::size_t processes,
                       const Privileges& privileges) {
  const std::uint64_t refused = errors_of(health, ErrorKind::denied);
  if (health.name != "probe" || refused == 0) return;
  finding.losses.push_back({fmt::format("maps of {} of {} processes: whether they have a probe is "
                                        "not known",
                                        refused, processes),
                            advice("CAP_SYS_PTRACE", privileges)});
}

void add_errors(Finding& finding, const CollectorHealth& health) {
  constexpr std::array<std::pair<ErrorKind, std::string_view>, 3> kKinds = {
      {{ErrorKind::malformed, "made no sense"},
       {ErrorKind::timeout, "took too long"},
       {ErrorKind::io, "failed"}}};
  for (const auto& [kind, what] : kKinds) {
    const std::uint64_t errors = errors_of(health, kind);
    if (errors > 0)
      finding.losses.push_back(
          {count(static_cast<double>(errors), "reading ", "readings ") + std::string(what), ""});
  }
}

Finding examine(const CollectorHealth& health, const Snapshot& snapshot,
                const Privileges& privileges) {
  Finding finding{kArea, health.name, Health::works, summary_of(snapshot, health), {}};
  bool is_whole = !health.success || (health.name == "process" && snapshot.processes.empty());
  for (const SourceAccess& access : health.sources) {
    // Asked of the kernel in examine_kernel(): without it nothing is lost.
    if (access.is_accessible || access.source == "bpf_task_iterator") continue;
    const std::uint64_t refused = refused_processes(snapshot, health, access.source);
    finding.losses.push_back(closed_source(access, refused, snapshot.processes.size(), privileges));
    is_whole = is_whole || access.source == "kmsg";
  }
  add_unseen_probes(finding, health, snapshot.processes.size(), privileges);
  add_unreadable_programs(finding, snapshot);
  add_errors(finding, health);
  if (!health.success && finding.losses.empty())
    finding.losses.push_back({"nothing could be read", ""});
  if (is_whole) {
    finding.health = Health::lost;
  } else if (!finding.losses.empty()) {
    finding.health = Health::partly;
  }
  return finding;
}

}  // namespace

std::vector<Finding> examine_collectors(const Snapshot& snapshot, const Config& config,
                                        const Privileges& privileges) {
  std::vector<Finding> findings;
  for (const CollectorEntry* const entry : builtin_collectors()) {
    const auto health = std::ranges::find(snapshot.collectors, entry->name, &CollectorHealth::name);
    if (health != snapshot.collectors.end()) {
      findings.push_back(examine(*health, snapshot, privileges));
      continue;
    }
    const bool is_chosen = config.collectors.contains(entry->name);
    findings.push_back({kArea,
                        std::string(entry->name),
                        Health::note,
                        is_chosen ? "switched off" : "off by default",
                        {}});
  }
  return findings;
}

}  // namespace heapfloor
