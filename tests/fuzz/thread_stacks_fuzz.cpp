#include "collectors/parse/thread_stacks.h"

#include <string_view>

#include "collectors/parse/text.h"
#include "tests/fuzz/property.h"

namespace {

std::optional<heapfloor::ThreadStacks> stacks_in(std::string_view text, std::size_t& lines) {
  heapfloor::ThreadStackReader reader;
  std::string_view line;
  while (heapfloor::next_line(text, line)) {
    reader.take(line);
    ++lines;
  }
  heapfloor::testing::require(reader.mappings() <= lines, "a mapping is a line");
  return reader.stacks();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  std::size_t lines = 0;
  const auto stacks = stacks_in(text, lines);
  std::size_t again = 0;
  require(stacks_in(text, again) == stacks, "the same text says the same");
  if (!stacks) return 0;
  require(stacks->count > 0, "none is nothing");
  require(stacks->count <= lines, "a stack is a line");
  return 0;
}
