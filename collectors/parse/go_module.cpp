#include "collectors/parse/go_module.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/ahead_source.h"
#include "collectors/parse/elf_objects.h"

namespace heapfloor {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr std::uint64_t kMostRelocationBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMostSearchedBytes = std::uint64_t{64} << 20;

// Words of moduledata.
enum Module : std::size_t {
  kHeader = 0,
  kFirstCode = 20,
  kText = 22,
  kTextEnd,
  kNoPointerData,
  kNoPointerDataEnd,
  kData,
  kDataEnd,
  kBss,
  kBssEnd,
  kNoPointerBss,
  kNoPointerBssEnd,
  kEnd,
  kInlineData = 38,
  kModuleWords
};
constexpr std::size_t kHeaderWords = 9;
constexpr std::size_t kTextOfHeader = 3;

std::optional<std::uint64_t> offset_of_address(const ElfFile& elf, std::uint64_t address,
                                               std::uint64_t& bytes) {
  for (const ElfSegment& segment : elf.segments) {
    if (address < segment.address || address - segment.address >= segment.size) continue;
    bytes = segment.size - (address - segment.address);
    return segment.offset + (address - segment.address);
  }
  return std::nullopt;
}

// Puts into words that stand at an address what the loader would put there, were the program not
// moved at all.
void relocate(const ByteSource& source, const ElfRange& table, std::uint64_t address,
              std::span<std::uint64_t> words) {
  constexpr std::size_t kEntries = kPieceBytes / sizeof(Elf64_Rela);
  std::vector<Elf64_Rela> entries;
  const std::uint64_t count = std::min(table.size, kMostRelocationBytes) / sizeof(Elf64_Rela);
  for (std::uint64_t at = 0; at < count; at += entries.size()) {
    entries.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kEntries, count - at)));
    const auto bytes = std::as_writable_bytes(std::span(entries));
    if (!source.read_at(table.offset + at * sizeof(Elf64_Rela),
                        {reinterpret_cast<char*>(bytes.data()), bytes.size()}))
      return;
    for (const Elf64_Rela& entry : entries) {
      const std::uint64_t place = entry.r_offset - address;
      if (entry.r_offset < address || place % kWord != 0 || place / kWord >= words.size() ||
          ELF64_R_TYPE(entry.r_info) != R_X86_64_RELATIVE)
        continue;
      words[static_cast<std::size_t>(place / kWord)] = static_cast<std::uint64_t>(entry.r_addend);
    }
  }
}

template <std::size_t kCount>
std::optional<std::array<std::uint64_t, kCount>> words_at(const ByteSource& source,
                                                          const ElfFile& elf,
                                                          std::uint64_t address) {
  std::uint64_t bytes = 0;
  const auto offset = offset_of_address(elf, address, bytes);
  std::array<char, kCount* kWord> raw = {};
  if (!offset || bytes < raw.size() || !source.read_at(*offset, raw)) return std::nullopt;
  std::array<std::uint64_t, kCount> words = {};
  std::memcpy(words.data(), raw.data(), raw.size());
  if (elf.is_movable) {
    for (const ElfRange& table : elf.relocations) relocate(source, table, address, words);
  }
  return words;
}

// Where Go's table of functions begins in the file; nothing where it is none of Go 1.18 and 1.19.
std::optional<std::uint64_t> find_lines(const ByteSource& source, const ElfRange& range) {
  constexpr std::string_view kMagic("\xf0\xff\xff\xff\0\0\1\x08", 8);  // of x86-64
  constexpr std::size_t kAlignment = 32;
  std::string piece;
  const std::uint64_t most = std::min(range.size, kMostSearchedBytes);
  for (std::uint64_t at = 0; at < most; at += kPieceBytes) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, most - at)));
    if (!source.read_at(range.offset + at, piece)) return std::nullopt;
    for (std::size_t i = 0; i + kMagic.size() <= piece.size(); i += kAlignment) {
      if (std::string_view(piece).substr(i).starts_with(kMagic)) return range.offset + at + i;
    }
  }
  return std::nullopt;
}

