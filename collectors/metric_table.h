// Finds a metric of a collector's table by name, at compile time: a misspelt name does not compile.
#pragma once

#include <span>
#include <stdexcept>
#include <string_view>

#include "collectors/sample.h"

namespace heapfloor {

// The one entry of `table` with this family name and label value. Samples are told apart by the
// address of their descriptor, so a collector adds samples with entries of its table and never with
// copies of them.
constexpr const MetricDesc& find_metric(std::span<const MetricDesc> table, std::string_view name,
                                        std::string_view label_value = {}) {
  for (const MetricDesc& desc : table) {
    if (desc.name == name && desc.label_value == label_value) return desc;
  }
  throw std::logic_error("no such metric");
}

}  // namespace heapfloor
