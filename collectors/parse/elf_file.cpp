#include "collectors/parse/elf_file.h"

#include <elf.h>

#include <span>
#include <string_view>

#include "collectors/parse/elf_headers.h"

namespace heapfloor {
namespace {

Failure refused(std::string_view what) {
  return failure(ErrorKind::malformed, {}, std::string(what));
}

bool is_inside(const ByteSource& source, const ElfRange& range) {
  return range.offset <= source.size() && range.size <= source.size() - range.offset;
}

// The first build id of the linker.
void read_build_id(const ElfReader& read_at, const ElfSegmentHeader& header, ElfFile& elf) {
  const auto notes =
      read_elf_bytes(read_at, header.offset, header.size, ElfHeaderBounds::kMostNoteBytes);
  if (!notes) return;
  for_each_elf_note(*notes, header.alignment == 8 ? 8 : 4, [&elf](const ElfNote& note) {
    if (elf.build_id.empty()) elf.build_id = gnu_build_id_of(note);
  });
}

void read_segments(const ElfReader& read_at, const ElfHeaders& headers, ElfFile& elf) {
  for (const ElfSegmentHeader& header : headers.segments) {
    if (header.type == PT_LOAD && header.size > 0)
      elf.segments.push_back({header.offset, header.address, header.size});
    if (header.type == PT_NOTE && elf.build_id.empty()) read_build_id(read_at, header, elf);
  }
}

// The table of symbols in `section`, whose names are in the section that it links to.
std::optional<ElfSymbols> symbols_of(const ByteSource& source,
                                     const std::vector<ElfSectionHeader>& sections,
                                     const ElfSectionHeader& section) {
  if (section.link >= sections.size()) return std::nullopt;
  const ElfSectionHeader& names = sections[section.link];
  const ElfSymbols found{{section.offset, section.size}, {names.offset, names.size}};
  const bool is_fine = section.entry_bytes == sizeof(Elf64_Sym) && names.type == SHT_STRTAB &&
                       found.symbols.size <= ElfBounds::kMostSymbolBytes &&
                       found.names.size <= ElfBounds::kMostStringBytes &&
                       is_inside(source, found.symbols) && is_inside(source, found.names);
  if (!is_fine) return std::nullopt;
  return found;
}

std::optional<ElfDebugSection> debug_section(const ByteSource& source,
                                             const ElfSectionHeader& section, bool is_z_debug) {
  using Packing = ElfDebugSection::Packing;
  const ElfRange range{section.offset, section.size};
  if (section.type != SHT_PROGBITS || !is_inside(source, range)) return std::nullopt;
  if (is_z_debug) return ElfDebugSection{range, Packing::z_debug};
  const bool is_compressed = (section.flags & SHF_COMPRESSED) != 0;
  return ElfDebugSection{range, is_compressed ? Packing::compressed : Packing::none};
}

// The tables that Go programs are known by, and that tell how their runtime is laid out.
void read_go_section(const ByteSource& source, const ElfSectionHeader& section,
                     std::string_view name, ElfFile& elf) {
  const ElfRange range{section.offset, section.size};
  if (name == ".go.buildinfo" && section.type == SHT_PROGBITS && is_inside(source, range))
    elf.go_build_info = range;
  const bool is_table = name == ".gopclntab" || name == ".data.rel.ro.gopclntab";
  const bool may_have_table = name == ".data.rel.ro" && !elf.go_functions;
  if ((is_table || may_have_table) && section.type == SHT_PROGBITS && is_inside(source, range))
    elf.go_functions = range;
  elf.has_go_functions = elf.has_go_functions || is_table;
  const bool is_loaded = (section.flags & SHF_ALLOC) != 0;
  if (section.type == SHT_RELA && is_loaded && is_inside(source, range) &&
      elf.relocations.size() < ElfBounds::kMostRelocationSections)
    elf.relocations.push_back(range);
  if (name == ".debug_info" || name == ".zdebug_info")
    elf.debug_info = debug_section(source, section, name == ".zdebug_info");
  if (name == ".debug_abbrev" || name == ".zdebug_abbrev")
    elf.debug_abbrev = debug_section(source, section, name == ".zdebug_abbrev");
}

void read_sections(const ByteSource& source, const ElfHeaders& headers, ElfFile& elf) {
  const std::vector<ElfSectionHeader>& sections = headers.sections;
  for (const ElfSectionHeader& section : sections) {
    const std::string_view name = elf_section_name(headers, section);
    const ElfRange range{section.offset, section.size};
    if (section.type == SHT_SYMTAB && !elf.symtab)
      elf.symtab = symbols_of(source, sections, section);
    if (section.type == SHT_DYNSYM && !elf.dynsym)
      elf.dynsym = symbols_of(source, sections, section);
    read_go_section(source, section, name, elf);
    if (name == ".debug_info" && section.type == SHT_PROGBITS) elf.has_debug_info = true;
    const bool is_packed = name == ".gnu_debugdata" && section.type == SHT_PROGBITS;
    if (is_packed && range.size <= ElfBounds::kMostPackedBytes && is_inside(source, range))
      elf.debugdata = range;
  }
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
  const ElfReader read_at = [&source](std::uint64_t offset, std::span<char> bytes) {
    return source.read_at(offset, bytes);
  };
  const Result<ElfHeaders> headers = read_elf_headers(read_at);
  if (!headers) return Failure(headers.error());
  if (!headers->is_64_bit) return refused("no 64-bit ELF file");
  if (headers->sections_fault != nullptr) return refused(headers->sections_fault);
  ElfFile elf;
  elf.is_movable = headers->type == ET_DYN;
  elf.program_headers_offset = headers->segments_offset;
  read_segments(read_at, *headers, elf);
  read_sections(source, *headers, elf);
  return elf;
}

}  // namespace heapfloor
