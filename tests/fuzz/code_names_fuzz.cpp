// What is made of names and answers that a target's files gave.
#include <string>
#include <vector>

#include "agent/profile/container_type.h"
#include "agent/profile/source_lines.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  std::vector<std::string_view> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    names.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
  for (const std::string_view name : names) {
    for (const std::string_view scope : heapfloor::scopes_of(name))
      require(!scope.empty() && scope.size() <= name.size(), "a scope is a part of the name");
    for (const std::string_view argument : heapfloor::template_arguments(name))
      require(!argument.empty() && argument.size() < name.size(), "so is an argument");
  }
  if (const auto type = heapfloor::container_of(names))
    require(!type->container.empty() && type->element.size() < 512, "a container has a name");
  constexpr std::size_t kAddresses = 4;
  require(heapfloor::parse_source_lines(text, kAddresses).size() == kAddresses,
          "one answer an address");
  return 0;
}
