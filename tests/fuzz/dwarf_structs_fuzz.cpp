// Debugging information: two bytes say how much of the input is .debug_abbrev, the rest is
// .debug_info, as it is and as a packed section.
#include "collectors/parse/dwarf_structs.h"

#include <array>

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::require;
  if (size < 2) return 0;
  const std::string_view text = heapfloor::testing::text_of(data + 2, size - 2);
  const std::size_t cut = std::min<std::size_t>(data[0] + 256U * data[1], text.size());
  const std::string_view abbrevs = text.substr(0, cut);
  const MemorySource source(text.substr(cut));
  constexpr std::array<std::string_view, 3> kWanted = {"runtime.mstats", "runtime.p", "x"};
  for (const auto packing : {ElfDebugSection::Packing::none, ElfDebugSection::Packing::compressed,
                             ElfDebugSection::Packing::z_debug}) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
    SectionStream info(source, {{0, source.size()}, packing}, kMostBytes);
    const auto structures = read_struct_layouts(info, abbrevs, kWanted);
    if (!structures) {
      require(structures.error().kind == ErrorKind::malformed, "a refusal is malformed");
      continue;
    }
    require(structures->size() <= kWanted.size(), "only what is wanted is found");
    for (const auto& [name, layout] : *structures) {
      require(layout.members.size() <= DwarfBounds::kMostMembers, "members are bounded");
      for (const auto& [member, offset] : layout.members)
        require(member.size() <= DwarfBounds::kMostName, "a name is bounded");
    }
  }
  return 0;
}
