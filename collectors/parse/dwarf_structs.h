// How structures of a Go program are laid out, by its debugging information: DWARF 2 to 5, as Go's
// linker or the C linker behind it leaves it. Source: dwarfstd.org, DWARF 5 section 7.
//
// One pass over .debug_info, from front to back: about 8 ms a MiB. Units of other languages are
// passed over. Only what is named in place (DW_FORM_string, all that Go writes) is found. Thread
// rule: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "collectors/parse/byte_stream.h"
#include "collectors/result.h"

namespace heapfloor {

struct DwarfBounds {
  static constexpr std::size_t kMostAbbrevBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMostAbbrevs = 65536;  // of one unit
  static constexpr std::size_t kMostName = 256;
  static constexpr std::size_t kMostMembers = 1024;                         // of one structure
  static constexpr std::uint64_t kMostInfoBytes = std::uint64_t{64} << 20;  // unpacked
};

// Bytes.
struct StructLayout {
  std::uint64_t size = 0;
  std::map<std::string, std::uint64_t, std::less<>> members;  // where each begins
  friend bool operator==(const StructLayout&, const StructLayout&) = default;
};
using StructLayouts = std::map<std::string, StructLayout, std::less<>>;

// Those of `wanted` that are there; the first of a name. Ends where all are found, and where `info`
// is not what it should be or ends too early: `malformed` where none was found until then.
[[nodiscard]] Result<StructLayouts> read_struct_layouts(SectionStream& info,
                                                        std::string_view abbrevs,
                                                        std::span<const std::string_view> wanted);

}  // namespace heapfloor
