#include "collectors/parse/meminfo.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_meminfo, text);
  if (const auto info = heapfloor::parse_meminfo(text)) {
    using heapfloor::Meminfo;
    require_size(info->total_bytes);
    for (const auto field :
         {&Meminfo::free_bytes, &Meminfo::available_bytes, &Meminfo::buffers_bytes,
          &Meminfo::cached_bytes, &Meminfo::anon_bytes, &Meminfo::shmem_bytes,
          &Meminfo::slab_reclaimable_bytes, &Meminfo::slab_unreclaimable_bytes,
          &Meminfo::kernel_stack_bytes, &Meminfo::page_tables_bytes, &Meminfo::percpu_bytes,
          &Meminfo::swap_total_bytes, &Meminfo::swap_free_bytes, &Meminfo::commit_limit_bytes,
          &Meminfo::committed_bytes}) {
      require_size((*info).*field);
    }
    // A line of a later kernel changes nothing.
    const std::string longer = "NextYearsKey: 12 pages\n" + std::string(text);
    require_same(heapfloor::parse_meminfo(longer), *info, "an unknown key is ignored");
  }
  return 0;
}
