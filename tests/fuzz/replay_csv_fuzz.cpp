#include "agent/cli/replay_csv.h"

#include <cmath>

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const auto series = heapfloor::parse_replay(text_of(data, size), "file.csv");
  if (!series) {
    require(series.error().kind == heapfloor::ErrorKind::malformed, "a refusal is malformed");
    require(series.error().path.starts_with("file.csv"), "a refusal names the file");
    require(!series.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  double last_seconds = -1;
  for (const heapfloor::Observation& reading : series->observations) {
    require(std::isfinite(reading.value) && reading.value >= 0, "values are sizes");
    require(reading.time_seconds >= last_seconds, "time does not run backwards");
    last_seconds = reading.time_seconds;
  }
  return 0;
}
