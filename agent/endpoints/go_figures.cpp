#include "agent/endpoints/go_figures.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

using Figure = std::optional<double> GoFigures::*;

// Amounts above it are no amounts; a limit that is none is as large.
constexpr double kMostAmount = 9.2e18;

struct NamedFigure {
  std::string_view name;
  Figure figure;
};

// Sorted by name.
constexpr std::array kExposed = {
    NamedFigure{"go_gc_duration_seconds_count", &GoFigures::cycles},
    NamedFigure{"go_gc_duration_seconds_sum", &GoFigures::pause_seconds},
    NamedFigure{"go_gc_gogc_percent", &GoFigures::gogc_percent},
    NamedFigure{"go_gc_gomemlimit_bytes", &GoFigures::limit},
    NamedFigure{"go_gc_heap_live_bytes", &GoFigures::live},
    NamedFigure{"go_gc_scan_globals_bytes", &GoFigures::scanned_globals},
    NamedFigure{"go_gc_scan_stack_bytes", &GoFigures::scanned_stacks},
    NamedFigure{"go_goroutines", &GoFigures::goroutines},
    NamedFigure{"go_memstats_alloc_bytes_total", &GoFigures::allocations},
    NamedFigure{"go_memstats_gc_cpu_fraction", &GoFigures::cpu_fraction},
    NamedFigure{"go_memstats_heap_alloc_bytes", &GoFigures::allocated},
    NamedFigure{"go_memstats_heap_idle_bytes", &GoFigures::idle},
    NamedFigure{"go_memstats_heap_inuse_bytes", &GoFigures::in_use},
    NamedFigure{"go_memstats_heap_objects", &GoFigures::objects},
    NamedFigure{"go_memstats_heap_released_bytes", &GoFigures::released},
    NamedFigure{"go_memstats_last_gc_time_seconds", &GoFigures::last_gc_seconds},
    NamedFigure{"go_memstats_next_gc_bytes", &GoFigures::goal},
    NamedFigure{"go_memstats_stack_inuse_bytes", &GoFigures::stacks},
    NamedFigure{"go_memstats_sys_bytes", &GoFigures::system},
    NamedFigure{"process_start_time_seconds", &GoFigures::start_seconds},
};
// The fields of runtime.MemStats. Sorted by name.
constexpr std::array kMemStats = {
    NamedFigure{"GCCPUFraction", &GoFigures::cpu_fraction},
    NamedFigure{"HeapAlloc", &GoFigures::allocated},
    NamedFigure{"HeapIdle", &GoFigures::idle},
    NamedFigure{"HeapInuse", &GoFigures::in_use},
    NamedFigure{"HeapObjects", &GoFigures::objects},
    NamedFigure{"HeapReleased", &GoFigures::released},
    NamedFigure{"LastGC", &GoFigures::last_gc_seconds},
    NamedFigure{"NextGC", &GoFigures::goal},
    NamedFigure{"NumGC", &GoFigures::cycles},
    NamedFigure{"PauseTotalNs", &GoFigures::pause_seconds},
    NamedFigure{"StackInuse", &GoFigures::stacks},
    NamedFigure{"Sys", &GoFigures::system},
    NamedFigure{"TotalAlloc", &GoFigures::allocations},
};

const NamedFigure* find(std::span<const NamedFigure> figures, std::string_view name) {
  const auto found = std::ranges::lower_bound(figures, name, {}, &NamedFigure::name);
  return found != figures.end() && found->name == name ? &*found : nullptr;
}

// Whole, as the text stands there; infinities and what is no number are none.
std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

bool is_of_nanoseconds(Figure figure) {
  return figure == &GoFigures::pause_seconds || figure == &GoFigures::last_gc_seconds;
}

void take_mem_stat(GoFigures& figures, std::string_view name, double value) {
  constexpr double kNanoseconds = 1e9;
  const NamedFigure* const named = find(kMemStats, name);
  if (named == nullptr || !(value >= 0 && value <= kMostAmount)) return;
  figures.*named->figure = is_of_nanoseconds(named->figure) ? value / kNanoseconds : value;
}

// What stands for "none" becomes none.
Result<GoFigures> finished(GoFigures figures) {
  if (!figures.is_of_go()) return failure(ErrorKind::malformed, {}, "no figures of a Go runtime");
  if (figures.last_gc_seconds && *figures.last_gc_seconds <= 0) figures.last_gc_seconds.reset();
  return figures;
}

// The value of label "version" in `{version="go1.19.8"}`.
std::string_view version_of(std::string_view labels) {
  constexpr std::string_view kLabel = "version=\"";
  const std::size_t at = labels.find(kLabel);
  if (at == std::string_view::npos) return {};
  labels.remove_prefix(at + kLabel.size());
  return labels.substr(0, labels.find('"'));
}

struct SampleLine {
  std::string_view name, labels, value;
};

// NAME{LABELS} VALUE TIMESTAMP, of which labels and timestamp may be missing.
std::optional<SampleLine> split(std::string_view line) {
  SampleLine sample;
  sample.name = line.substr(0, line.find_first_of("{ \t"));
  line.remove_prefix(sample.name.size());
  if (line.starts_with('{')) {
    bool is_quoted = false;
    std::size_t at = 1;
    for (; at < line.size() && (is_quoted || line[at] != '}'); ++at) {
      if (line[at] == '"') is_quoted = !is_quoted;
      if (is_quoted && line[at] == '\\') ++at;
    }
    if (at >= line.size()) return std::nullopt;
    sample.labels = line.substr(1, at - 1);
    line.remove_prefix(at + 1);
  }
  sample.value = next_token(line);
  return sample;
}

