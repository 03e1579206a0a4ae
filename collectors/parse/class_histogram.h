// The classes of a JVM's heap, as its command GC.class_histogram prints them.
//
// Source: KlassInfoHisto::print_histo_on in src/hotspot/share/memory/heapInspection.cpp of OpenJDK:
// lines "  1:  INSTANCES  BYTES  CLASS (MODULE@VERSION)", at the end "Total INSTANCES BYTES"; the
// module since Java 9. The program chose the names of its classes. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct ClassHistogramBounds {
  static constexpr std::size_t kMostClasses = 500000;
  static constexpr std::size_t kMostName = 512;  // bytes of a name that are kept
};

struct ClassCount {
  std::string name;  // raw: "[B (java.base@17.0.15)"
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const ClassCount&, const ClassCount&) = default;
};

struct ClassHistogram {
  std::vector<ClassCount> classes;  // in the order of the text: the largest first
  std::uint64_t instances = 0;      // of all of them, as the JVM says
  std::uint64_t bytes = 0;
  friend bool operator==(const ClassHistogram&, const ClassHistogram&) = default;
};

// A text without its end is not whole and `malformed`.
[[nodiscard]] Result<ClassHistogram> parse_class_histogram(std::string_view text);

}  // namespace heapfloor
