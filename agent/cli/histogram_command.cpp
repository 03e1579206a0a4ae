// heapfloor histogram: the classes that fill the heap of a JVM. The one command that holds up
// another program, so that it says for how long before it does.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "agent/cli/class_report.h"
#include "agent/cli/commands.h"
#include "agent/cli/human_text.h"
#include "agent/cli/jvm_attach.h"
#include "agent/cli/output_file.h"
#include "agent/clock.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostFileBytes = std::size_t{256} << 20;

int fail(const std::string& reason) {
  fmt::print(stderr, "heapfloor: histogram: {}\n", reason);
  return kExitFailure;
}

std::string refusal_of(const Error& error, std::int32_t pid) {
  if (error.kind == ErrorKind::gone) return fmt::format("there is no process {}", pid);
  if (error.kind == ErrorKind::denied)
    return fmt::format(
        "process {}: permission denied; run as its user, as root, or with "
        "CAP_SYS_PTRACE",
        pid);
  return fmt::format("process {}: {}", pid, error.reason);
}

Result<HistogramRecord> read_base(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(ErrorKind::unavailable, path, "cannot be opened");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.size() > kMostFileBytes) return failure(ErrorKind::malformed, path, "too large");
  return read_histogram(text);
}

// A terminal's answer, or what was said before.
bool may_go_on(bool is_told) {
  if (is_told) return true;
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    fmt::print(stderr, "Nothing was done. With --yes it is.\n");
    return false;
  }
  fmt::print(stderr, "Go on? [y/N] ");
  const int answer = std::getchar();
  if (answer == 'y' || answer == 'Y') return true;
  fmt::print(stderr, "Nothing was done.\n");
  return false;
}

// How it is asked for: with "-live" the JVM collects all garbage first.
Result<HistogramRecord> take(const JvmAttach& jvm, bool is_live_only, double seconds) {
  const SystemClock clock;
  AttachLimits limits;
  limits.answer_seconds = seconds;
  const double begun = clock.steady_seconds();
  const auto text = jvm.ask("inspectheap", is_live_only ? "-live" : "-all", clock, limits);
  if (!text) return Failure(text.error());
  fmt::print(stderr, "It answered in {:.2f} s.\n", clock.steady_seconds() - begun);
  auto histogram = parse_class_histogram(*text);
  if (!histogram) return Failure(std::move(histogram.error()));
  HistogramRecord record;
  record.process = jvm.id();
  record.taken_unix_seconds = clock.wall_seconds();
  record.is_live_only = is_live_only;
  record.collector = jvm_gc_name(jvm.gc());
  record.histogram = std::move(*histogram);
  return record;
}

int show(const HistogramRecord& now, const HistogramRecord* base, const HistogramOptions& options) {
  const std::string json = options.is_json || options.output ? histogram_json(now, base) : "";
  if (options.output) {
    if (const auto written = replace_file(*options.output, json); !written)
      return fail(written.error().path + ": " + written.error().reason);
  }
  const std::size_t most =
      options.most_classes == 0 ? std::numeric_limits<std::size_t>::max() : options.most_classes;
  fmt::print("{}", options.is_json ? json : histogram_table(now, base, most));
  return std::fflush(stdout) == 0 ? kExitFine : fail("standard output: no room");
}

}  // namespace

int run_histogram_command(const ConfigSource& source, const HistogramOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  std::optional<HistogramRecord> base;
  if (options.base) {
    auto read = read_base(*options.base);
    if (!read) return fail(*options.base + ": " + read.error().reason);
    base = std::move(*read);
  }
  const DirectoryHostRoot root(
      HostPaths{config->path.procfs, config->path.sysfs, config->path.rootfs});
  const auto jvm = JvmAttach::open(root, options.pid);
  if (!jvm) return fail(refusal_of(jvm.error(), options.pid));
  HistogramRecord wanted;
  wanted.process = jvm->id();
  wanted.is_live_only = options.is_live_only;
  if (base) {
    if (const auto reason = why_not_comparable(wanted, *base)) return fail(*reason);
  }
  const auto estimate = estimate_stall(jvm->gc(), jvm->reading(), options.is_live_only);
  if (!estimate) return fail("the JVM does not tell how much its heap holds");
  fmt::print(stderr, "{}\n", stall_text(*estimate, options.is_live_only));
  if (!may_go_on(options.is_confirmed)) return kExitFailure;
  const auto now = take(*jvm, options.is_live_only, options.timeout_seconds);
  if (!now) return fail(refusal_of(now.error(), options.pid));
  return show(*now, base ? &*base : nullptr, options);
}

}  // namespace heapfloor
