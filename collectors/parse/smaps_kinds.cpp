#include "collectors/parse/smaps_kinds.h"

#include <algorithm>
#include <utility>

#include "collectors/parse/pid_maps.h"
#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, kMappingKinds> kNames = {
    "heap",        "anonymous",     "main_stack", "file_private",
    "file_shared", "shared_memory", "device",     "kernel"};

// Files of the kernel's own tmpfs, whatever mount they may be seen in.
bool is_shared_memory(std::string_view path) {
  return path.starts_with("/dev/shm/") || path.starts_with("/memfd:") ||
         path.starts_with("/SYSV") || path.starts_with("/dev/zero") ||
         path.starts_with("[anon_shmem:");
}

MappingKind kind_of(const PidMapping& mapping) {
  const std::string_view path = mapping.path;
  if (path == "[heap]") return MappingKind::heap;
  if (path == "[stack]") return MappingKind::main_stack;
  if (is_shared_memory(path)) return MappingKind::shared_memory;
  if (path.empty() || path.starts_with("[anon:") || path.starts_with("[stack:"))
    return mapping.is_shared ? MappingKind::shared_memory : MappingKind::anonymous;
  if (path.starts_with('[')) return MappingKind::kernel;
  if (path.starts_with("/dev/") || path.starts_with("anon_inode:")) return MappingKind::device;
  return mapping.is_shared ? MappingKind::file_shared : MappingKind::file_private;
}

void add(std::uint64_t& sum, std::uint64_t amount) {
  // What does not fit into an address space is a lie.
  sum = amount > UINT64_MAX - sum ? UINT64_MAX : sum + amount;
}

using Field = std::uint64_t MappingSum::*;
constexpr std::array<std::pair<std::string_view, Field>, 9> kFields = {{
    {"Rss", &MappingSum::resident_bytes},
    {"Pss", &MappingSum::proportional_bytes},
    {"Anonymous", &MappingSum::anonymous_bytes},
    {"Private_Dirty", &MappingSum::dirty_bytes},
    {"Shared_Dirty", &MappingSum::dirty_bytes},
    {"Swap", &MappingSum::swapped_bytes},
    {"AnonHugePages", &MappingSum::huge_page_bytes},
    {"Private_Hugetlb", &MappingSum::hugetlb_bytes},
    {"Shared_Hugetlb", &MappingSum::hugetlb_bytes},
}};

}  // namespace

std::string_view mapping_kind_name(MappingKind kind) {
  return kNames.at(static_cast<std::size_t>(kind));
}

MappingSum& MappingSum::operator+=(const MappingSum& other) {
  for (const Field field :
       {&MappingSum::mappings, &MappingSum::virtual_bytes, &MappingSum::resident_bytes,
        &MappingSum::proportional_bytes, &MappingSum::anonymous_bytes, &MappingSum::dirty_bytes,
        &MappingSum::swapped_bytes, &MappingSum::huge_page_bytes, &MappingSum::hugetlb_bytes})
    add(this->*field, other.*field);
  return *this;
}

void SmapsKindReader::take(std::string_view line) {
  if (begins_pid_mapping(line)) {
    current_.reset();
    const Result<PidMapping> mapping = parse_pid_mapping(line);
    if (!mapping) return;
    ++mappings_;
    current_ = kind_of(*mapping);
    MappingSum& sum = sums_.at(static_cast<std::size_t>(*current_));
    ++sum.mappings;
    add(sum.virtual_bytes, mapping->end - mapping->begin);
    return;
  }
  if (!current_) return;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const auto* const field =
      std::ranges::find(kFields, line.substr(0, colon), &std::pair<std::string_view, Field>::first);
  if (field == kFields.end()) return;
  add(sums_.at(static_cast<std::size_t>(*current_)).*field->second,
      parse_kilobytes(line.substr(colon + 1)).value_or(0));
}

}  // namespace heapfloor
