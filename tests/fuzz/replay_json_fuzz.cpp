#include "agent/external/replay_json.h"

#include <cmath>
#include <sstream>

#include "tests/fuzz/property.h"

namespace {

// A file of the command line's, or what a server answered to the agent.
void check_reading(const std::uint8_t* data, std::size_t size, const heapfloor::JsonRules& rules) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  std::istringstream stream{std::string(text_of(data, size))};
  heapfloor::BlockReader blocks(stream);
  const auto check = [](const std::string& labels, const heapfloor::ReplaySeries& series) {
    require(labels.empty() || (labels.starts_with('{') && labels.ends_with('}')),
            "labels are in braces");
    double last_seconds = 0;
    for (const heapfloor::Observation& reading : series.observations) {
      require(std::isfinite(reading.value) && reading.value >= 0, "values are sizes");
      require(!reading.limit || (std::isfinite(*reading.limit) && *reading.limit >= 0),
              "limits are sizes");
      require(reading.time_seconds >= last_seconds, "time does not run backwards");
      last_seconds = reading.time_seconds;
    }
  };
  const auto read = heapfloor::read_replay_json(blocks, "file.json", check, rules);
  if (read) return;
  require(read.error().kind == heapfloor::ErrorKind::malformed, "a refusal is malformed");
  require(read.error().path.starts_with("file.json:"), "a refusal names the place");
  require(!read.error().reason.empty(), "a refusal has a reason");
  for (const char byte : read.error().reason)
    require(byte >= ' ' && byte <= '~', "a reason is printable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_reading(data, size, {});
  check_reading(
      data, size,
      {.takes_rows = false, .takes_empty = true, .takes_instants = true, .skips_negative = true});
  return 0;
}
