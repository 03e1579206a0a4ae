#include <fmt/format.h>

#include <cstdio>

#include "agent/cli/commands.h"
#include "agent/cli/output_file.h"
#include "agent/clock.h"
#include "agent/profile/heap_profile.h"
#include "agent/profile/probe_reading.h"
#include "agent/profile/symboliser.h"

namespace heapfloor {
namespace {

int fail(const std::string& reason) {
  fmt::print(stderr, "heapfloor: {}\n", reason);
  return kExitFailure;
}

std::string refusal_of(const Error& error, std::int32_t pid) {
  switch (error.kind) {
    case ErrorKind::gone:
      return fmt::format("there is no process {}", pid);
    case ErrorKind::denied:
      return fmt::format(
          "process {}: permission denied; run as its user, as root, or with CAP_SYS_PTRACE and "
          "CAP_DAC_READ_SEARCH",
          pid);
    case ErrorKind::unavailable:
      return fmt::format(
          "no probe in process {}: start it with `heapfloor run -- PROGRAM`, or link "
          "heapfloor::probe",
          pid);
    default:
      return fmt::format("process {}: {}", pid, error.reason);
  }
}

int write_out(const std::string& path, const std::string& bytes) {
  if (path == "-") {
    const bool is_written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
    return is_written && std::fflush(stdout) == 0 ? kExitFine : fail("standard output: no room");
  }
  const Result<void> replaced = replace_file(path, bytes);
  if (replaced) return kExitFine;
  return fail(replaced.error().path + ": " + replaced.error().reason);
}

}  // namespace

int run_pprof_command(const ConfigSource& source, const PprofOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  const DirectoryHostRoot root(
      HostPaths{config->path.procfs, config->path.sysfs, config->path.rootfs});
  const SystemClock clock;
  const Result<ProbeReading> probe = read_probe(root, options.pid);
  if (!probe) return fail(refusal_of(probe.error(), options.pid));
  const Result<HeapSites> heap = heap_sites_of(probe->segment, clock.steady_seconds());
  if (!heap) return fail(fmt::format("process {}: {}", options.pid, heap.error().reason));
  HeapProfileOptions shape;
  shape.view = options.allocs ? HeapView::allocs : HeapView::heap;
  shape.time_unix_seconds = clock.wall_seconds();
  Symboliser symboliser;
  const auto files = code_files_of(root, probe->id);
  const Profile profile = heap_profile(*heap, probe->mappings, *files, symboliser, shape);
  if (profile.samples.empty())
    return fail(
        fmt::format("nothing was sampled in process {} yet: one sample is taken every {:.0f} bytes "
                    "that it allocates",
                    options.pid, heap->interval_bytes));
  return write_out(options.output, gzip(encode_profile(profile)));
}

}  // namespace heapfloor
