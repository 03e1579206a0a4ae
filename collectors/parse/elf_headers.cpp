#include "collectors/parse/elf_headers.h"

#include <elf.h>

#include <utility>

namespace heapfloor {
namespace {

using Bounds = ElfHeaderBounds;

// A little-endian number of `size` bytes; the caller has checked that they are there.
std::uint64_t number(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i)
    value = value << 8U | static_cast<std::uint8_t>(bytes[offset + i - 1]);
  return value;
}
template <class Number>
Number number_of(std::string_view bytes, std::size_t offset) {
  return static_cast<Number>(number(bytes, offset, sizeof(Number)));
}

class HeaderReader {
 public:
  explicit HeaderReader(const ElfReader& read_at) : read_at_(read_at) {}

  Result<ElfHeaders> read() {
    const char* fault = read_header();
    if (fault == nullptr) fault = read_segments();
    if (fault != nullptr) return failure(ErrorKind::malformed, {}, fault);
    elf_.sections_fault = read_sections();
    read_names();
    return std::move(elf_);
  }

 private:
  [[nodiscard]] std::size_t word() const { return elf_.is_64_bit ? 8 : 4; }

  const char* read_header() {
    auto bytes = read_elf_bytes(read_at_, 0, sizeof(Elf32_Ehdr), sizeof(Elf64_Ehdr));
    if (!bytes || !bytes->starts_with(ELFMAG)) return "no ELF file";
    const char width = (*bytes)[EI_CLASS];
    if ((width != ELFCLASS32 && width != ELFCLASS64) || (*bytes)[EI_DATA] != ELFDATA2LSB)
      return "neither 32- nor 64-bit little-endian";
    elf_.is_64_bit = width == ELFCLASS64;
    if (elf_.is_64_bit) bytes = read_elf_bytes(read_at_, 0, sizeof(Elf64_Ehdr), sizeof(Elf64_Ehdr));
    if (!bytes) return "cut in its header";
    elf_.type = number_of<std::uint16_t>(*bytes, EI_NIDENT);
    const std::size_t table = 24 + word();  // e_phoff
    elf_.segments_offset = number(*bytes, table, word());
    sections_offset_ = number(*bytes, table + word(), word());
    const std::size_t sizes = table + 2 * word() + 6;  // e_phentsize
    segment_bytes_ = number(*bytes, sizes, 2);
    segments_ = number(*bytes, sizes + 2, 2);
    section_bytes_ = number(*bytes, sizes + 4, 2);
    sections_ = number(*bytes, sizes + 6, 2);
    names_section_ = number(*bytes, sizes + 8, 2);
    return nullptr;
  }

  const char* read_segments() {
    const std::size_t entry = elf_.is_64_bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (segments_ == 0) return nullptr;
    if (segment_bytes_ != entry || segments_ > Bounds::kMostSegments)
      return "program headers of another size, or too many";
    const auto bytes = read_elf_bytes(read_at_, elf_.segments_offset, entry * segments_,
                                      Bounds::kMostSegments * entry);
    if (!bytes) return "program headers behind its end";
    for (std::size_t at = 0; at < bytes->size(); at += entry)
      elf_.segments.push_back(segment_at(*bytes, at, entry));
    return nullptr;
  }

  // A 64-bit header has its flags behind the type, for the alignment's sake.
  [[nodiscard]] ElfSegmentHeader segment_at(std::string_view bytes, std::size_t at,
                                            std::size_t entry) const {
    const std::size_t offset = at + (elf_.is_64_bit ? 8 : 4);
    ElfSegmentHeader segment;
    segment.type = number_of<std::uint32_t>(bytes, at);
    segment.flags = number_of<std::uint32_t>(bytes, elf_.is_64_bit ? at + 4 : at + 24);
    segment.offset = number(bytes, offset, word());
    segment.address = number(bytes, offset + word(), word());
    segment.size = number(bytes, offset + 3 * word(), word());
    segment.alignment = number(bytes, at + entry - word(), word());
    return segment;
  }

