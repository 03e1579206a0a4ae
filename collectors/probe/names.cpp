#include <cstddef>
#include <cstdint>

#include "collectors/probe/relaxed.h"
#include "collectors/probe/segment_memory.h"

namespace heapfloor::probe {
namespace {

// Where a name is: indices by the hash of its text, 0: free. Twice as many as names, so that one
// that is free is near.
constexpr std::size_t kBuckets = 2 * kNames;
std::uint16_t buckets[kBuckets];

// Padded with NUL to whole words, so that a name is stored by words as the rest of the segment.
union Text {
  char bytes[HEAPFLOOR_NAME_BYTES];
  std::uint64_t words[HEAPFLOOR_NAME_BYTES / sizeof(std::uint64_t)];
};

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// Cut at a whole UTF-8 character.
Text cut(const char* text) {
  Text result{};
  std::size_t length = 0;
  while (length < HEAPFLOOR_NAME_BYTES && text[length] != '\0') ++length;
  if (length == HEAPFLOOR_NAME_BYTES) {
    --length;
    while (length > 0 && is_inside_character(text[length])) --length;
  }
  for (std::size_t i = 0; i < length; ++i) result.bytes[i] = text[i];
  return result;
}

std::uint64_t hash(const Text& text) {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const std::uint64_t word : text.words) {
    value = (value ^ word) * 0x9E3779B97F4A7C15U;
    value ^= value >> 29U;
  }
  return value;
}

bool is_at(const Text& text, const heapfloor_name& place) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(place.text);
  for (std::size_t i = 0; i < sizeof text.words / sizeof text.words[0]; ++i) {
    if (load_relaxed(words[i]) != text.words[i]) return false;
  }
  return true;
}

// A new place with the text in it; 0: there is none left.
std::uint16_t store(const Text& text) {
  heapfloor_section& names = section(HEAPFLOOR_SECTION_NAMES);
  std::uint64_t index = load_relaxed(names.used);
  do {
    if (index >= kNames) {
      add_relaxed(segment().header->names_lost, std::uint64_t{1});
      return 0;
    }
  } while (!exchange_if(names.used, index, index + 1));
  copy_words(segment().names[index].text, text.words, sizeof text.words);
  return static_cast<std::uint16_t>(index);
}

constexpr const char* kOwnNames[] = {"", "init", "grow", "clear"};
static_assert(sizeof kOwnNames / sizeof kOwnNames[0] == kOwnNameCount);

}  // namespace

void write_own_names(heapfloor_name* names) {
  for (std::uint16_t index = 1; index < kOwnNameCount; ++index) {
    const Text text = cut(kOwnNames[index]);
    copy_words(names[index].text, text.words, sizeof text.words);
    std::uint64_t place = hash(text);
    while (buckets[place % kBuckets] != 0 && buckets[place % kBuckets] != index) ++place;
    store_relaxed(buckets[place % kBuckets], index);
  }
}

std::uint16_t intern_name(const char* text) {
  const heapfloor_name* names = segment().names;
  if (names == nullptr || text == nullptr || *text == '\0') return 0;
  const Text wanted = cut(text);
  const std::uint64_t first = hash(wanted);
  std::uint16_t mine = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    std::uint16_t& bucket = buckets[(first + i) % kBuckets];
    std::uint16_t found = load_acquire(bucket);
    if (found == 0) {
      if (mine == 0) mine = store(wanted);
      // Where another thread was faster the place is lost, unless the next bucket takes it.
      if (mine == 0 || exchange_if(bucket, found, mine)) return mine;
    }
    if (is_at(wanted, names[found])) return found;
  }
  return 0;
}

}  // namespace heapfloor::probe
