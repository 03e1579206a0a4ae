#include "collectors/parse/smaps_rollup.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

struct Field {
  std::string_view key;
  std::optional<std::uint64_t> SmapsRollup::*value;
};

constexpr std::array kSizes = {
    Field{"Pss_Anon", &SmapsRollup::proportional_anon_bytes},
    Field{"Pss_File", &SmapsRollup::proportional_file_bytes},
    Field{"Pss_Shmem", &SmapsRollup::proportional_shmem_bytes},
    Field{"Private_Clean", &SmapsRollup::private_clean_bytes},
    Field{"Private_Dirty", &SmapsRollup::private_dirty_bytes},
    Field{"LazyFree", &SmapsRollup::lazy_free_bytes},
    Field{"AnonHugePages", &SmapsRollup::anon_huge_page_bytes},
    Field{"SwapPss", &SmapsRollup::proportional_swap_bytes},
};

// Where the size of `key` goes; null where nobody asks for it.
std::optional<std::uint64_t>* target_of(std::string_view key, SmapsRollup& rollup,
                                        std::optional<std::uint64_t>& resident,
                                        std::optional<std::uint64_t>& proportional) {
  if (key == "Rss") return &resident;
  if (key == "Pss") return &proportional;
  for (const Field& field : kSizes) {
    if (field.key == key) return &(rollup.*field.value);
  }
  return nullptr;
}

}  // namespace

Result<SmapsRollup> parse_smaps_rollup(std::string_view text) {
  SmapsRollup rollup;
  std::optional<std::uint64_t> resident;
  std::optional<std::uint64_t> proportional;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    if (key == "Locked") {
      if (!parse_kilobytes(line.substr(colon + 1))) return malformed("not a size", line);
      if (!resident || !proportional) return malformed("no line Rss or no line Pss", line);
      rollup.resident_bytes = *resident;
      rollup.proportional_bytes = *proportional;
      return rollup;
    }
    if (auto* const size = target_of(key, rollup, resident, proportional)) {
      *size = parse_kilobytes(line.substr(colon + 1));
      if (!*size) return malformed("not a size", line);
    }
  }
  return malformed("no line Locked", line);
}

}  // namespace heapfloor