  const char* read_sections() {
    const std::size_t entry = elf_.is_64_bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    if (sections_ == 0) return nullptr;
    if (section_bytes_ != entry || sections_ > Bounds::kMostSections)
      return "section headers of another size, or too many";
    const auto bytes = read_elf_bytes(read_at_, sections_offset_, entry * sections_,
                                      Bounds::kMostSections * entry);
    if (!bytes) return nullptr;
    for (std::size_t at = 0; at < bytes->size(); at += entry)
      elf_.sections.push_back(section_at(*bytes, at, entry));
    return nullptr;
  }

  [[nodiscard]] ElfSectionHeader section_at(std::string_view bytes, std::size_t at,
                                            std::size_t entry) const {
    const std::size_t flags = at + 8;
    const std::size_t link = flags + 4 * word();
    ElfSectionHeader section;
    section.name = number_of<std::uint32_t>(bytes, at);
    section.type = number_of<std::uint32_t>(bytes, at + 4);
    section.flags = number(bytes, flags, word());
    section.offset = number(bytes, flags + 2 * word(), word());
    section.size = number(bytes, flags + 3 * word(), word());
    section.link = number_of<std::uint32_t>(bytes, link);
    section.entry_bytes = number(bytes, at + entry - word(), word());
    return section;
  }

  void read_names() {
    if (names_section_ >= elf_.sections.size()) return;
    const ElfSectionHeader& names = elf_.sections[names_section_];
    if (names.type == SHT_NOBITS) return;
    elf_.section_names =
        read_elf_bytes(read_at_, names.offset, names.size, Bounds::kMostNameBytes).value_or("");
  }

  const ElfReader& read_at_;
  ElfHeaders elf_;
  std::uint64_t sections_offset_ = 0;
  std::size_t segment_bytes_ = 0, segments_ = 0, section_bytes_ = 0, sections_ = 0;
  std::size_t names_section_ = 0;
};

}  // namespace

Result<ElfHeaders> read_elf_headers(const ElfReader& read_at) {
  return HeaderReader(read_at).read();
}

std::string_view elf_section_name(const ElfHeaders& elf, const ElfSectionHeader& section) {
  const std::string_view names = elf.section_names;
  if (section.name >= names.size()) return {};
  const std::string_view rest = names.substr(section.name);
  return rest.substr(0, rest.find('\0'));
}

std::optional<std::string> read_elf_bytes(const ElfReader& read_at, std::uint64_t offset,
                                          std::uint64_t size, std::size_t most) {
  if (size > most || offset + size < offset) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!read_at(offset, bytes)) return std::nullopt;
  return bytes;
}

void for_each_elf_note(std::string_view notes, std::size_t alignment,
                       const std::function<void(const ElfNote&)>& visit) {
  constexpr std::size_t kHead = sizeof(Elf64_Nhdr);
  const auto padded = [alignment](std::uint64_t size) {
    return (size + alignment - 1) / alignment * alignment;
  };
  while (notes.size() >= kHead) {
    const std::uint64_t owner_bytes = number(notes, 0, 4);
    const std::uint64_t text_bytes = number(notes, 4, 4);
    const std::uint64_t text_at = padded(kHead + owner_bytes);
    if (text_at > notes.size() || text_bytes > notes.size() - text_at) return;
    visit({notes.substr(kHead, owner_bytes), number_of<std::uint32_t>(notes, 8),
           notes.substr(text_at, text_bytes)});
    const std::uint64_t next = padded(text_at + text_bytes);
    if (next >= notes.size()) return;
    notes.remove_prefix(next);
  }
}

std::string gnu_build_id_of(const ElfNote& note) {
  constexpr std::string_view kOwner("GNU\0", 4);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  if (note.owner != kOwner || note.type != NT_GNU_BUILD_ID ||
      note.text.size() > ElfHeaderBounds::kMostIdBytes) {
    return text;
  }
  for (const char byte : note.text) {
    text += kDigits[static_cast<std::uint8_t>(byte) >> 4U];
    text += kDigits[static_cast<std::uint8_t>(byte) & 15U];
  }
  return text;
}

}  // namespace heapfloor
