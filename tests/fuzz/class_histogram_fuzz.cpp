// The classes of a JVM, as a hostile one may answer.
#include "collectors/parse/class_histogram.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::require;
  const std::string_view text = heapfloor::testing::text_of(data, size);
  heapfloor::testing::require_pure_and_total(&parse_class_histogram, text);
  const auto histogram = parse_class_histogram(text);
  if (!histogram) return 0;
  for (const ClassCount& one : histogram->classes) {
    require(!one.name.empty() && one.name.size() <= ClassHistogramBounds::kMostName,
            "a name is there, and bounded");
    require(one.instances <= INT64_MAX && one.bytes <= INT64_MAX, "differences can be taken");
  }
  return 0;
}
