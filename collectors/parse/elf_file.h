// An ELF file as far as symbols need it: where its code is loaded, which build it is, and where its
// tables of symbols are. Source: elf(5), System V ABI chapters 4 and 5.
//
// Whoever made the file chose every byte: each offset and size is checked against the file and the
// bounds below before anything is allocated. Only 64-bit little-endian files (what a probe runs
// in). Thread rule: pure functions of what the source says; a file that changes meanwhile gives
// garbage, never a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_headers.h"
#include "collectors/result.h"

namespace heapfloor {

struct ElfBounds {
  static constexpr std::uint64_t kMostSymbolBytes = std::uint64_t{24} << 20;   // 1 M symbols
  static constexpr std::uint64_t kMostStringBytes = std::uint64_t{128} << 20;  // their names
  static constexpr std::uint64_t kMostPackedBytes = std::uint64_t{4} << 20;    // .gnu_debugdata
  static constexpr std::size_t kMostBuildIdBytes = ElfHeaderBounds::kMostIdBytes;
  static constexpr std::size_t kMostRelocationSections = 8;
};

// A part of the file.
struct ElfRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  friend bool operator==(const ElfRange&, const ElfRange&) = default;
};

// A part that is loaded: the bytes from `offset` on have the addresses from `address` on, before
// the whole file was moved to where it runs.
struct ElfSegment {
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // in the file
  friend bool operator==(const ElfSegment&, const ElfSegment&) = default;
};

struct ElfSymbols {
  ElfRange symbols;  // 24-byte entries
  ElfRange names;
  friend bool operator==(const ElfSymbols&, const ElfSymbols&) = default;
};

// A table of debugging information.
struct ElfDebugSection {
  enum class Packing : std::uint8_t { none, compressed, z_debug };
  ElfRange range;
  // compressed: an Elf64_Chdr and a zlib stream; z_debug: "ZLIB", the size, and one (.zdebug_*).
  Packing packing = Packing::none;
  friend bool operator==(const ElfDebugSection&, const ElfDebugSection&) = default;
};

struct ElfFile {
  bool is_movable = false;                   // runs wherever the kernel puts it (PIE)
  std::uint64_t program_headers_offset = 0;  // what AT_PHDR points to
  std::optional<ElfRange> go_build_info;     // .go.buildinfo
  // What has Go's table of functions: .gopclntab; else .data.rel.ro, which may have it inside.
  std::optional<ElfRange> go_functions;
  bool has_go_functions = false;              // .gopclntab: some Go programs say nothing else
  std::vector<ElfRange> relocations;          // of those that are loaded: Elf64_Rela
  std::optional<ElfDebugSection> debug_info;  // .debug_info
  std::optional<ElfDebugSection> debug_abbrev;
  std::vector<ElfSegment> segments;
  std::string build_id;              // lower-case hexadecimal; empty where it has none
  std::optional<ElfSymbols> symtab;  // nothing when it was stripped
  std::optional<ElfSymbols> dynsym;
  std::optional<ElfRange> debugdata;  // .gnu_debugdata: an ELF file packed by xz
  bool has_debug_info = false;        // .debug_info
  friend bool operator==(const ElfFile&, const ElfFile&) = default;

  // The address in the file's own numbering of the byte at this offset; nothing when it is not
  // loaded.
  [[nodiscard]] std::optional<std::uint64_t> address_of_offset(std::uint64_t offset) const;
};

// What is no ELF file of ours, or lies about itself, is malformed.
Result<ElfFile> read_elf(const ByteSource& source);

}  // namespace heapfloor
