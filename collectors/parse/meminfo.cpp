#include "collectors/parse/meminfo.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

struct Field {
  std::string_view key;
  std::optional<std::uint64_t> Meminfo::*value;
};

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
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    if (key == "MemTotal") {
      const auto bytes = parse_kilobytes(line.substr(colon + 1));
      if (!bytes) return malformed("not a size", line);
      info.total_bytes = *bytes;
      has_total = true;
      continue;
    }
    for (const Field& field : kFields) {
      if (field.key != key) continue;
      const auto bytes = parse_kilobytes(line.substr(colon + 1));
      if (!bytes) return malformed("not a size", line);
      info.*field.value = bytes;
      break;
    }
  }
  if (!has_total) return malformed("no MemTotal", text);
  return info;
}

}  // namespace heapfloor
