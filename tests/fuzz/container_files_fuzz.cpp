#include "collectors/parse/container_files.h"

#include <algorithm>

#include "tests/fuzz/property.h"

namespace {

void require_plain(const heapfloor::ContainerFacts& facts) {
  for (const std::string* const text :
       {&facts.name, &facts.image, &facts.image_id, &facts.pod, &facts.pod_namespace}) {
    heapfloor::testing::require(text->size() <= heapfloor::kMostContainerText, "texts are bounded");
    heapfloor::testing::require(
        std::ranges::all_of(*text, [](char c) { return c > ' ' && c < '\x7f'; }),
        "texts can be shown");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  for (const auto parse : {heapfloor::parse_docker_config, heapfloor::parse_oci_config}) {
    if (const auto facts = parse(text)) require_plain(*facts);
  }
  const auto list = heapfloor::parse_stored_containers(text);
  if (!list) return 0;
  require(list->size() <= heapfloor::kMostStoredContainers, "a list is bounded");
  for (const auto& [id, facts] : *list) require_plain(facts);
  return 0;
}
