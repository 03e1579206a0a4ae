// Finds the segment of a probe among the mappings of a process, and opens it.
//
// Thread rule: free functions over their arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/pid_maps.h"
#include "collectors/result.h"

namespace heapfloor {

// Where an executable mapping lies, for the places of return addresses.
struct ExecutableMapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // in the file
  std::string path;          // raw
};

// What one look at maps found.
struct ProbeMaps {
  static constexpr std::size_t kMostSegments = 4;  // a process that maps more is up to no good
  static constexpr std::size_t kMostExecutables = 4096;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // what is read of it

  std::vector<PidMapping> segments;            // whose path is left empty
  std::vector<ExecutableMapping> executables;  // ascending
  std::string text;       // the lines of executable mappings, raw; see ProbedTarget::mappings
  std::size_t bytes = 0;  // read
};

// Reads /proc/PID/maps through `buffer`, line by line; nothing of it where the kernel says that no
// segment is among the mappings.
[[nodiscard]] Result<void> read_probe_maps(const ProcessDir& directory, std::span<char> buffer,
                                           ProbeMaps& maps);

// The file behind the mapping, which outlives the process; where that is refused, the process's
// memory there.
[[nodiscard]] Result<MappedBytes> open_probe_segment(const ProcessDir& directory,
                                                     const PidMapping& segment);

// "MODULE+0xOFFSET" of what a return address returns to the middle of; empty where nothing
// executable is mapped there.
[[nodiscard]] std::string location_of(std::uint64_t return_address,
                                      std::span<const ExecutableMapping> executables);

}  // namespace heapfloor
