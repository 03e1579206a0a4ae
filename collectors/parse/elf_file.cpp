#include "collectors/parse/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace heapfloor {
namespace {

Failure refused(std::string_view what) {
  return failure(ErrorKind::malformed, {}, std::string(what));
}

template <class Record>
bool read_record(const ByteSource& source, std::uint64_t offset, Record& record) {
  std::array<char, sizeof(Record)> bytes = {};
  if (!source.read_at(offset, bytes)) return false;
  std::memcpy(&record, bytes.data(), sizeof record);
  return true;
}

// `count` records of their own size, one behind the other.
template <class Record>
bool read_records(const ByteSource& source, std::uint64_t offset, std::size_t count,
                  std::vector<Record>& records) {
  if (offset > source.size() || count > (source.size() - offset) / sizeof(Record)) return false;
  std::vector<char> bytes(count * sizeof(Record));
  if (!source.read_at(offset, bytes)) return false;
  records.resize(count);
  if (count > 0) std::memcpy(records.data(), bytes.data(), bytes.size());
  return true;
}

bool is_inside(const ByteSource& source, const ElfRange& range) {
  return range.offset <= source.size() && range.size <= source.size() - range.offset;
}

std::uint64_t aligned(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

// The first note of type NT_GNU_BUILD_ID and owner GNU.
std::string build_id_in(std::string_view notes) {
  constexpr std::string_view kOwner("GNU\0", 4);
  constexpr std::string_view kDigits = "0123456789abcdef";
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr head = {};
    std::memcpy(&head, notes.data(), sizeof head);
    notes.remove_prefix(sizeof head);
    const std::uint64_t owner_room = aligned(head.n_namesz);
    const std::uint64_t text_room = aligned(head.n_descsz);
    if (owner_room > notes.size() || head.n_descsz > notes.size() - owner_room) return {};
    const std::string_view owner = notes.substr(0, head.n_namesz);
    const std::string_view id = notes.substr(owner_room, head.n_descsz);
    if (head.n_type == NT_GNU_BUILD_ID && owner == kOwner && !id.empty() &&
        id.size() <= ElfBounds::kMostBuildIdBytes) {
      std::string text;
      for (const char byte : id) {
        const auto value = static_cast<unsigned char>(byte);
        text.push_back(kDigits[value >> 4U]);
        text.push_back(kDigits[value & 15U]);
      }
      return text;
    }
    notes.remove_prefix(std::min<std::uint64_t>(owner_room + text_room, notes.size()));
  }
  return {};
}

void read_segments(const ByteSource& source, const std::vector<Elf64_Phdr>& headers, ElfFile& elf) {
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type == PT_LOAD && header.p_filesz > 0)
      elf.segments.push_back({header.p_offset, header.p_vaddr, header.p_filesz});
    const bool is_note = header.p_type == PT_NOTE && header.p_filesz <= ElfBounds::kMostNoteBytes;
    if (!is_note || !elf.build_id.empty() || !is_inside(source, {header.p_offset, header.p_filesz}))
      continue;
    std::string notes(header.p_filesz, '\0');
    if (source.read_at(header.p_offset, notes)) elf.build_id = build_id_in(notes);
  }
}

// The table of symbols in `section`, whose names are in the section that it links to.
std::optional<ElfSymbols> symbols_of(const ByteSource& source,
                                     const std::vector<Elf64_Shdr>& sections,
                                     const Elf64_Shdr& section) {
  if (section.sh_link >= sections.size()) return std::nullopt;
  const Elf64_Shdr& names = sections[section.sh_link];
  const ElfSymbols found{{section.sh_offset, section.sh_size}, {names.sh_offset, names.sh_size}};
  const bool is_fine = section.sh_entsize == sizeof(Elf64_Sym) && names.sh_type == SHT_STRTAB &&
                       found.symbols.size <= ElfBounds::kMostSymbolBytes &&
                       found.names.size <= ElfBounds::kMostStringBytes &&
                       is_inside(source, found.symbols) && is_inside(source, found.names);
  if (!is_fine) return std::nullopt;
  return found;
}

