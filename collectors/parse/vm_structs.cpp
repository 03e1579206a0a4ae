#include "collectors/parse/vm_structs.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "collectors/parse/hsperfdata.h"

namespace heapfloor {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{32} << 10;

Failure refused(const char* reason) { return failure(ErrorKind::malformed, {}, reason); }

template <class Word>
std::optional<Word> load(const ByteSource& memory, std::uint64_t address) {
  Word word = {};
  char* const bytes = reinterpret_cast<char*>(&word);
  if (!memory.read_at(address, std::span(bytes, sizeof word))) return std::nullopt;
  return word;
}

template <class Word>
Word word_at(std::span<const char> entry, std::uint64_t offset) {
  Word word = {};
  std::memcpy(&word, entry.subspan(static_cast<std::size_t>(offset)).data(), sizeof word);
  return word;
}

struct Layout {
  std::uint64_t stride = 0, type_name = 0, field_name = 0, is_static = 0, offset = 0, address = 0;
};

std::optional<Layout> read_layout(const ByteSource& memory, const VmStructsAddresses& symbols) {
  const auto number = [&](VmStructsSymbol symbol) {
    return load<std::uint64_t>(memory, symbols.at(static_cast<std::size_t>(symbol)));
  };
  const auto stride = number(VmStructsSymbol::stride);
  if (!stride || *stride < VmStructsBounds::kLeastStride || *stride > VmStructsBounds::kMostStride)
    return std::nullopt;
  const auto offset = [&](VmStructsSymbol symbol) -> std::optional<std::uint64_t> {
    const auto told = number(symbol);
    if (!told || *told > *stride - sizeof(std::uint64_t)) return std::nullopt;
    return told;
  };
  const auto type = offset(VmStructsSymbol::type_name);
  const auto field = offset(VmStructsSymbol::field_name);
  const auto is_static = offset(VmStructsSymbol::is_static);
  const auto place = offset(VmStructsSymbol::offset);
  const auto address = offset(VmStructsSymbol::address);
  if (!type || !field || !is_static || !place || !address) return std::nullopt;
  return Layout{*stride, *type, *field, *is_static, *place, *address};
}

// A text of the JVM, as far as it is wanted; fewer bytes where no more can be read.
class Text {
 public:
  Text(const ByteSource& memory, std::uint64_t address) {
    for (std::size_t size = bytes_.size(); size > 0; size /= 2) {
      if (!memory.read_at(address, std::span(bytes_).first(size))) continue;
      read_ = size;
      return;
    }
  }
  // The end of the text included.
  [[nodiscard]] bool is(std::string_view text) const {
    return text.size() < read_ && bytes_[text.size()] == '\0' &&
           std::string_view(bytes_.data(), text.size()) == text;
  }

 private:
  std::array<char, 32> bytes_ = {};
  std::size_t read_ = 0;
};

// Takes entry after entry, until it has all places.
class PlaceFinder {
 public:
  PlaceFinder(const ByteSource& memory, const Layout& layout, std::span<const VmField> wanted)
      : places(wanted.size()), memory_(memory), layout_(layout), wanted_(wanted) {}

  // False where nothing more is wanted: all places are known, or the table has ended.
  bool take(std::span<const char> entry) {
    const auto type = word_at<std::uint64_t>(entry, layout_.type_name);
    const auto field = word_at<std::uint64_t>(entry, layout_.field_name);
    if (type == 0 || field == 0) return false;
    // Those of one type follow each other, and share its name.
    if (type != type_ && !take_type(type)) return false;
    if (type_name_.empty()) return true;
    const bool is_static = word_at<std::int32_t>(entry, layout_.is_static) != 0;
    const Text name(memory_, field);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const VmField& one = wanted_[i];
      if (one.type != type_name_ || one.is_static != is_static) continue;
      if (name.is(one.name))
        places[i] = word_at<std::uint64_t>(entry, is_static ? layout_.address : layout_.offset);
    }
    return !std::ranges::all_of(places, [](const auto& place) { return place.has_value(); });
  }

  std::vector<std::optional<std::uint64_t>> places;

