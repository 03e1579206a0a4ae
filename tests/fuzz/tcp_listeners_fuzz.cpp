#include "collectors/parse/tcp_listeners.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  std::vector<heapfloor::TcpListener> found, again;
  const auto parsed = heapfloor::parse_tcp_line(text, found);
  const auto repeated = heapfloor::parse_tcp_line(text, again);
  require(parsed.has_value() == repeated.has_value() && found == again,
          "parsing twice is the same");
  require(found.size() == (parsed && *parsed ? 1U : 0U), "a line is one listener or none");
  if (!parsed) require(parsed.error().reason.size() < 128, "a reason is short");
  return 0;
}
