#include "agent/profile/go_heap.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collectors/process_identity.h"
#include "collectors/runtime/go_program.h"

namespace heapfloor {
namespace {

constexpr std::string_view kRuntime = "runtime.";
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kMostMapsBytes = std::size_t{1} << 20;

// The first part of the paths of Go's own packages, as of Go 1.25. Sorted.
constexpr std::array kLibrary = {
    "archive",  "bufio",   "bytes",   "cmp",      "compress", "container", "context", "crypto",
    "database", "debug",   "embed",   "encoding", "errors",   "expvar",    "flag",    "fmt",
    "go",       "hash",    "html",    "image",    "index",    "internal",  "io",      "iter",
    "log",      "maps",    "math",    "mime",     "net",      "os",        "path",    "plugin",
    "reflect",  "regexp",  "runtime", "slices",   "sort",     "strconv",   "strings", "structs",
    "sync",     "syscall", "testing", "text",     "time",     "unicode",   "unique",  "unsafe",
    "vendor",   "weak"};

struct Container {
  std::string_view prefix;  // of the runtime's function
  std::string_view name;
};
// That of the outermost function fits: a map that grows makes slices.
constexpr std::array<Container, 20> kContainers = {{
    {"runtime.hashGrow", "map"},
    {"runtime.growWork", "map"},
    {"runtime.evacuate", "map"},
    {"runtime.mapassign", "map"},
    {"runtime.makemap", "map"},
    {"runtime.makeBucketArray", "map"},
    {"runtime.(*hmap)", "map"},
    {"internal/runtime/maps.", "map"},
    {"runtime.growslice", "slice"},
    {"runtime.makeslice", "slice"},
    {"runtime.conv", "interface"},
    {"runtime.concatstring", "string"},
    {"runtime.slicebytetostring", "string"},
    {"runtime.stringtoslice", "slice"},
    {"runtime.rawstring", "string"},
    {"runtime.intstring", "string"},
    {"runtime.slicerunetostring", "string"},
    {"runtime.makechan", "channel"},
    {"runtime.newproc", "goroutine"},
    {"runtime.malg", "goroutine"},
}};

HeapSite heap_site_of(GoSite site) {
  HeapSite out;
  out.index = site.index;
  out.stack_hash = site.hash;
  out.frames = std::move(site.frames);
  out.allocated_objects = site.allocated_objects;
  out.allocated_bytes = site.allocated_bytes;
  out.live_objects = site.live_objects;
  out.live_bytes = site.live_bytes;
  return out;
}

}  // namespace

HeapSites heap_sites_of(GoSites sites) {
  HeapSites heap;
  heap.is_go = true;
  heap.interval_bytes = sites.rate_bytes;
  heap.live_bytes = sites.live_bytes;
  heap.sites.reserve(sites.sites.size() + 1);
  for (GoSite& site : sites.sites) heap.sites.push_back(heap_site_of(std::move(site)));
  if (sites.stacks > sites.sites.size()) {
    sites.rest.index = UINT32_MAX;  // behind all others
    heap.sites.push_back(heap_site_of(std::move(sites.rest)));
  }
  return heap;
}

bool is_go_runtime_function(std::string_view function) { return function.starts_with(kRuntime); }

bool is_go_library_function(std::string_view function) {
  const std::string_view first = function.substr(0, function.find_first_of("/."));
  return std::ranges::binary_search(kLibrary, first);
}

std::optional<std::string_view> go_container_of(std::span<const std::string_view> functions) {
  std::optional<std::string_view> found;
  bool is_in_runtime = true;
  for (const std::string_view function : functions) {
    if (function.empty()) continue;
    if (function.starts_with("sync.(*Map)") || function.starts_with("internal/sync.(*HashTrieMap"))
      return "sync.Map";
    const auto fits = std::ranges::find_if(kContainers, [function](const Container& container) {
      return function.starts_with(container.prefix);
    });
    if (is_in_runtime && fits != kContainers.end()) found = fits->name;
    is_in_runtime =
        is_in_runtime && (is_go_runtime_function(function) || fits != kContainers.end());
    if (!is_go_library_function(function)) break;
  }
  return found;
}

std::string code_maps_of(const HostRoot& root, std::int32_t pid) {
  const auto process = root.open_process(pid);
  if (!process) return {};
  std::vector<char> buffer(kBufferBytes);
  std::string text;
  const auto read = process->read_lines("maps", buffer, [&text](std::string_view line) {
    constexpr std::size_t kModesEnd = 48;
    const bool may_execute = line.substr(0, kModesEnd).find('x') != std::string_view::npos;
    if (may_execute) text.append(line).append(1, '\n');
    return text.size() < kMostMapsBytes;
  });
  return read ? text : std::string();
}

Result<std::optional<GoReadout>> read_go_heap(const HostRoot& root, std::int32_t pid) {
  auto process = root.open_process(pid);
  if (!process) return Failure(process.error());
  const auto file = process->open_file("exe");
  if (!file) return Failure(file.error());
  auto program = examine_go_program(FileSource(*file));
  if (!program) return std::nullopt;
  if (program->refusal)
    return failure(ErrorKind::unavailable, std::to_string(pid),
                   std::string(say_go_refusal(*program->refusal)));
  std::vector<char> buffer(kBufferBytes);
  const ProcessId id{pid, read_start_ticks(*process, pid, buffer).value_or(0)};
  const auto target =
      GoTarget::open(id, std::make_shared<const GoProgram>(std::move(*program)), *process, buffer);
  if (!target) return Failure(target.error());
  auto sites = target->site_source()->read();
  if (!sites) return Failure(std::move(sites.error()));
  auto mappings = parse_code_mappings(code_maps_of(root, pid));
  return GoReadout{id, heap_sites_of(std::move(*sites)),
                   mappings ? std::move(*mappings) : std::vector<CodeMapping>()};
}

std::string_view say_go_refusal(GoRefusal refusal) {
  constexpr std::array<std::string_view, kGoRefusals> kWords = {
      "it runs Go, but its symbols were stripped (-ldflags=-s), and it is not of Go 1.19 for "
      "x86-64, whose code is known: nothing says where its memory profile is",
      "it runs a version of Go that is not known and has no debugging information (-ldflags=-w) "
      "that says how its memory profile is laid out",
      "it runs Go, but what stands where its runtime keeps its figures can be none",
      "it runs Go, but its memory may not be read: CAP_SYS_PTRACE is needed"};
  return kWords.at(static_cast<std::size_t>(refusal));
}

}  // namespace heapfloor
