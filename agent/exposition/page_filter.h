// PageFilter: the families that one scrape asks for, by the parameters collect[] and exclude[] of
// node_exporter.
//
// Thread rule: plain values and pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "agent/exposition/metric_families.h"

namespace heapfloor {

// Of the two lists at most one has names; with neither the filter lets everything through.
struct PageFilter {
  std::vector<std::string> collect;  // only the families of these collectors
  std::vector<std::string> exclude;  // all but the families of these

  [[nodiscard]] bool shows_all() const { return collect.empty() && exclude.empty(); }
  [[nodiscard]] bool shows(const MetricFamily& family) const;
};

// The name that collect[] and exclude[] have for a family's source: a collector (the families of
// groups belong to the collector "process"), or "trend", "alerts", "agent".
std::string_view collector_of(const MetricFamily& family);

// Reads decoded names and values of a query string: collect[]=NAME and exclude[]=NAME, each as
// often as wanted; other parameters are ignored. Fails, with a sentence for an answer 400, when
// both are there or when no family has that name.
tl::expected<PageFilter, std::string> parse_page_filter(
    std::span<const std::pair<std::string, std::string>> query, const MetricFamilies& families);

}  // namespace heapfloor
