#include "agent/exposition/site_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/series/process_facts.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostNamed = 2;
constexpr double kLeastShare = 0.05;
constexpr double kHour = 3600;
constexpr double kMiB = 1 << 20;
constexpr double kLeastIdleBytes = kMiB;

// What a function of the program holds, by what it was allocated for; {} is the function.
struct Kind {
  std::string_view container;
  std::string_view words;
};
constexpr std::array<Kind, 7> kKinds = {{
    {"map", "a map that grows, filled by {}"},
    {"sync.Map", "a sync.Map, written by {}"},
    {"interface", "values boxed into interfaces by {}"},
    {"slice", "slices made or appended to by {}"},
    {"string", "strings made by {}"},
    {"channel", "channels made by {}"},
    {"goroutine", "goroutines started by {}"},
}};
constexpr std::string_view kObjects = "objects allocated by {}";

struct Summed {
  const KnownSite* site;
  double bytes_per_second;
  std::optional<double> share;
};

bool is_same(const KnownSite& one, const KnownSite& other) {
  return one.function == other.function && one.container == other.container;
}

std::vector<Summed> summed(std::span<const GrowingSite> sites) {
  std::vector<Summed> sums;
  for (const GrowingSite& growing : sites) {
    if (growing.site == nullptr || growing.site->function.empty()) continue;
    const auto known = std::ranges::find_if(
        sums, [&growing](const Summed& sum) { return is_same(*sum.site, *growing.site); });
    if (known == sums.end()) {
      sums.push_back({growing.site, growing.bytes_per_second, growing.share});
      continue;
    }
    known->bytes_per_second += growing.bytes_per_second;
    if (growing.share) known->share = std::min(1.0, known->share.value_or(0) + *growing.share);
  }
  std::ranges::stable_sort(sums, std::greater<>(), &Summed::bytes_per_second);
  return sums;
}

// "main.consume (service.go:33)", of a KnownSite or a GoPlace.
template <class Place>
std::string place_of(const Place& place) {
  if (place.file.empty()) return place.function;
  const std::string_view file = base_name(place.file);
  if (place.line <= 0) return fmt::format("{} ({})", place.function, file);
  return fmt::format("{} ({}:{})", place.function, file, place.line);
}

// What else its function fills that grows: most likely what holds it.
std::string_view say_holder(const Summed& sum, const std::vector<Summed>& sums) {
  const auto fills = [&](std::string_view container) {
    return sum.site->container != container && std::ranges::any_of(sums, [&](const Summed& other) {
             return other.site->function == sum.site->function &&
                    other.site->container == container;
           });
  };
  if (fills("sync.Map")) return ", which writes to a sync.Map that grows";
  if (fills("map")) return ", which fills a map that grows";
  return {};
}

std::string say(const Summed& sum, const std::vector<Summed>& sums) {
  const auto kind = std::ranges::find(kKinds, sum.site->container, &Kind::container);
  const std::string what =
      fmt::format(fmt::runtime(kind == kKinds.end() ? kObjects : kind->words), place_of(*sum.site));
  const double mib = sum.bytes_per_second * kHour / kMiB;
  const bool is_gib = mib >= 1024;
  return fmt::format("{}{}: {:.1f} {}/h", what, say_holder(sum, sums), is_gib ? mib / 1024 : mib,
                     is_gib ? "GiB" : "MiB");
}

// "12,412".
std::string say_count(double count) {
  std::string digits = fmt::format("{:.0f}", count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

// What goroutines are about, by what the runtime calls it; {} is the place.
constexpr std::array<Kind, 14> kReasons = {{
    {"chan receive", "wait in {} for a channel receive"},
    {"chan send", "wait in {} for a channel send"},
    {"chan receive (nil chan)", "wait in {} for a receive from a nil channel, for ever"},
    {"chan send (nil chan)", "wait in {} for a send to a nil channel, for ever"},
    {"select", "wait in {} in a select"},
    {"select (no cases)", "wait in {} in a select without cases, for ever"},
    {"semacquire", "wait in {} for a lock or a wait group"},
    {"sync.Mutex.Lock", "wait in {} for a mutex"},
    {"sync.RWMutex.RLock", "wait in {} for a mutex"},
    {"sync.RWMutex.Lock", "wait in {} for a mutex"},
    {"sync.Cond.Wait", "wait in {} for a condition variable"},
    {"IO wait", "wait in {} for input or output"},
    {"sleep", "sleep in {}"},
    {"syscall", "are in a system call in {}"},
}};

std::string say_wait(const GoroutineWait& wait) {
  const auto kind = std::ranges::find(kReasons, wait.reason, &Kind::container);
  std::string text = fmt::format(
      fmt::runtime(kind == kReasons.end() ? std::string_view("are in {}") : kind->words),
      place_of(wait.at));
  if (kind == kReasons.end() && !wait.reason.empty()) text += fmt::format(" ({})", wait.reason);
  if (!wait.started_at.function.empty()) text += ", started at " + place_of(wait.started_at);
  return text;
}

}  // namespace

std::string say_goroutine_waits(const GoroutineWaits& waits) {
  std::string words;
  std::size_t named = 0;
  const bool is_estimate = waits.seen < waits.goroutines;
  for (const GoroutineWait& wait : waits.waits) {
    if (named == kMostNamed || (named > 0 && wait.goroutines < kLeastShare * waits.goroutines))
      break;
    if (wait.at.function.empty()) continue;
    const std::string_view about = is_estimate ? "about " : "";
    words += named == 0
                 ? fmt::format("{}{} of {} goroutines {}", about, say_count(wait.goroutines),
                               say_count(waits.goroutines), say_wait(wait))
                 : fmt::format("; {}{} {}", about, say_count(wait.goroutines), say_wait(wait));
    ++named;
  }
  if (words.empty()) return {};
  words.front() = words.front() == 'a' ? 'A' : words.front();
  if (is_estimate) words += fmt::format(", by {} of them chosen at random", say_count(waits.seen));
  return words + ".";
}

std::string say_growing_sites(std::span<const GrowingSite> sites,
                              const std::optional<double>& idle_bytes) {
  std::string words;
  std::size_t named = 0;
  const std::vector<Summed> sums = summed(sites);
  for (const Summed& sum : sums) {
    if (named == kMostNamed || (named > 0 && sum.share.value_or(1) < kLeastShare)) break;
    const std::string share =
        sum.share ? fmt::format("{:.0f} %", 100 * *sum.share) : std::string("A part");
    words += named == 0
                 ? fmt::format("{} of the growth is {}", share, say(sum, sums))
                 : fmt::format("; {} is {}", sum.share ? share : "another part", say(sum, sums));
    ++named;
  }
  if (words.empty()) return {};
  words += '.';
  if (idle_bytes && *idle_bytes >= kLeastIdleBytes)
    words += fmt::format(" The runtime keeps {:.1f} MiB free that it has not given back.",
                         *idle_bytes / kMiB);
  return words;
}

}  // namespace heapfloor
