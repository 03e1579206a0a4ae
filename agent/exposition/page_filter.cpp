#include "agent/exposition/page_filter.h"

#include <algorithm>
#include <set>

namespace heapfloor {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::set<std::string_view> collectors_of(const MetricFamilies& families) {
  std::set<std::string_view> names;
  for (const MetricFamily& family : families.all()) names.insert(collector_of(family));
  return names;
}

// What the client sent is not repeated.
std::string unknown_collector(const std::set<std::string_view>& known) {
  std::string message = "collect[] and exclude[] know only these names:";
  for (const std::string_view name : known) message.append(" ").append(name);
  return message;
}

}  // namespace

bool PageFilter::shows(const MetricFamily& family) const {
  const std::string_view name = collector_of(family);
  return (collect.empty() || contains(collect, name)) && !contains(exclude, name);
}

std::string_view collector_of(const MetricFamily& family) {
  std::string_view name = family.source;
  if (name.starts_with(kCollectorSource)) name.remove_prefix(kCollectorSource.size());
  return name == kGroupSource ? "process" : name;
}

tl::expected<PageFilter, std::string> parse_page_filter(
    std::span<const std::pair<std::string, std::string>> query, const MetricFamilies& families) {
  const std::set<std::string_view> known = collectors_of(families);
  PageFilter filter;
  for (const auto& [parameter, name] : query) {
    if (parameter != "collect[]" && parameter != "exclude[]") continue;
    if (!known.contains(name)) return tl::unexpected(unknown_collector(known));
    (parameter == "collect[]" ? filter.collect : filter.exclude).push_back(name);
  }
  if (!filter.collect.empty() && !filter.exclude.empty()) {
    return tl::unexpected(std::string("collect[] and exclude[] cannot be combined"));
  }
  return filter;
}

}  // namespace heapfloor
