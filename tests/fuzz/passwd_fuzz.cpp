#include "collectors/parse/passwd.h"

#include <algorithm>

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  const auto users = heapfloor::parse_passwd(text);
  require(users == heapfloor::parse_passwd(text), "parsing twice gives the same");
  for (std::size_t i = 0; i < users.size(); ++i) {
    require(i == 0 || users[i - 1].first < users[i].first, "each number once, ascending");
    require(!users[i].second.empty(), "a user has a name");
    require(users[i].second.find_first_of(":\n") == std::string::npos, "a name is one field");
  }
  return 0;
}
