// /proc/PID/smaps summed by what the mappings are. Source: fs/proc/task_mmu.c (show_smap,
// show_map_vma), Documentation/filesystems/proc.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace heapfloor {

enum class MappingKind : std::uint8_t {
  heap,           // [heap], what brk() gives
  anonymous,      // private memory without a file: mmap'd heaps, arenas, stacks of threads
  main_stack,     // [stack]
  file_private,   // programs, libraries, and what was changed of them
  file_shared,    // mapped files that are written back
  shared_memory,  // tmpfs, memfd, System V, shared anonymous memory
  device,         // mappings of /dev that are none of these
  kernel,         // [vdso], [vvar], [vsyscall]
};
inline constexpr std::size_t kMappingKinds = 8;
[[nodiscard]] std::string_view mapping_kind_name(MappingKind kind);

// Of one kind, in bytes.
struct MappingSum {
  std::uint64_t mappings = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0;
  std::uint64_t anonymous_bytes = 0;  // resident, of no file: what changed of a private mapping too
  std::uint64_t dirty_bytes = 0;
  std::uint64_t swapped_bytes = 0;
  std::uint64_t huge_page_bytes = 0;  // of anonymous memory, in transparent huge pages
  std::uint64_t hugetlb_bytes = 0;    // of hugetlbfs, which is in none of the others
  MappingSum& operator+=(const MappingSum& other);  // what would overflow stays at the largest
  friend bool operator==(const MappingSum&, const MappingSum&) = default;
};

// Takes a text line by line. Total: lines that it does not know, and fields before the first
// mapping, are nothing to it; sums that would overflow stay at the largest number.
class SmapsKindReader {
 public:
  void take(std::string_view line);  // without its end
  [[nodiscard]] const std::array<MappingSum, kMappingKinds>& sums() const { return sums_; }
  [[nodiscard]] std::size_t mappings() const { return mappings_; }

 private:
  std::array<MappingSum, kMappingKinds> sums_ = {};
  std::optional<MappingKind> current_;
  std::size_t mappings_ = 0;
};

}  // namespace heapfloor
