// Which variables the code of a Go program refers to, where no symbols say where they are.
//
// The functions of a program are known by name also where it was stripped (go_line_table.h). Code
// for x86-64 refers to a variable by how far it is from the instruction: mov, lea, cmp, xchg, add
// with a ModRM byte of mod 0 and r/m 5 and no immediate. Code is looked at byte by byte rather than
// instruction by instruction, so that a few of the places that come out are nothing: an answer is
// what several functions agree on. Source: Intel 64 and IA-32 Architectures Software Developer's
// Manual, volume 2, chapter 2. Thread rule: pure functions of what the source says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/go_line_table.h"

namespace heapfloor {

// Addresses from `begin` on, `end` excluded, in the file's own numbering.
struct GoAddresses {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] bool contains(std::uint64_t address) const {
    return begin <= address && address < end;
  }
  friend bool operator==(const GoAddresses&, const GoAddresses&) = default;
};

enum class GoReference : std::uint8_t {
  any,
  address,  // its address is taken: lea
  load,     // it is read: mov
};

// The places within `among` that the code, which stands at `address`, refers to; ascending.
[[nodiscard]] std::vector<std::uint64_t> references_in(std::string_view code, std::uint64_t address,
                                                       GoReference kind, const GoAddresses& among);

// The one place within `among` that all of these functions refer to that the program has. Nothing
// where it has fewer than kLeastWitnesses of them, or these agree on none or on several.
inline constexpr std::size_t kLeastWitnesses = 2;
[[nodiscard]] std::optional<std::uint64_t> common_reference(
    const ByteSource& source, const GoTables& tables,
    std::span<const std::optional<GoFunction>> functions, GoReference kind,
    const GoAddresses& among);

}  // namespace heapfloor
