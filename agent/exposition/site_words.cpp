#include "agent/exposition/site_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

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

std::string place_of(const KnownSite& site) {
  if (site.file.empty()) return site.function;
  const std::string file = site.file.substr(site.file.rfind('/') + 1);
  if (site.line <= 0) return fmt::format("{} ({})", site.function, file);
  return fmt::format("{} ({}:{})", site.function, file, site.line);
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
  return fmt::format("{}{}: {:.1f} MiB/h", what, say_holder(sum, sums),
                     sum.bytes_per_second * kHour / kMiB);
}

}  // namespace

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