 private:
  bool take_type(std::uint64_t type) {
    if (++names_ > VmStructsBounds::kMostNames) return false;
    type_ = type;
    const Text name(memory_, type);
    const auto found =
        std::ranges::find_if(wanted_, [&](const VmField& one) { return name.is(one.type); });
    type_name_ = found == wanted_.end() ? std::string_view() : found->type;
    return true;
  }

  const ByteSource& memory_;
  const Layout& layout_;
  std::span<const VmField> wanted_;
  std::uint64_t type_ = 0;
  std::string_view type_name_;  // where it is one that is wanted
  std::size_t names_ = 0;
};

// Piece by piece; where the last piece reaches over the end of what can be read, entry by entry.
void read_table(const ByteSource& memory, std::uint64_t table, const Layout& layout,
                PlaceFinder& finder) {
  const auto stride = static_cast<std::size_t>(layout.stride);
  std::size_t entries_a_read = kPieceBytes / stride;
  std::vector<char> piece(entries_a_read * stride);
  for (std::size_t read = 0; read < VmStructsBounds::kMostEntries;) {
    const auto part = std::span(piece).first(entries_a_read * stride);
    if (!memory.read_at(table + read * stride, part)) {
      if (entries_a_read == 1) return;
      entries_a_read = 1;
      continue;
    }
    for (std::size_t at = 0; at < part.size(); at += stride) {
      if (!finder.take(part.subspan(at, stride))) return;
    }
    read += entries_a_read;
  }
}

}  // namespace

Result<std::vector<std::optional<std::uint64_t>>> find_vm_fields(const ByteSource& memory,
                                                                 const VmStructsAddresses& symbols,
                                                                 std::span<const VmField> wanted) {
  const std::optional<Layout> layout = read_layout(memory, symbols);
  const auto table =
      load<std::uint64_t>(memory, symbols.at(static_cast<std::size_t>(VmStructsSymbol::table)));
  if (!layout || !table || *table == 0) return refused("no table of a JVM's structures");
  PlaceFinder finder(memory, *layout, wanted);
  read_table(memory, *table, *layout, finder);
  return std::move(finder.places);
}

Result<std::optional<PerfMemory>> find_perf_memory(const ByteSource& memory,
                                                   const VmStructsAddresses& symbols) {
  constexpr std::array kWanted = {VmField{"PerfMemory", "_start", true},
                                  VmField{"PerfMemory", "_capacity", true}};
  const auto places = find_vm_fields(memory, symbols, kWanted);
  if (!places) return Failure(places.error());
  if (!places->front() || !places->back())
    return refused("a JVM's table does not name its counters");
  const auto begin = load<std::uint64_t>(memory, *places->front());
  const auto size = load<std::uint64_t>(memory, *places->back());
  if (!begin || !size) return refused("what a JVM's table names is not there");
  if (*begin == 0 || *size == 0) return std::nullopt;
  const bool is_bounded = *size >= HsperfBounds::kPrologueBytes && *size <= memory.size() &&
                          *begin <= memory.size() - *size;
  if (!is_bounded) return refused("a JVM's counters lie outside");
  return PerfMemory{*begin, *size};
}

std::optional<ZHeapPlace> find_z_heap(const ByteSource& memory, const VmStructsAddresses& symbols) {
  constexpr std::array kWanted = {
      VmField{"Universe", "_collectedHeap", true}, VmField{"ZCollectedHeap", "_heap", false},
      VmField{"ZHeap", "_page_allocator", false}, VmField{"ZPageAllocator", "_used", false}};
  const auto places = find_vm_fields(memory, symbols, kWanted);
  if (!places) return std::nullopt;
  ZHeapPlace place;
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    const std::optional<std::uint64_t>& found = (*places)[i];
    if (!found) return std::nullopt;
    if (kWanted.at(i).is_static) {
      place.heap_pointer = *found;
    } else if (*found > VmStructsBounds::kMostOffset) {
      return std::nullopt;
    } else {
      place.offset += *found;
    }
  }
  return place;
}

}  // namespace heapfloor