// Keeps the numbers of the member "memstats" of the document, and of it nothing that lies deeper.
class MemStatsReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit MemStatsReader(GoFigures& figures) : figures_(figures) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t value) override { return take(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    return take(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return take(value); }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override {
    if (depth_ == 1) is_inside_ = key_ == "memstats";
    return open();
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*elements*/) override { return depth_ > 0 && open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ <= kDepth) key_ = name;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  static constexpr std::size_t kDepth = 2;  // of the numbers
  static constexpr std::size_t kMostDepth = 64;

  bool open() { return ++depth_ <= kMostDepth; }
  bool close() {
    if (--depth_ < kDepth) is_inside_ = false;
    return true;
  }
  bool take(double value) {
    if (is_inside_ && depth_ == kDepth) take_mem_stat(figures_, key_, value);
    return true;
  }

  GoFigures& figures_;
  std::string key_;
  std::size_t depth_ = 0;
  bool is_inside_ = false;
};

// The minor version of Go; nothing where it is not known.
std::optional<unsigned> minor_of(const std::string& version) {
  constexpr std::string_view kOne = "go1.";
  if (!version.starts_with(kOne)) return std::nullopt;
  unsigned minor = 0;
  const auto [end, error] =
      std::from_chars(version.data() + kOne.size(), version.data() + version.size(), minor);
  return error == std::errc() ? std::optional(minor) : std::nullopt;
}

// Of the stacks, how much the goal counts: nothing before Go 1.18, all of them in it, and since Go
// 1.19 what the last collection scanned of them, which a page seldom says. Goroutines that wait use
// some hundred bytes of their 2 KiB.
double counted_roots(const GoFigures& figures) {
  constexpr unsigned kAllocated = 18;
  constexpr double kScannedShare = 0.25;
  const unsigned minor = minor_of(figures.version).value_or(kAllocated + 1);
  if (minor < kAllocated) return 0;
  const double share = minor == kAllocated ? 1 : kScannedShare;
  return figures.scanned_stacks.value_or(share * figures.stacks.value_or(0)) +
         figures.scanned_globals.value_or(0);
}

// Whether the runtime is so near to its limit that this, and not GOGC, says when it collects.
bool is_held_by_limit(const GoFigures& figures) {
  constexpr double kShare = 0.9;
  if (!figures.limit || !figures.system || !figures.released) return false;
  // The goal, with what lies beside the heap, is what the runtime grows to.
  const double beside = *figures.system - figures.in_use.value_or(0) - figures.idle.value_or(0);
  return *figures.goal + std::max(0.0, beside) >= kShare * *figures.limit;
}

}  // namespace

Result<GoFigures> parse_go_exposition(std::string_view text) {
  GoFigures figures;
  std::string_view line;
  while (next_line(text, line)) {
    if (!line.starts_with("go_") && !line.starts_with("process_start")) continue;
    const std::optional<SampleLine> sample = split(line);
    if (!sample) return malformed("labels without an end", line);
    if (sample->name == "go_info") {
      figures.version = version_of(sample->labels).substr(0, kMostGoVersionBytes);
      continue;
    }
    const NamedFigure* const named = find(kExposed, sample->name);
    if (named == nullptr) continue;
    if (figures.*named->figure) return malformed("of several programs", line);
    const auto value = parse_number(sample->value);
    if (!value || *value < 0) continue;
    // Written as they are kept: GOGC that is off is the largest number, and so is no limit.
    if (*value <= kMostAmount) {
      figures.*named->figure = *value;
    } else if (named->figure == &GoFigures::gogc_percent) {
      figures.gogc_percent = -1;
    }
  }
  return finished(std::move(figures));
}

Result<GoFigures> parse_go_expvar(std::string_view text) {
  GoFigures figures;
  MemStatsReader reader(figures);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader))
    return failure(ErrorKind::malformed, {}, "not the JSON of expvar");
  return finished(std::move(figures));
}

Result<GoFigures> parse_go_heap_text(std::string_view text) {
  GoFigures figures;
  std::string_view line;
  while (next_line(text, line)) {
    if (!line.starts_with("# ")) continue;
    line.remove_prefix(2);
    const std::string_view name = next_token(line);
    if (next_token(line) != "=") continue;
    if (const auto value = parse_number(next_token(line))) take_mem_stat(figures, name, *value);
  }
  return finished(std::move(figures));
}

std::optional<double> live_after_collection(const GoFigures& figures, double gogc_percent) {
  if (figures.live) return figures.live;
  constexpr double kLeastGoalBytes = 4 << 20;  // at GOGC = 100
  const double growth = figures.gogc_percent.value_or(gogc_percent) / 100;
  if (!figures.goal || !figures.allocated || growth <= 0) return std::nullopt;
  if (*figures.goal <= kLeastGoalBytes * growth || is_held_by_limit(figures)) return std::nullopt;
  const double live = (*figures.goal - growth * counted_roots(figures)) / (1 + growth);
  return std::clamp(live, 0.0, *figures.allocated);
}

}  // namespace heapfloor
