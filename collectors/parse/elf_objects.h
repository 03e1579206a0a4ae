// Where variables and functions of a program are, by their names in .symtab. Source: elf(5).
//
// The tables are read piece by piece, in order, once each: about 1 ms a MB. Names that share their
// end with a longer one's, as only some linkers write them, are not found. Thread rule: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"

namespace heapfloor {

struct ElfObject {
  std::uint64_t address = 0;  // in the file's own numbering
  std::uint64_t size = 0;
  friend bool operator==(const ElfObject&, const ElfObject&) = default;
};

// One for each name, in their order; nothing where there is no such symbol. Names are shorter
// than kMostObjectName.
inline constexpr std::size_t kMostObjectName = 64;
[[nodiscard]] std::vector<std::optional<ElfObject>> find_objects(
    const ByteSource& source, const ElfSymbols& symbols, std::span<const std::string_view> names);

}  // namespace heapfloor
