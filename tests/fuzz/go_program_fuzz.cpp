// A file that a hostile user runs as a Go program.
#include "collectors/runtime/go_program.h"

#include "collectors/parse/go_build_info.h"
#include "collectors/runtime/go_target.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::require;
  const std::string_view text = heapfloor::testing::text_of(data, size);
  if (const auto version = parse_go_build_info(text)) {
    require(version->size() <= kMostGoVersion, "a version is bounded");
    const auto minor = released_go_minor(*version);
    require(!minor || *minor <= UINT16_MAX, "a version is a small number");
  }
  const MemorySource source(text);
  const auto program = examine_go_program(source);
  if (!program || program->refusal) return 0;
  require(program->of(GoVariable::controller) && program->of(GoVariable::memstats),
          "what is read has its variables");
  require(go_control_bytes(program->layout) <= 2 * kMostGoOffset, "reads are bounded");
  require(go_stats_bytes(program->layout) <= 8 * kMostGoOffset, "reads are bounded");
  return 0;
}
