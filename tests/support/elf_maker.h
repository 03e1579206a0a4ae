// Small ELF files for tests: what is in them of a build, and nothing else.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/elf_build.h"

namespace heapfloor::testing {

inline std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xffU);
  return bytes;
}

inline std::string elf_note(std::string_view name, std::uint32_t type, std::string_view text) {
  std::string note = little_endian(name.size(), 4) + little_endian(text.size(), 4) +
                     little_endian(type, 4) + std::string(name);
  note.resize((note.size() + 3) / 4 * 4);
  note += text;
  note.resize((note.size() + 3) / 4 * 4);
  return note;
}

inline std::string gnu_build_id_note(std::string_view id) {
  return elf_note(std::string_view("GNU\0", 4), 3, id);
}
inline std::string go_build_id_note(std::string_view id) {
  return elf_note(std::string_view("Go\0\0", 4), 4, id);
}

// One segment of notes, one of writable data, and a section for what Go says, where there is any.
struct ElfMaker {
  std::string notes = {};
  std::string data = {};
  bool has_section = true;       // .go.buildinfo is where `data` begins
  bool has_note_segment = true;  // else the notes are only in a section
  bool is_64_bit = true;
  static constexpr std::uint64_t kDataAddress = 0x500000;

  [[nodiscard]] std::string make() const {
    const std::size_t word = is_64_bit ? 8 : 4;
    const std::size_t head = is_64_bit ? 64 : 52;
    const std::size_t segment = is_64_bit ? 56 : 32;
    const std::size_t notes_at = head + 2 * segment;
    const std::size_t data_at = (notes_at + notes.size() + 15) / 16 * 16;
    const std::string names("\0.go.buildinfo\0", 15);
    const std::size_t names_at = data_at + data.size();
    const std::size_t sections_at = names_at + names.size();
    std::string file = std::string(
                           "\x7f"
                           "ELF") +
                       static_cast<char>(is_64_bit ? 2 : 1) + '\1' + '\1';
    file.resize(16);
    file += little_endian(2, 2) + little_endian(62, 2) + little_endian(1, 4);
    file += little_endian(0, word) + little_endian(head, word);
    file += little_endian(has_section ? sections_at : 0, word) + little_endian(0, 4);
    for (const std::size_t number :
         {head, segment, std::size_t{2}, section_bytes(), std::size_t{has_section ? 3U : 0U},
          std::size_t{has_section ? 1U : 0U}})
      file += little_endian(number, 2);
    file += program_header(has_note_segment ? 4 : 0, 4, notes_at, 0, notes.size());
    file += program_header(1, 6, data_at, kDataAddress, data.size());
    file += notes;
    file.resize(data_at);
    file += data + names;
    if (!has_section) return file;
    file += section(1, 1, data_at, data.size()) + section(0, 3, names_at, names.size()) +
            section(0, 7, notes_at, notes.size());
    return file;
  }

 private:
  [[nodiscard]] std::size_t section_bytes() const { return is_64_bit ? 64 : 40; }
  [[nodiscard]] std::string program_header(std::uint32_t type, std::uint32_t flags,
                                           std::uint64_t offset, std::uint64_t address,
                                           std::uint64_t size) const {
    const std::size_t word = is_64_bit ? 8 : 4;
    std::string header = little_endian(type, 4);
    if (is_64_bit) header += little_endian(flags, 4);
    for (const std::uint64_t number : {offset, address, address, size, size})
      header += little_endian(number, word);
    if (!is_64_bit) header += little_endian(flags, 4);
    return header + little_endian(4, word);
  }
  [[nodiscard]] std::string section(std::uint32_t name, std::uint32_t type, std::uint64_t offset,
                                    std::uint64_t size) const {
    const std::size_t word = is_64_bit ? 8 : 4;
    std::string header = little_endian(name, 4) + little_endian(type, 4);
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{0}, offset, size})
      header += little_endian(number, word);
    header.resize(section_bytes());
    return header;
  }
};

// What Go 1.18 and newer write, without the frame's bytes having a meaning.
inline std::string go_info(std::string_view version, std::string_view modules) {
  const auto text = [](std::string_view bytes) {
    std::string length;
    for (std::size_t rest = bytes.size();; rest >>= 7U) {
      const bool is_last = rest < 0x80;
      length += static_cast<char>((rest & 0x7fU) | (is_last ? 0U : 0x80U));
      if (is_last) break;
    }
    return length + std::string(bytes);
  };
  std::string info = "\xff Go buildinf:";
  info += '\x8';
  info += '\x2';
  info.resize(32);
  return info + text(version) +
         text(std::string(16, '<') + std::string(modules) + std::string(16, '>'));
}

// What Go before 1.18 wrote: the addresses of two Go strings.
inline std::string go_info_by_address(std::string_view version, std::string_view modules,
                                      std::size_t pointer = 8) {
  const std::string framed = std::string(16, '<') + std::string(modules) + std::string(16, '>');
  const std::uint64_t heads = ElfMaker::kDataAddress + 32;
  const std::uint64_t texts = heads + 4 * pointer;
  std::string info = "\xff Go buildinf:";
  info += static_cast<char>(pointer);
  info += '\0';
  info += little_endian(heads, pointer) + little_endian(heads + 2 * pointer, pointer);
  info.resize(32);
  info += little_endian(texts, pointer) + little_endian(version.size(), pointer);
  info += little_endian(texts + version.size(), pointer) + little_endian(framed.size(), pointer);
  return info + std::string(version) + framed;
}

// `bytes` outlive it.
inline ElfReader reader_of(std::string_view bytes) {
  return [bytes](std::uint64_t offset, std::span<char> to) {
    if (offset > bytes.size() || bytes.size() - offset < to.size()) return false;
    std::memcpy(to.data(), bytes.data() + offset, to.size());
    return true;
  };
}

}  // namespace heapfloor::testing
