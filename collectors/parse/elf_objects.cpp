#include "collectors/parse/elf_objects.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace heapfloor {
namespace {

constexpr std::size_t kPieceBytes = 2730 * sizeof(Elf64_Sym);  // a little less than 64 KiB
constexpr std::uint32_t kNoName = UINT32_MAX;

// Calls visit(bytes, offset in the range) with piece after piece. What a visit has not used, which
// it returns, comes again in front of the next piece.
template <class Visit>
void for_each_piece(const ByteSource& source, const ElfRange& range, Visit visit) {
  std::vector<char> buffer(kPieceBytes);
  std::size_t kept = 0;
  std::uint64_t at = 0;  // of the next byte that is read
  while (at < range.size) {
    const auto room = std::span(buffer).subspan(kept).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size() - kept, range.size - at)));
    if (room.empty() || !source.read_at(range.offset + at, room)) return;
    const std::string_view piece(buffer.data(), kept + room.size());
    const std::size_t used = visit(piece, at - kept);
    at += room.size();
    kept = piece.size() - used;
    std::memmove(buffer.data(), piece.data() + used, kept);
  }
}

// Where each name is in the table of names.
std::vector<std::uint32_t> places_of(const ByteSource& source, const ElfRange& names,
                                     std::span<const std::string_view> wanted) {
  std::vector<std::uint32_t> places(wanted.size(), kNoName);
  for_each_piece(source, names, [&](std::string_view piece, std::uint64_t offset) {
    std::size_t begin = 0;
    for (std::size_t end = piece.find('\0'); end != std::string_view::npos;
         begin = end + 1, end = piece.find('\0', begin)) {
      const std::string_view name = piece.substr(begin, end - begin);
      const auto found = std::ranges::find(wanted, name);
      if (name.size() < kMostObjectName && found != wanted.end() && offset + begin < kNoName)
        places[static_cast<std::size_t>(found - wanted.begin())] =
            static_cast<std::uint32_t>(offset + begin);
    }
    // A name longer than a piece is none of ours: its end will be passed over, too.
    return piece.size() - begin < kMostObjectName ? begin : piece.size();
  });
  return places;
}

}  // namespace

std::vector<std::optional<ElfObject>> find_objects(const ByteSource& source,
                                                   const ElfSymbols& symbols,
                                                   std::span<const std::string_view> names) {
  const std::vector<std::uint32_t> places = places_of(source, symbols.names, names);
  std::vector<std::optional<ElfObject>> objects(names.size());
  for_each_piece(source, symbols.symbols, [&](std::string_view piece, std::uint64_t) {
    std::size_t at = 0;
    for (; piece.size() - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol = {};
      std::memcpy(&symbol, piece.data() + at, sizeof symbol);
      const auto type = ELF64_ST_TYPE(symbol.st_info);
      if ((type != STT_OBJECT && type != STT_FUNC) || symbol.st_shndx == SHN_UNDEF) continue;
      const auto found = std::ranges::find(places, symbol.st_name);
      if (found != places.end())
        objects[static_cast<std::size_t>(found - places.begin())] =
            ElfObject{symbol.st_value, symbol.st_size};
    }
    return at;
  });
  return objects;
}

}  // namespace heapfloor