// A name in the table, without reading behind it.
std::string_view name_at(std::string_view names, std::uint32_t offset) {
  if (offset >= names.size()) return {};
  const std::string_view rest = names.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

std::string section_names(const ByteSource& source, const std::vector<Elf64_Shdr>& sections,
                          std::size_t index) {
  if (index >= sections.size()) return {};
  const Elf64_Shdr& section = sections[index];
  const bool is_fine = section.sh_type == SHT_STRTAB &&
                       section.sh_size <= ElfBounds::kMostNameBytes &&
                       is_inside(source, {section.sh_offset, section.sh_size});
  std::string names(is_fine ? section.sh_size : 0, '\0');
  if (!source.read_at(section.sh_offset, names)) names.clear();
  return names;
}

std::optional<ElfDebugSection> debug_section(const ByteSource& source, const Elf64_Shdr& section,
                                             bool is_z_debug) {
  using Packing = ElfDebugSection::Packing;
  const ElfRange range{section.sh_offset, section.sh_size};
  if (section.sh_type != SHT_PROGBITS || !is_inside(source, range)) return std::nullopt;
  if (is_z_debug) return ElfDebugSection{range, Packing::z_debug};
  const bool is_compressed = (section.sh_flags & SHF_COMPRESSED) != 0;
  return ElfDebugSection{range, is_compressed ? Packing::compressed : Packing::none};
}

// The tables that Go programs are known by, and that tell how their runtime is laid out.
void read_go_section(const ByteSource& source, const Elf64_Shdr& section, std::string_view name,
                     ElfFile& elf) {
  const ElfRange range{section.sh_offset, section.sh_size};
  if (name == ".go.buildinfo" && section.sh_type == SHT_PROGBITS && is_inside(source, range))
    elf.go_build_info = range;
  if (name == ".debug_info" || name == ".zdebug_info")
    elf.debug_info = debug_section(source, section, name == ".zdebug_info");
  if (name == ".debug_abbrev" || name == ".zdebug_abbrev")
    elf.debug_abbrev = debug_section(source, section, name == ".zdebug_abbrev");
}

void read_sections(const ByteSource& source, const std::vector<Elf64_Shdr>& sections,
                   std::string_view names, ElfFile& elf) {
  for (const Elf64_Shdr& section : sections) {
    const std::string_view name = name_at(names, section.sh_name);
    const ElfRange range{section.sh_offset, section.sh_size};
    if (section.sh_type == SHT_SYMTAB && !elf.symtab)
      elf.symtab = symbols_of(source, sections, section);
    if (section.sh_type == SHT_DYNSYM && !elf.dynsym)
      elf.dynsym = symbols_of(source, sections, section);
    read_go_section(source, section, name, elf);
    if (name == ".debug_info" && section.sh_type == SHT_PROGBITS) elf.has_debug_info = true;
    const bool is_packed = name == ".gnu_debugdata" && section.sh_type == SHT_PROGBITS;
    if (is_packed && range.size <= ElfBounds::kMostPackedBytes && is_inside(source, range))
      elf.debugdata = range;
  }
}

bool is_ours(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB;
}

}  // namespace

std::optional<std::uint64_t> ElfFile::address_of_offset(std::uint64_t offset) const {
  for (const ElfSegment& segment : segments) {
    if (offset >= segment.offset && offset - segment.offset < segment.size)
      return segment.address + (offset - segment.offset);
  }
  return std::nullopt;
}

Result<ElfFile> read_elf(const ByteSource& source) {
  Elf64_Ehdr header = {};
  if (!read_record(source, 0, header) || !is_ours(header)) return refused("no 64-bit ELF file");
  const bool is_sized = (header.e_phnum == 0 || header.e_phentsize == sizeof(Elf64_Phdr)) &&
                        (header.e_shnum == 0 || header.e_shentsize == sizeof(Elf64_Shdr));
  if (!is_sized) return refused("ELF headers of another size");
  if (header.e_phnum > ElfBounds::kMostSegments || header.e_shnum > ElfBounds::kMostSections)
    return refused("too large: more ELF headers than any program has");
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;
  if (!read_records(source, header.e_phoff, header.e_phnum, segments))
    return refused("the ELF program headers are outside of the file");
  // A file of debug information alone may come without the sections it was cut from, and the other
  // way round: what is not there is not an error.
  if (!read_records(source, header.e_shoff, header.e_shnum, sections)) sections.clear();
  ElfFile elf;
  elf.is_movable = header.e_type == ET_DYN;
  elf.program_headers_offset = header.e_phoff;
  read_segments(source, segments, elf);
  read_sections(source, sections, section_names(source, sections, header.e_shstrndx), elf);
  return elf;
}

}  // namespace heapfloor
