#include "collectors/parse/elf_build.h"

#include <elf.h>

#include <algorithm>
#include <utility>

namespace heapfloor {
namespace {

using Bounds = ElfBuildBounds;

constexpr std::uint32_t kGoBuildId = 4;
constexpr std::string_view kGoMagic = "\xff Go buildinf:";
constexpr std::string_view kGoSection = ".go.buildinfo";

// A little-endian number of `size` bytes; the caller has checked that they are there.
std::uint64_t number(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i)
    value = value << 8U | static_cast<std::uint8_t>(bytes[offset + i - 1]);
  return value;
}

// Printable ASCII without a blank: what people give a version or an id.
std::string plain(std::string_view text) {
  const bool is_plain = !text.empty() && text.size() <= Bounds::kMostText &&
                        std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  return is_plain ? std::string(text) : std::string();
}

class ElfBuildReader {
 public:
  explicit ElfBuildReader(const ElfReader& read_at) : read_at_(read_at) {}

  Result<ElfBuild> read() {
    Result<ElfHeaders> headers = read_elf_headers(read_at_);
    if (!headers) return Failure(std::move(headers.error()));
    elf_ = std::move(*headers);
    std::size_t read = 0;
    for (const ElfSegmentHeader& segment : elf_.segments) {
      if (segment.type == PT_NOTE && read++ < Bounds::kMostNoteSegments)
        read_notes(segment.offset, segment.size, segment.alignment == 8 ? 8 : 4);
    }
    if (build_.build_id.empty()) read_section_notes();
    read_go();
    return std::move(build_);
  }

 private:
  std::optional<std::string> bytes_at(std::uint64_t offset, std::uint64_t size, std::size_t most) {
    return read_elf_bytes(read_at_, offset, size, most);
  }

  void read_notes(std::uint64_t offset, std::uint64_t size, std::size_t alignment) {
    const auto notes = bytes_at(offset, size, ElfHeaderBounds::kMostNoteBytes);
    if (!notes) return;
    for_each_elf_note(*notes, alignment, [this](const ElfNote& note) {
      if (build_.build_id.empty()) build_.build_id = gnu_build_id_of(note);
      const bool is_go = note.owner == std::string_view("Go\0\0", 4) && note.type == kGoBuildId;
      if (is_go && build_.go_build_id.empty()) build_.go_build_id = plain(note.text);
    });
  }

  // The section, or where strip(1) took the table of sections, what the linker puts first into what
  // is writable.
  void read_go() {
    const std::optional<std::uint64_t> place = go_section();
    if (place) return take_go(*place);
    const auto data = std::ranges::find_if(elf_.segments, [](const ElfSegmentHeader& segment) {
      return segment.type == PT_LOAD && (segment.flags & PF_W) != 0;
    });
    if (data == elf_.segments.end()) return;
    constexpr std::size_t kAlignment = 16;
    const auto size = std::min<std::uint64_t>(data->size, Bounds::kSearchedBytes);
    const auto bytes = bytes_at(data->offset, size, Bounds::kSearchedBytes);
    if (!bytes) return;
    for (std::size_t at = 0; at + kGoHead <= bytes->size(); at += kAlignment) {
      if (std::string_view(*bytes).substr(at).starts_with(kGoMagic))
        return take_go(data->offset + at);
    }
  }

  // Go's linker leaves the build id that it was told (-B) out of the segment of notes.
  void read_section_notes() {
    std::size_t read = 0;
    for (const ElfSectionHeader& section : elf_.sections) {
      if (section.type == SHT_NOTE && read++ < Bounds::kMostNoteSegments)
        read_notes(section.offset, section.size, 4);
    }
  }

  std::optional<std::uint64_t> go_section() {
    for (const ElfSectionHeader& section : elf_.sections) {
      if (section.type != SHT_NOBITS && elf_section_name(elf_, section) == kGoSection)
        return section.offset;
    }
    return std::nullopt;
  }

