#include "collectors/parse/go_references.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

namespace heapfloor {
namespace {

constexpr std::uint64_t kMostCodeBytes = std::uint64_t{64} << 10;  // of one function
constexpr std::size_t kInstructionBytes = 6;  // operation, ModRM, and how far it is from behind it

constexpr unsigned char kLea = 0x8d;
constexpr unsigned char kLoad = 0x8b;

bool refers(unsigned char operation, GoReference kind) {
  if (kind == GoReference::address) return operation == kLea;
  if (kind == GoReference::load) return operation == kLoad;
  switch (operation) {
    case 0x03:  // add
    case 0x39:  // cmp
    case 0x3b:
    case 0x87:  // xchg
    case 0x89:  // mov
    case kLoad:
    case kLea:
      return true;
    default:
      return false;
  }
}

std::optional<std::string> code_of(const ByteSource& source, const GoTables& tables,
                                   const GoFunction& function) {
  if (function.address < tables.text_address || function.bytes > kMostCodeBytes)
    return std::nullopt;
  const std::uint64_t place = function.address - tables.text_address;
  if (place > tables.text_bytes || tables.text_bytes - place < function.bytes) return std::nullopt;
  std::string code(static_cast<std::size_t>(function.bytes), '\0');
  if (!source.read_at(tables.text_offset + place, code)) return std::nullopt;
  return code;
}

}  // namespace

std::vector<std::uint64_t> references_in(std::string_view code, std::uint64_t address,
                                         GoReference kind, const GoAddresses& among) {
  constexpr unsigned char kRegister = 0x38;  // the bits of ModRM that name one
  constexpr unsigned char kRelative = 5;
  std::vector<std::uint64_t> found;
  for (std::size_t at = 0; at + kInstructionBytes <= code.size(); ++at) {
    const auto modes = static_cast<unsigned char>(code[at + 1]);
    if (!refers(static_cast<unsigned char>(code[at]), kind) || (modes & ~kRegister) != kRelative)
      continue;
    std::int32_t distance = 0;
    std::memcpy(&distance, code.data() + at + 2, sizeof distance);
    const std::uint64_t place =
        address + at + kInstructionBytes + static_cast<std::uint64_t>(std::int64_t{distance});
    if (among.contains(place)) found.push_back(place);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::optional<std::uint64_t> common_reference(const ByteSource& source, const GoTables& tables,
                                              std::span<const std::optional<GoFunction>> functions,
                                              GoReference kind, const GoAddresses& among) {
  std::optional<std::vector<std::uint64_t>> common;
  std::size_t witnesses = 0;
  for (const auto& function : functions) {
    const auto code = function ? code_of(source, tables, *function) : std::nullopt;
    if (!code) continue;
    ++witnesses;
    std::vector<std::uint64_t> places = references_in(*code, function->address, kind, among);
    if (common) {
      std::vector<std::uint64_t> both;
      std::ranges::set_intersection(*common, places, std::back_inserter(both));
      places = std::move(both);
    }
    common = std::move(places);
  }
  if (witnesses < kLeastWitnesses || common->size() != 1) return std::nullopt;
  return common->front();
}

}  // namespace heapfloor
