#include "agent/profile/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "agent/profile/xz.h"

namespace heapfloor {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kMostUnpackedBytes = std::size_t{32} << 20;
// What finds no room has no name: a file whose symbols all claim a long one stays small.
constexpr std::size_t kMostKeptNames = std::size_t{32} << 20;

bool is_function(const Elf64_Sym& symbol) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF &&
         symbol.st_value != 0 && symbol.st_name != 0;
}

std::uint8_t rank_of(const Elf64_Sym& symbol) {
  switch (ELF64_ST_BIND(symbol.st_info)) {
    case STB_GLOBAL:
      return 0;
    case STB_WEAK:
      return 1;
    default:
      return 2;
  }
}

// Calls visit(symbol) for each entry of the table, a piece of it in memory at a time.
template <class Visit>
void for_each_symbol(const ByteSource& source, const ElfRange& table, Visit visit) {
  std::string piece;
  constexpr std::uint64_t kStep = kPieceBytes / sizeof(Elf64_Sym) * sizeof(Elf64_Sym);
  const std::uint64_t whole = table.size / sizeof(Elf64_Sym) * sizeof(Elf64_Sym);
  for (std::uint64_t at = 0; at < whole; at += kStep) {
    piece.resize(std::min(kStep, whole - at));
    if (!source.read_at(table.offset + at, piece)) return;
    for (std::size_t i = 0; i < piece.size(); i += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol = {};
      std::memcpy(&symbol, piece.data() + i, sizeof symbol);
      visit(symbol);
    }
  }
}

// Reads the names of a table in ascending order of their places, through a window that moves on.
class NameReader {
 public:
  NameReader(const ByteSource& source, const ElfRange& names) : source_(source), names_(names) {}

  // Valid until the next call; empty where there is none.
  std::string_view at(std::uint32_t place) {
    if (place >= names_.size) return {};
    const std::uint64_t most =
        std::min<std::uint64_t>(SymbolTable::kMostNameBytes, names_.size - place);
    if (place < start_ || place + most > start_ + window_.size()) {
      start_ = place;
      window_.resize(std::min<std::uint64_t>(kPieceBytes, names_.size - place));
      if (!source_.read_at(names_.offset + start_, window_)) {
        window_.clear();
        return {};
      }
    }
    const std::string_view rest = std::string_view(window_).substr(place - start_, most);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  const ByteSource& source_;
  ElfRange names_;
  std::uint64_t start_ = 0;
  std::string window_;
};

}  // namespace

void SymbolTable::add(const ByteSource& source, const ElfFile& elf) {
  if (elf.symtab) {
    add_symbols(source, *elf.symtab);
    return;
  }
  if (elf.dynsym) add_symbols(source, *elf.dynsym);
  if (!elf.debugdata) return;
  std::string packed(elf.debugdata->size, '\0');
  if (!source.read_at(elf.debugdata->offset, packed)) return;
  const Result<std::string> unpacked = unpack_xz(packed, kMostUnpackedBytes);
  if (!unpacked) return;
  const MemorySource inner(*unpacked);
  const Result<ElfFile> inner_elf = read_elf(inner);
  if (inner_elf && inner_elf->symtab) add_symbols(inner, *inner_elf->symtab);
}

void SymbolTable::add_symbols(const ByteSource& source, const ElfSymbols& symbols) {
  const std::size_t first = candidates_.size();
  for_each_symbol(source, symbols.symbols, [this](const Elf64_Sym& symbol) {
    if (!is_function(symbol)) return;
    const std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(symbol.st_size, most));
    candidates_.push_back({{symbol.st_value, size, symbol.st_name}, rank_of(symbol)});
  });
  read_names(source, symbols.names, first);
}

// Replaces the places in the file's table by places in ours.
void SymbolTable::read_names(const ByteSource& source, const ElfRange& names, std::size_t first) {
  const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return std::pair(a.entry.name, a.entry.start) < std::pair(b.entry.name, b.entry.start);
  });
  NameReader reader(source, names);
  for (auto candidate = begin; candidate != candidates_.end(); ++candidate) {
    const std::string_view name = reader.at(candidate->entry.name);
    const bool is_full = names_.size() + name.size() >= kMostKeptNames;
    candidate->entry.name = static_cast<std::uint32_t>(names_.size());
    if (!is_full) names_.append(name);
    names_.push_back('\0');
  }
}

std::string_view SymbolTable::name_of(const Entry& entry) const {
  const std::string_view rest = std::string_view(names_).substr(entry.name);
  return rest.substr(0, rest.find('\0'));
}

void SymbolTable::finish() {
  const auto order = [this](const Candidate& candidate) {
    const std::string_view name = name_of(candidate.entry);
    const bool is_internal = name.starts_with('_') && !name.starts_with("_Z");
    return std::tuple(candidate.entry.start, name.empty(), candidate.rank, is_internal, name.size(),
                      name);
  };
  std::ranges::sort(candidates_, {}, order);
  entries_.reserve(candidates_.size());
  std::string kept;
  for (const Candidate& candidate : candidates_) {
    if (!entries_.empty() && entries_.back().start == candidate.entry.start) {
      entries_.back().size = std::max(entries_.back().size, candidate.entry.size);
      continue;
    }
    Entry entry = candidate.entry;
    const std::string_view name = name_of(entry);
    entry.name = static_cast<std::uint32_t>(kept.size());
    kept.append(name).push_back('\0');
    entries_.push_back(entry);
  }
  kept.shrink_to_fit();
  entries_.shrink_to_fit();
  names_ = std::move(kept);
  candidates_ = {};
}

std::optional<FoundSymbol> SymbolTable::find(std::uint64_t address) const {
  const auto next = std::ranges::upper_bound(entries_, address, {}, &Entry::start);
  if (next == entries_.begin()) return std::nullopt;
  const Entry& entry = *(next - 1);
  if (entry.size != 0 && address - entry.start >= entry.size) return std::nullopt;
  return FoundSymbol{entry.start, name_of(entry)};
}

}  // namespace heapfloor
