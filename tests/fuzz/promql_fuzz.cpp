#include "agent/external/target_reader.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string text(text_of(data, size));
  if (heapfloor::is_plain_selector(text)) {
    require(!text.ends_with(']') && !text.ends_with(')'), "a range can be written behind it");
    require(!heapfloor::is_plain_selector(text + "[5m]"), "behind a range there is none");
  }
  const heapfloor::SeriesLabels labels = heapfloor::labels_of(text);
  for (const auto& [name, value] : labels) require(name != "__name__", "the name is no label");
  heapfloor::PrometheusTarget target;
  target.name = "t";
  require(heapfloor::external_name(target, labels).starts_with("t"),
          "a name begins with its target's");
  return 0;
}
