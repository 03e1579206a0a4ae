#include "agent/config_web.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string text(text_of(data, size));
  const auto config = heapfloor::parse_web_config(text, "web.yml");
  if (!config) {
    require(config.error().path.starts_with("web.yml:"), "a refusal names file and line");
    require(!config.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  for (const auto& [name, value] : config->headers) {
    require(value.find_first_of("\r\n") == std::string::npos, "a header field is one line");
  }
  require(!config->rate || config->rate->interval_seconds > 0, "a rate has an interval");
  return 0;
}
