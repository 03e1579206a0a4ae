// heapfloor doctor: what can be read with today's privileges, what not, and what would help.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <cstdio>
#include <iterator>
#include <utility>

#include "agent/build_info.h"
#include "agent/cli/commands.h"
#include "agent/cli/doctor.h"
#include "agent/clock.h"
#include "agent/log.h"
#include "agent/pipeline.h"
#include "collectors/bpf/task_iterator.h"

namespace heapfloor {
namespace {

class NoSink final : public AlertSink {
 public:
  void deliver(const AlertTransition& /*transition*/) noexcept override {}
};

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::string kernel_name() {
  utsname name{};
  return uname(&name) == 0 ? fmt::format("{} {}", name.sysname, name.release) : "an unknown kernel";
}

// The tick of an agent that has just started, under the same budgets; nothing is judged or kept.
std::vector<Finding> collect_once(const Config& config, const Privileges& privileges) {
  const SystemClock clock;
  NoSink sink;
  Pipeline pipeline(config, clock, sink);
  return examine_collectors(*pipeline.tick(), config, privileges);
}

std::vector<Finding> ask_kernel(const Config& config, const Privileges& privileges) {
  const DirectoryHostRoot root(
      HostPaths{config.path.procfs, config.path.sysfs, config.path.rootfs});
  const auto tasks = config.collection.bpf == BpfUse::off ? nullptr : make_bpf_task_iterator(root);
  return examine_kernel(root, privileges, tasks.get());
}

Finding configuration(const ConfigSource& source, const Result<Config>& config) {
  Finding finding{"agent",
                  "configuration",
                  Health::works,
                  source.file ? *source.file : std::string("defaults; no file is given"),
                  {}};
  if (config) return finding;
  finding.health = Health::lost;
  finding.losses.push_back({fmt::format("{}: {}; what follows is of the defaults",
                                        config.error().path, config.error().reason),
                            ""});
  return finding;
}

}  // namespace

int run_doctor_command(const ConfigSource& source, bool is_json) {
  const Result<Config> loaded = source.load();
  const Config config = loaded ? *loaded : Config{};
  // What a collector would tell the log is in the report.
  configure_log(LogLevel::error, config.log.format);
  DoctorReport report;
  report.version = build_info().version;
  report.kernel = kernel_name();
  report.privileges = own_privileges();
  report.findings.push_back(configuration(source, loaded));
  report.findings.push_back(examine_storage(config));
  append(report.findings, examine_addresses(config));
  append(report.findings, collect_once(config, report.privileges));
  append(report.findings, ask_kernel(config, report.privileges));
  append(report.findings, examine_receivers(config));
  fmt::print("{}", is_json ? doctor_json(report) : doctor_text(report));
  if (!loaded) return kExitUsage;
  return report.loses_something() ? kExitFailure : kExitFine;
}

}  // namespace heapfloor
