// What manual pages say beside what --help and the list of keys know.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

// In this order; what is empty is left out. Plain text, not roff.
struct ManualPart {
  std::string_view title;
  std::string_view text;
  std::vector<std::pair<std::string_view, std::string_view>> entries;  // term, what it means
  std::string_view example;                                            // lines shown as they are
};

std::span<const ManualPart> manual_description();
std::span<const ManualPart> manual_end();
std::span<const ManualPart> config_manual_description();
std::span<const ManualPart> config_manual_end();

}  // namespace heapfloor
