#include "collectors/parse/meminfo.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

using Field = SizeField<Meminfo>;

constexpr std::array kFields = {
    Field{"MemFree", &Meminfo::free_bytes},
    Field{"MemAvailable", &Meminfo::available_bytes},
    Field{"Buffers", &Meminfo::buffers_bytes},
    Field{"Cached", &Meminfo::cached_bytes},
    Field{"AnonPages", &Meminfo::anon_bytes},
    Field{"Shmem", &Meminfo::shmem_bytes},
    Field{"SReclaimable", &Meminfo::slab_reclaimable_bytes},
    Field{"SUnreclaim", &Meminfo::slab_unreclaimable_bytes},
    Field{"KernelStack", &Meminfo::kernel_stack_bytes},
    Field{"PageTables", &Meminfo::page_tables_bytes},
    Field{"Percpu", &Meminfo::percpu_bytes},
    Field{"SwapTotal", &Meminfo::swap_total_bytes},
    Field{"SwapFree", &Meminfo::swap_free_bytes},
    Field{"CommitLimit", &Meminfo::commit_limit_bytes},
    Field{"Committed_AS", &Meminfo::committed_bytes},
};

}  // namespace

Result<Meminfo> parse_meminfo(std::string_view text) {
  Meminfo info;
  bool has_total = false;
  KeyedLine line;
  while (next_keyed_line(text, {}, line)) {
    if (line.key == "MemTotal") {
      const auto bytes = parse_kilobytes(line.value);
      if (!bytes) return malformed("not a size", line.line);
      info.total_bytes = *bytes;
      has_total = true;
    } else if (!read_size(kFields, line, info)) {
      return malformed("not a size", line.line);
    }
  }
  if (!has_total) return malformed("no MemTotal", text);
  return info;
}

}  // namespace heapfloor
