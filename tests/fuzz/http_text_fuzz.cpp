#include <stdexcept>

#include "agent/http/listen_address.h"
#include "agent/http/negotiation.h"
#include "agent/http/url.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  static_cast<void>(heapfloor::accepts_gzip(text));
  static_cast<void>(heapfloor::prefers_openmetrics(text));
  if (const auto decoded = heapfloor::percent_decode(text)) {
    require(decoded->size() <= text.size(), "decoding does not grow");
    require(decoded->find('\0') == std::string::npos, "no NUL gets through");
  }
  if (const auto query = heapfloor::parse_query(text)) {
    require(query->size() <= text.size() + 1, "no more parameters than bytes");
  }
  try {
    const heapfloor::ListenAddress address = heapfloor::parse_listen_address(text);
    require(!address.text().empty(), "an address can be listened on");
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).size() < 1024 + size, "a refusal is one sentence");
  }
  return 0;
}
