#include "collectors/probe_finder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "collectors/probe/include/heapfloor/segment.h"
#include "collectors/probe_board.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSegmentPath = "/memfd:" HEAPFLOOR_SEGMENT_NAME " (deleted)";
// The modes stand behind two numbers of at most 16 digits.
constexpr std::size_t kModesEnd = 40;

void take_line(std::string_view line, ProbeMaps& maps) {
  const Result<PidMapping> mapping = parse_pid_mapping(line);
  if (!mapping) return;
  const bool is_segment = mapping->path == kSegmentPath && mapping->is_shared &&
                          mapping->offset == 0 &&
                          mapping->end - mapping->begin >= HEAPFLOOR_HEADER_BYTES;
  if (is_segment && maps.segments.size() < ProbeMaps::kMostSegments) {
    maps.segments.push_back(*mapping);
    maps.segments.back().path = {};
  }
  if (!mapping->is_executable || maps.executables.size() >= ProbeMaps::kMostExecutables ||
      maps.text.size() + line.size() + 1 > ProbeBoard::kMostMappingsBytes)
    return;
  maps.text.append(line).append(1, '\n');
  maps.executables.push_back(
      {mapping->begin, mapping->end, mapping->offset, std::string(mapping->path)});
}

}  // namespace

// On most hosts nearly all processes carry no probe: that much the kernel tells without a text.
Result<void> read_probe_maps(const ProcessDir& directory, std::span<char> buffer, ProbeMaps& maps) {
  const auto is_mapped = directory.maps_shared(kSegmentPath);
  if (!is_mapped) return Failure(is_mapped.error());
  if (is_mapped->has_value() && !**is_mapped) return {};
  return directory.read_lines("maps", buffer, [&maps](std::string_view line) {
    maps.bytes += line.size() + 1;
    const bool may_execute = line.substr(0, kModesEnd).find('x') != std::string_view::npos;
    if (may_execute || line.ends_with(kSegmentPath)) take_line(line, maps);
    return maps.bytes < ProbeMaps::kMostBytes;
  });
}

Result<MappedBytes> open_probe_segment(const ProcessDir& directory, const PidMapping& segment) {
  auto file = directory.open_mapped_file(segment.begin, segment.end);
  if (file || file.error().kind != ErrorKind::denied) return file;
  return directory.open_mapped_memory(segment.begin, segment.end);
}

// A return address points behind the call, which may be the end of its function.
std::string location_of(std::uint64_t return_address,
                        std::span<const ExecutableMapping> executables) {
  if (return_address == 0) return {};
  const std::uint64_t address = return_address - 1;
  auto behind = std::ranges::upper_bound(executables, address, {}, &ExecutableMapping::begin);
  if (behind == executables.begin() || (--behind)->end <= address) return {};
  constexpr int kHexadecimal = 16;
  std::array<char, 16> digits = {};
  const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                        address - behind->begin + behind->offset, kHexadecimal)
                              .ptr;
  return behind->path + "+0x" + std::string(static_cast<const char*>(digits.data()), end);
}

}  // namespace heapfloor
