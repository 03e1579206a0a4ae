#include "agent/http/url.h"
#include "agent/series/glob.h"
#include "agent/silence_query.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  constexpr double kNow = 1.7e9;
  const auto parameters = heapfloor::parse_query(text_of(data, size));
  if (!parameters) return 0;
  const auto silence = heapfloor::parse_silence_query(*parameters, kNow);
  if (!silence) {
    require(!silence.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  require(!silence->matchers.empty(), "no silence matches everything");
  require(silence->ends_at_seconds.has_value() && *silence->ends_at_seconds > kNow,
          "a silence that was asked for ends");
  for (const auto& [label, glob] : silence->matchers) {
    static_cast<void>(heapfloor::glob_matches(glob, label));
    require(heapfloor::glob_matches("*" + glob, glob), "a pattern matches itself behind a star");
  }
  heapfloor::SilenceBook book;
  require(book.add(*silence, kNow).has_value(), "there is room for one");
  heapfloor::SilenceBook successor;
  require(successor.load(book.save()).has_value(), "what was saved can be loaded");
  return 0;
}
