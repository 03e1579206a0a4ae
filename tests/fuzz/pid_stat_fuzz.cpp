#include "collectors/parse/pid_stat.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_stat, text);
  if (const auto stat = heapfloor::parse_pid_stat(text)) {
    require(stat->comm.size() <= 64, "a name is at most 64 bytes");
    require(stat->comm.empty() ||
                (stat->comm.data() > text.data() && stat->comm.data() < text.data() + text.size()),
            "the name points into the text");
    // Whatever is put into the name, the fields behind it stay.
    const std::string forged = "1 (x) Z 9 " + std::string(text.substr(text.find('(')));
    auto again = heapfloor::parse_pid_stat(forged);
    if (again) again->comm = stat->comm;
    require_same(again, *stat, "a name cannot forge the fields");
  }
  return 0;
}
