// What a Go program answers over HTTP, and the environment that it was started with.
#include "agent/endpoints/go_figures.h"
#include "collectors/runtime/listening_sockets.h"
#include "tests/fuzz/property.h"

namespace {

void require_amounts(const heapfloor::Result<heapfloor::GoFigures>& figures) {
  using heapfloor::testing::require;
  if (!figures) return;
  require(figures->is_of_go(), "a page of Go has a goal and what is allocated");
  require(*figures->goal >= 0 && *figures->allocated >= 0, "amounts are not negative");
  require(figures->cycles.value_or(0) < 9.3e18, "a count fits");
  require(figures->version.size() <= heapfloor::kMostGoVersionBytes, "a version is short");
  for (const double percent : {-1.0, 50.0, 100.0}) {
    const auto live = heapfloor::live_after_collection(*figures, percent);
    require(!live || *live >= 0, "what lives is an amount");
    require(!live || figures->live || *live <= *figures->allocated,
            "what lives is a part of what is allocated");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  for (const auto parse : {heapfloor::parse_go_exposition, heapfloor::parse_go_expvar,
                           heapfloor::parse_go_heap_text}) {
    require_pure_and_total(parse, text);
    require_amounts(parse(text));
  }
  const auto environment = heapfloor::parse_go_environment(text);
  require(environment == heapfloor::parse_go_environment(text), "parsing twice is the same");
  require(!environment.limit_bytes || *environment.limit_bytes >= 0, "a limit is an amount");
  return 0;
}
