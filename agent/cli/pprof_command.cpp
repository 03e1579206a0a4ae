#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "agent/cli/commands.h"
#include "agent/cli/output_file.h"
#include "agent/clock.h"
#include "agent/profile/go_heap.h"
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

struct Reading {
  ProcessId id;
  HeapSites heap;
  std::vector<CodeMapping> mappings;
};

// Of its probe; of a Go program without one, of its runtime. What is wrong otherwise, in words.
tl::expected<Reading, std::string> read(const HostRoot& root, std::int32_t pid,
                                        const Clock& clock) {
  Result<ProbeReading> probe = read_probe(root, pid);
  if (probe) {
    Result<HeapSites> heap = heap_sites_of(probe->segment, clock.steady_seconds());
    if (!heap) return tl::unexpected(fmt::format("process {}: {}", pid, heap.error().reason));
    return Reading{probe->id, std::move(*heap), std::move(probe->mappings)};
  }
  if (probe.error().kind != ErrorKind::unavailable)
    return tl::unexpected(refusal_of(probe.error(), pid));
  auto go = read_go_heap(root, pid);
  if (go && *go) return Reading{(*go)->id, std::move((*go)->heap), std::move((*go)->mappings)};
  if (go) return tl::unexpected(refusal_of(probe.error(), pid));
  if (go.error().kind == ErrorKind::unavailable)
    return tl::unexpected(fmt::format("no profile of process {}: {}", pid, go.error().reason));
  return tl::unexpected(refusal_of(go.error(), pid));
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
  const tl::expected<Reading, std::string> reading = read(root, options.pid, clock);
  if (!reading) return fail(reading.error());
  HeapProfileOptions shape;
  shape.view = options.allocs ? HeapView::allocs : HeapView::heap;
  shape.time_unix_seconds = clock.wall_seconds();
  Symboliser symboliser;
  const auto files = code_files_of(root, reading->id);
  const Profile profile = heap_profile(reading->heap, reading->mappings, *files, symboliser, shape);
  if (profile.samples.empty())
    return fail(
        fmt::format("nothing was sampled in process {} yet: one sample is taken every {:.0f} bytes "
                    "that it allocates",
                    options.pid, reading->heap.interval_bytes));
  return write_out(options.output, gzip(encode_profile(profile)));
}

}  // namespace heapfloor
