// /proc/PID/maps: which code is mapped where. Source: proc(5) and fs/proc/task_mmu.c
// (show_map_vma).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

// A part of the address space that can be executed.
struct CodeMapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;     // behind its last byte
  std::uint64_t offset = 0;  // of its first byte in the file
  std::uint64_t inode = 0;   // 0: no file (JIT code, the vdso)
  bool is_deleted = false;   // the file has no name any more: another one may have it
  // As the process sees it, unescaped and without the mark of deletion; "[vdso]"; empty for memory
  // without a file. Whoever named the file chose these bytes.
  std::string path;
  friend bool operator==(const CodeMapping&, const CodeMapping&) = default;
};

// More than that is not a program but somebody who wants to keep us busy: malformed.
inline constexpr std::size_t kMostCodeMappings = 65536;

// The executable mappings, ascending by start. A line that is no mapping, an empty range or more
// than kMostCodeMappings is malformed.
Result<std::vector<CodeMapping>> parse_code_mappings(std::string_view text);

// The mapping that holds `address` among ascending ones; null when there is none.
const CodeMapping* find_mapping(const std::vector<CodeMapping>& mappings, std::uint64_t address);

}  // namespace heapfloor
