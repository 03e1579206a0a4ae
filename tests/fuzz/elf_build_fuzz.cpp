#include "collectors/parse/elf_build.h"

#include <algorithm>

#include "tests/fuzz/property.h"
#include "tests/support/elf_maker.h"

namespace {

bool is_plain(const std::string& text) {
  return text.size() <= heapfloor::ElfBuildBounds::kMostText &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view bytes = text_of(data, size);
  std::size_t read = 0;
  const heapfloor::ElfReader reader = reader_of(bytes);
  const heapfloor::ElfReader counted = [&](std::uint64_t offset, std::span<char> to) {
    read += to.size();
    return reader(offset, to);
  };
  const auto build = heapfloor::parse_elf_build(counted);
  constexpr std::size_t kMostRead = std::size_t{4} << 20;
  require(read <= kMostRead, "what is read is bounded");
  if (!build) {
    require(build.error().kind == heapfloor::ErrorKind::malformed, "a refusal is malformed");
    return 0;
  }
  const auto again = heapfloor::parse_elf_build(reader);
  require(again && *again == *build, "reading twice gives the same");
  require(build->build_id.size() <= 2 * heapfloor::ElfBuildBounds::kMostIdBytes, "ids are short");
  require(is_plain(build->build_id) && is_plain(build->go_build_id), "ids are plain");
  if (build->go) {
    require(is_plain(build->go->go_version) && is_plain(build->go->module_version) &&
                is_plain(build->go->revision),
            "what is said of a Go build is plain");
  }
  require(heapfloor::parse_go_modules(bytes) == heapfloor::parse_go_modules(bytes),
          "parsing twice gives the same");
  return 0;
}
