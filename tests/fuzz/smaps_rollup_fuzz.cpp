#include "collectors/parse/smaps_rollup.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_smaps_rollup, text);
  if (const auto rollup = heapfloor::parse_smaps_rollup(text)) {
    using heapfloor::SmapsRollup;
    require_size(rollup->resident_bytes);
    require_size(rollup->proportional_bytes);
    for (const auto field :
         {&SmapsRollup::proportional_anon_bytes, &SmapsRollup::proportional_file_bytes,
          &SmapsRollup::proportional_shmem_bytes, &SmapsRollup::private_clean_bytes,
          &SmapsRollup::private_dirty_bytes, &SmapsRollup::lazy_free_bytes,
          &SmapsRollup::anon_huge_page_bytes, &SmapsRollup::proportional_swap_bytes}) {
      require_size((*rollup).*field);
    }
    require(text.find("Locked:") != std::string_view::npos, "a text that was cut is no rollup");
    require_same(heapfloor::parse_smaps_rollup(std::string(text) + "\nRss: garbage"), *rollup,
                 "what follows Locked is not read");
  }
  return 0;
}
