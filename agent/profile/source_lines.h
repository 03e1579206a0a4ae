// Files and lines of code addresses, with what was inlined there, from DWARF. Owner of libdw is
// this folder.
//
// Asked for the few addresses that are shown first, as it takes milliseconds and megabytes a
// program. Addresses are found through the compilation units themselves: .debug_aranges, which
// libdw's own search relies on, is not there in what clang makes. The library runs in a child
// process (child_task.h): the file is as hostile as its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/profile/child_task.h"
#include "collectors/host_root.h"

namespace heapfloor {

struct SourceLine {
  std::string function;  // as the linker knows it, or as it is written; empty where unknown
  std::string file;
  std::int64_t line = 0;  // 0 where it is not known
  friend bool operator==(const SourceLine&, const SourceLine&) = default;
};

// Innermost first: what was inlined before what it was inlined in. Empty where nothing is known.
using SourceLines = std::vector<SourceLine>;

inline constexpr std::size_t kMostLineAddresses = 1024;  // of one file at a time
inline constexpr std::size_t kMostInlineDepth = 64;

// The lines of the first kMostLineAddresses addresses (in the file's own numbering), by position.
// What is not found, or not in time, is empty. `file` holds .debug_info. Thread rule: any thread;
// forks.
std::vector<SourceLines> source_lines(const HostFile& file,
                                      std::span<const std::uint64_t> addresses,
                                      const ChildLimits& limits = {});

// What a child said, in this file's own format: anything else gives fewer lines. For the fuzzer.
std::vector<SourceLines> parse_source_lines(std::string_view answer, std::size_t addresses);

}  // namespace heapfloor