  void take_go(std::uint64_t place) {
    const auto head = bytes_at(place, kGoHead, kGoHead);
    if (!head || !head->starts_with(kGoMagic)) return;
    constexpr std::uint8_t kBigEndian = 1;
    constexpr std::uint8_t kInline = 2;
    const std::size_t pointer = static_cast<std::uint8_t>((*head)[14]);
    const auto flags = static_cast<std::uint8_t>((*head)[15]);
    std::optional<std::string> version, modules;
    if ((flags & kInline) != 0) {
      std::uint64_t next = place + kGoHead;
      version = take_inline(next);
      if (version) modules = take_inline(next);
    } else if ((flags & kBigEndian) == 0 && (pointer == 4 || pointer == 8)) {
      version = go_string(number(*head, 16, pointer), pointer);
      modules = go_string(number(*head, 16 + pointer, pointer), pointer);
    }
    if (!version || !version->starts_with("go")) return;
    build_.go = parse_go_modules(modules ? unframed(*modules) : std::string_view());
    build_.go->go_version = plain(version->substr(0, version->find(' ')));
  }

  // A text behind its length, as a varint of seven bits a byte; moves `place` behind it.
  std::optional<std::string> take_inline(std::uint64_t& place) {
    std::uint64_t length = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const auto byte = bytes_at(place++, 1, 1);
      if (!byte) return std::nullopt;
      const auto bits = static_cast<std::uint8_t>(byte->front());
      length |= std::uint64_t{bits & 0x7fU} << shift;
      if ((bits & 0x80U) != 0) continue;
      auto text = bytes_at(place, length, Bounds::kMostGoBytes);
      place += length;
      return text;
    }
    return std::nullopt;
  }

  // The Go string whose head, an address and a length, is at this address.
  std::optional<std::string> go_string(std::uint64_t address, std::size_t pointer) {
    const auto head_at = offset_of(address, 2 * pointer);
    if (!head_at) return std::nullopt;
    const auto head = bytes_at(*head_at, 2 * pointer, 16);
    if (!head) return std::nullopt;
    const std::uint64_t length = number(*head, pointer, pointer);
    const auto place = offset_of(number(*head, 0, pointer), length);
    if (!place) return std::nullopt;
    return bytes_at(*place, length, Bounds::kMostGoBytes);
  }

  [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address,
                                                       std::uint64_t size) const {
    for (const ElfSegmentHeader& segment : elf_.segments) {
      if (segment.type != PT_LOAD || address < segment.address) continue;
      const std::uint64_t inside = address - segment.address;
      if (inside <= segment.size && size <= segment.size - inside) return segment.offset + inside;
    }
    return std::nullopt;
  }

  // Go puts 16 bytes before and behind the text, so that it is found in memory.
  static std::string_view unframed(std::string_view text) {
    constexpr std::size_t kFrame = 16;
    const bool is_framed = text.size() > 2 * kFrame && text[text.size() - kFrame - 1] == '\n';
    return is_framed ? text.substr(kFrame, text.size() - 2 * kFrame) : std::string_view();
  }

  static constexpr std::size_t kGoHead = 32;

  const ElfReader& read_at_;
  ElfHeaders elf_;
  ElfBuild build_;
};

// Takes the text up to the next `end`, or all.
std::string_view take_part(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

}  // namespace

Result<ElfBuild> parse_elf_build(const ElfReader& read_at) {
  return ElfBuildReader(read_at).read();
}

GoBuild parse_go_modules(std::string_view text) {
  GoBuild build;
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    const std::string_view kind = take_part(line, '\t');
    if (kind == "mod") {
      take_part(line, '\t');  // its path
      build.module_version = plain(take_part(line, '\t'));
    } else if (kind == "build") {
      const std::string_view key = take_part(line, '=');
      if (key == "vcs.revision") build.revision = plain(line);
      if (key == "vcs.modified" && (line == "true" || line == "false"))
        build.is_modified = line == "true";
    }
  }
  return build;
}

}  // namespace heapfloor
