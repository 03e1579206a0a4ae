// What every reader of ELF files begins with: header, segments, sections and notes. Source: elf(5),
// System V ABI chapters 4 and 5.
//
// Whoever made the file chose every byte: each offset, count and size is checked against the bounds
// below before anything is allocated, and nothing that is returned says that the file has the bytes
// it points to. 32- and 64-bit little-endian files. Thread rule: pure functions of what `read_at`
// says; a file that changes meanwhile gives garbage, never a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct ElfHeaderBounds {
  static constexpr std::size_t kMostSegments = 256;
  static constexpr std::size_t kMostSections = 4096;
  static constexpr std::size_t kMostNameBytes = std::size_t{256} << 10;  // of sections
  static constexpr std::size_t kMostNoteBytes = std::size_t{64} << 10;   // of one segment
  static constexpr std::size_t kMostIdBytes = 64;  // of a build id, before it is made hexadecimal
};

// Fills the span with the bytes of the file from `offset` on; false when there are fewer.
using ElfReader = std::function<bool(std::uint64_t offset, std::span<char> bytes)>;

// A program header, under the names of the System V ABI without their prefix.
struct ElfSegmentHeader {
  std::uint32_t type = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // in the file
  std::uint64_t alignment = 0;
};

struct ElfSectionHeader {
  std::uint32_t name = 0;  // where it begins in the names
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;
  std::uint64_t entry_bytes = 0;
};

struct ElfHeaders {
  bool is_64_bit = true;
  std::uint16_t type = 0;
  std::uint64_t segments_offset = 0;
  std::vector<ElfSegmentHeader> segments;
  // None where the file has none, ends before them (of a file of debugging information they may
  // have been cut off), or says nonsense of them; `sections_fault` says which nonsense, static
  // text.
  std::vector<ElfSectionHeader> sections;
  const char* sections_fault = nullptr;
  std::string section_names;  // of all, as they lie; empty where there are none
};

// `malformed` for what is no such file, or lies about its segments.
[[nodiscard]] Result<ElfHeaders> read_elf_headers(const ElfReader& read_at);

// The name of a section, without reading behind the names.
[[nodiscard]] std::string_view elf_section_name(const ElfHeaders& elf,
                                                const ElfSectionHeader& section);

// The bytes, or nothing where the file ends before or there are more than `most`.
[[nodiscard]] std::optional<std::string> read_elf_bytes(const ElfReader& read_at,
                                                        std::uint64_t offset, std::uint64_t size,
                                                        std::size_t most);

struct ElfNote {
  std::string_view owner;  // with the NUL at its end
  std::uint32_t type = 0;
  std::string_view text;
};
// Visits the notes of a segment or section, as far as they are whole.
void for_each_elf_note(std::string_view notes, std::size_t alignment,
                       const std::function<void(const ElfNote&)>& visit);

// The linker's build id, in lower-case hexadecimal; empty where the note is another one.
[[nodiscard]] std::string gnu_build_id_of(const ElfNote& note);

}  // namespace heapfloor
