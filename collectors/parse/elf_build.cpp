#include "collectors/parse/elf_build.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

using Bounds = ElfBuildBounds;

constexpr std::uint32_t kLoad = 1;         // PT_LOAD
constexpr std::uint32_t kNote = 4;         // PT_NOTE
constexpr std::uint32_t kWritable = 2;     // PF_W
constexpr std::uint32_t kNoBits = 8;       // SHT_NOBITS
constexpr std::uint32_t kNoteSection = 7;  // SHT_NOTE
constexpr std::uint32_t kGnuBuildId = 3;
constexpr std::uint32_t kGoBuildId = 4;
constexpr std::string_view kGoMagic = "\xff Go buildinf:";
constexpr std::string_view kGoSection = ".go.buildinfo";

Failure not_elf(const char* why) { return failure(ErrorKind::malformed, {}, why); }

// A little-endian number of `size` bytes; the caller has checked that they are there.
std::uint64_t number(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i)
    value = value << 8U | static_cast<std::uint8_t>(bytes[offset + i - 1]);
  return value;
}

struct Segment {
  std::uint32_t type = 0;
  std::uint32_t flags = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // in the file
  std::uint64_t alignment = 0;
};

struct Section {
  std::uint64_t name = 0;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Header {
  bool is_64_bit = true;
  std::uint64_t segments_offset = 0, sections_offset = 0;
  std::size_t segment_bytes = 0, segments = 0;
  std::size_t section_bytes = 0, sections = 0, names_section = 0;
  [[nodiscard]] std::size_t word() const { return is_64_bit ? 8 : 4; }
};

// Printable ASCII without a blank: what people give a version or an id.
std::string plain(std::string_view text) {
  const bool is_plain = !text.empty() && text.size() <= Bounds::kMostText &&
                        std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  return is_plain ? std::string(text) : std::string();
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text += kDigits[static_cast<std::uint8_t>(byte) >> 4U];
    text += kDigits[static_cast<std::uint8_t>(byte) & 15U];
  }
  return text;
}

class ElfBuildReader {
 public:
  explicit ElfBuildReader(const ElfReader& read_at) : read_at_(read_at) {}

  Result<ElfBuild> read() {
    if (const char* const fault = read_header()) return not_elf(fault);
    if (const char* const fault = read_segments()) return not_elf(fault);
    read_notes();
    read_sections();
    if (build_.build_id.empty()) read_section_notes();
    read_go();
    return std::move(build_);
  }

 private:
  // The bytes, or nothing where the file ends before or there are more than `most`.
  std::optional<std::string> bytes_at(std::uint64_t offset, std::uint64_t size, std::size_t most) {
    if (size > most || offset + size < offset) return std::nullopt;
    std::string bytes(static_cast<std::size_t>(size), '\0');
    if (!read_at_(offset, bytes)) return std::nullopt;
    return bytes;
  }

  const char* read_header() {
    constexpr std::size_t k32 = 52;
    constexpr std::size_t k64 = 64;
    std::optional<std::string> bytes = bytes_at(0, k32, k64);
    if (!bytes || !bytes->starts_with("\x7f"
                                      "ELF"))
      return "no ELF file";
    const char width = (*bytes)[4];
    if ((width != 1 && width != 2) || (*bytes)[5] != 1)
      return "neither 32- nor 64-bit little-endian";
    header_.is_64_bit = width == 2;
    if (header_.is_64_bit) bytes = bytes_at(0, k64, k64);
    if (!bytes) return "cut in its header";
    const std::size_t word = header_.word();
    const std::size_t table = 24 + word;  // e_phoff
    header_.segments_offset = number(*bytes, table, word);
    header_.sections_offset = number(*bytes, table + word, word);
    const std::size_t sizes = table + 2 * word + 6;  // e_phentsize
    header_.segment_bytes = number(*bytes, sizes, 2);
    header_.segments = number(*bytes, sizes + 2, 2);
    header_.section_bytes = number(*bytes, sizes + 4, 2);
    header_.sections = number(*bytes, sizes + 6, 2);
    header_.names_section = number(*bytes, sizes + 8, 2);
    return nullptr;
  }

  const char* read_segments() {
    const std::size_t entry = header_.is_64_bit ? 56 : 32;
    if (header_.segments == 0) return nullptr;
    if (header_.segment_bytes != entry || header_.segments > Bounds::kMostSegments)
      return "program headers of another size, or too many";
    const auto bytes =
        bytes_at(header_.segments_offset, entry * header_.segments, Bounds::kMostSegments * entry);
    if (!bytes) return "program headers behind its end";
    for (std::size_t at = 0; at < bytes->size(); at += entry) {
      const std::size_t word = header_.word();
      // A 64-bit header has its flags behind the type, for the alignment's sake.
      const std::size_t offset = at + (header_.is_64_bit ? 8 : 4);
      Segment segment;
      segment.type = static_cast<std::uint32_t>(number(*bytes, at, 4));
      segment.flags =
          static_cast<std::uint32_t>(number(*bytes, header_.is_64_bit ? at + 4 : at + 24, 4));
      segment.offset = number(*bytes, offset, word);
      segment.address = number(*bytes, offset + word, word);
      segment.size = number(*bytes, offset + 3 * word, word);
      segment.alignment = number(*bytes, at + entry - word, word);
      segments_.push_back(segment);
    }
    return nullptr;
  }

