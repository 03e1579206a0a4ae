#include "agent/config.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string text(text_of(data, size));
  const auto config = heapfloor::parse_config(text, "heapfloor.yml");
  if (!config) {
    require(config.error().path.starts_with("heapfloor.yml:"), "a refusal names file and line");
    require(!config.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  for (const heapfloor::ConfigKey& key : heapfloor::config_keys()) {
    const std::string value = key.get(*config);
    heapfloor::Config copy;
    require(value.empty() || !key.set(copy, value), "what a key holds can be set again");
  }
  require(config->policy_for("rss_anon").bucket_seconds > 0, "a policy has a bucket");
  return 0;
}
