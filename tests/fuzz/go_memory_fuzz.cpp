// The memory of a Go program, as a hostile one may fill it: gcController, then memstats.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "collectors/runtime/go_target.h"
#include "tests/fuzz/property.h"

namespace {

using heapfloor::testing::require;

void require_amount(const std::optional<double>& value) {
  require(!value || (std::isfinite(*value) && *value >= 0), "an amount is finite and not negative");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  const GoLayout layout = known_go_layout(19).value();
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const auto control = bytes.first(std::min(size, go_control_bytes(layout)));
  constexpr double kMostBytes = 1e12;
  const auto reading = read_go_control(layout, control, size % 2 == 0 ? 3 : 0, kMostBytes);
  const auto bias = go_load_bias(heapfloor::testing::text_of(data, size), 64);
  require(!bias || *bias <= UINT64_MAX - 64, "a program is moved up");
  if (!reading) return 0;
  for (const auto& amount : {reading->live, reading->in_use, reading->free, reading->released}) {
    require_amount(amount);
    require(!amount || *amount <= kMostBytes, "no more than the process has");
  }
  for (const auto& amount :
       {reading->goal, reading->limit, reading->allocated, reading->allocations})
    require_amount(amount);
  const GoRest rest = read_go_stats(layout, bytes.subspan(control.size()), *reading);
  for (const auto& amount :
       {rest.cpu_fraction, rest.last_gc_seconds, rest.pause_seconds, rest.stacks, rest.system})
    require_amount(amount);
  return 0;
}