  void read_notes() {
    std::size_t read = 0;
    for (const Segment& segment : segments_) {
      if (segment.type != kNote || read == Bounds::kMostNoteSegments) continue;
      ++read;
      if (const auto notes = bytes_at(segment.offset, segment.size, Bounds::kMostNoteBytes))
        take_notes(*notes, segment.alignment == 8 ? 8 : 4);
    }
  }

  void take_notes(std::string_view notes, std::size_t alignment) {
    constexpr std::size_t kHead = 12;
    const auto padded = [alignment](std::uint64_t size) {
      return (size + alignment - 1) / alignment * alignment;
    };
    while (notes.size() >= kHead) {
      const std::uint64_t name_bytes = number(notes, 0, 4);
      const std::uint64_t text_bytes = number(notes, 4, 4);
      const auto type = static_cast<std::uint32_t>(number(notes, 8, 4));
      const std::uint64_t text_at = padded(kHead + name_bytes);
      if (text_at > notes.size() || text_bytes > notes.size() - text_at) return;
      take_note(notes.substr(kHead, name_bytes), type, notes.substr(text_at, text_bytes));
      const std::uint64_t next = padded(text_at + text_bytes);
      if (next >= notes.size()) return;
      notes.remove_prefix(next);
    }
  }

  void take_note(std::string_view name, std::uint32_t type, std::string_view text) {
    const bool fits = !text.empty() && text.size() <= Bounds::kMostIdBytes;
    if (name == std::string_view("GNU\0", 4) && type == kGnuBuildId && fits &&
        build_.build_id.empty())
      build_.build_id = hexadecimal(text);
    if (name == std::string_view("Go\0\0", 4) && type == kGoBuildId && build_.go_build_id.empty())
      build_.go_build_id = plain(text);
  }

  // The section, or where strip(1) took the table of sections, what the linker puts first into what
  // is writable.
  void read_go() {
    const std::optional<std::uint64_t> place = go_section();
    if (place) return take_go(*place);
    const auto data = std::ranges::find_if(segments_, [](const Segment& segment) {
      return segment.type == kLoad && (segment.flags & kWritable) != 0;
    });
    if (data == segments_.end()) return;
    constexpr std::size_t kAlignment = 16;
    const auto size = std::min<std::uint64_t>(data->size, Bounds::kSearchedBytes);
    const auto bytes = bytes_at(data->offset, size, Bounds::kSearchedBytes);
    if (!bytes) return;
    for (std::size_t at = 0; at + kGoHead <= bytes->size(); at += kAlignment) {
      if (std::string_view(*bytes).substr(at).starts_with(kGoMagic))
        return take_go(data->offset + at);
    }
  }

  // Without them what the segments say is all.
  void read_sections() {
    const std::size_t entry = header_.is_64_bit ? 64 : 40;
    if (header_.section_bytes != entry || header_.sections > Bounds::kMostSections ||
        header_.names_section >= header_.sections)
      return;
    const auto bytes =
        bytes_at(header_.sections_offset, entry * header_.sections, Bounds::kMostSections * entry);
    if (!bytes) return;
    for (std::size_t at = 0; at < bytes->size(); at += entry)
      sections_.push_back(section_at(*bytes, at));
  }

  // Go's linker leaves the build id that it was told (-B) out of the segment of notes.
  void read_section_notes() {
    std::size_t read = 0;
    for (const Section& section : sections_) {
      if (section.type != kNoteSection || read == Bounds::kMostNoteSegments) continue;
      ++read;
      if (const auto notes = bytes_at(section.offset, section.size, Bounds::kMostNoteBytes))
        take_notes(*notes, 4);
    }
  }

  std::optional<std::uint64_t> go_section() {
    if (sections_.empty()) return std::nullopt;
    const Section& names = sections_[header_.names_section];
    const auto texts = bytes_at(names.offset, names.size, Bounds::kMostNameBytes);
    if (!texts || names.type == kNoBits) return std::nullopt;
    for (const Section& section : sections_) {
      if (section.type == kNoBits || section.name >= texts->size()) continue;
      const std::string_view name = std::string_view(*texts).substr(section.name);
      if (name.substr(0, name.find('\0')) == kGoSection) return section.offset;
    }
    return std::nullopt;
  }

  [[nodiscard]] Section section_at(std::string_view bytes, std::size_t at) const {
    const std::size_t word = header_.word();
    const std::size_t offset = at + 8 + 2 * word;
    return {number(bytes, at, 4), static_cast<std::uint32_t>(number(bytes, at + 4, 4)),
            number(bytes, offset, word), number(bytes, offset + word, word)};
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
    for (const Segment& segment : segments_) {
      if (segment.type != kLoad || address < segment.address) continue;
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
  Header header_;
  std::vector<Segment> segments_;
  std::vector<Section> sections_;
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