// Whether the module's data is what it says to be.
bool is_believable(std::span<const std::uint64_t> module, const GoTables& tables,
                   std::uint64_t lines_address) {
  const std::span<const std::uint64_t> parts = module.subspan(kText, kEnd - kText + 1);
  // In which order data and code come is the linker's choice.
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    if (parts[i] > parts[i + 1]) return false;
  }
  return module[kHeader] == lines_address && module[kText] == tables.text_address &&
         module[kFirstCode] >= module[kText] && module[kFirstCode] < module[kTextEnd];
}

std::optional<GoTables> tables_at(const ByteSource& source, const ElfFile& elf,
                                  std::uint64_t lines_offset, std::uint64_t& lines_address) {
  const auto address = elf.address_of_offset(lines_offset);
  if (!address) return std::nullopt;
  lines_address = *address;
  const auto head = words_at<kHeaderWords>(source, elf, *address);
  if (!head) return std::nullopt;
  GoTables tables;
  tables.lines_offset = lines_offset;
  tables.text_address = (*head)[kTextOfHeader];
  const auto text = offset_of_address(elf, tables.text_address, tables.text_bytes);
  if (!text || !offset_of_address(elf, *address, tables.lines_bytes)) return std::nullopt;
  tables.text_offset = *text;
  return tables;
}

}  // namespace

std::optional<GoModule> find_go_module(const ByteSource& source, const ElfFile& elf) {
  constexpr std::array<std::string_view, 5> kWitnesses = {
      "runtime.modulesinit", "runtime.schedinit", "runtime.SetFinalizer", "runtime.resolveNameOff",
      "runtime.resolveTypeOff"};
  const AheadSource ahead(source);
  const auto lines_offset = elf.go_functions ? find_lines(ahead, *elf.go_functions) : std::nullopt;
  if (!lines_offset) return std::nullopt;
  std::uint64_t lines_address = 0;
  const auto tables = tables_at(source, elf, *lines_offset, lines_address);
  const auto table = tables ? GoLineTable::open(ahead, *tables) : std::nullopt;
  if (!table || !table->is_x86()) return std::nullopt;
  const auto functions = table->find_functions(kWitnesses);
  for (const ElfSegment& segment : elf.segments) {
    const auto address = common_reference(source, *tables, functions, GoReference::address,
                                          {segment.address, segment.address + segment.size});
    const auto module = address ? words_at<kModuleWords>(source, elf, *address) : std::nullopt;
    if (!module || !is_believable(*module, *tables, lines_address)) continue;
    GoModule found;
    found.tables = *tables;
    found.bss = {(*module)[kBss], (*module)[kBssEnd]};
    found.no_pointer_bss = {(*module)[kNoPointerBss], (*module)[kNoPointerBssEnd]};
    std::uint64_t unused = 0;
    found.tables.functions_offset = offset_of_address(elf, (*module)[kInlineData], unused);
    return found;
  }
  return std::nullopt;
}

std::optional<GoTables> find_go_tables(const ByteSource& source, const ElfFile& elf) {
  constexpr std::array<std::string_view, 4> kNames = {"runtime.pclntab", "runtime.text",
                                                      "go:func.*", "go.func.*"};
  if (!elf.symtab) {
    const auto module = find_go_module(source, elf);
    return module ? std::optional(module->tables) : std::nullopt;
  }
  const auto objects = find_objects(source, *elf.symtab, kNames);
  if (!objects[0] || !objects[1]) return std::nullopt;
  GoTables tables;
  const auto lines = offset_of_address(elf, objects[0]->address, tables.lines_bytes);
  if (!lines) return std::nullopt;
  tables.lines_offset = *lines;
  tables.text_address = objects[1]->address;
  tables.text_offset = offset_of_address(elf, tables.text_address, tables.text_bytes).value_or(0);
  std::uint64_t unused = 0;
  if (const auto& functions = objects[2] ? objects[2] : objects[3])
    tables.functions_offset = offset_of_address(elf, functions->address, unused);
  return tables;
}

}  // namespace heapfloor
