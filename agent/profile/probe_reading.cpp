#include "agent/profile/probe_reading.h"

#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "collectors/parse/probe_segment.h"
#include "collectors/probe_finder.h"
#include "collectors/process_identity.h"

namespace heapfloor {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

// A child shares its parent's segment until it has one of its own.
bool is_own(const ProbeSegmentBytes& segment, const std::optional<std::uint64_t>& start_ticks) {
  const Result<ProbeHeader> header =
      parse_probe_header(std::span(segment).first(HEAPFLOOR_HEADER_BYTES), segment.size());
  return header && (!header->start_ticks || !start_ticks || *header->start_ticks == *start_ticks);
}

std::optional<std::uint64_t> start_ticks_of(const ProcessDir& process, std::int32_t pid) {
  std::array<char, 4096> buffer;
  const auto start_ticks = read_start_ticks(process, pid, buffer);
  return start_ticks ? std::optional(*start_ticks) : std::nullopt;
}

}  // namespace

Result<ProbeReading> read_probe(const HostRoot& root, std::int32_t pid) {
  const auto process = root.open_process(pid);
  if (!process) return Failure(process.error());
  std::vector<char> buffer(kBufferBytes);
  ProbeMaps maps;
  const Result<void> found = read_probe_maps(*process, buffer, maps);
  if (!found) return Failure(found.error());
  const auto start_ticks = start_ticks_of(*process, pid);
  std::optional<Error> refusal;
  for (const PidMapping& mapping : maps.segments) {
    const auto bytes = open_probe_segment(*process, mapping);
    if (!bytes) {
      refusal = bytes.error();
      continue;
    }
    auto segment = copy_probe_segment(
        [&bytes](std::uint64_t offset, std::span<std::byte> to) {
          return bytes->read(offset, to).has_value();
        },
        bytes->size());
    if (!segment) {
      refusal = segment.error();
    } else if (is_own(*segment, start_ticks)) {
      auto mappings = parse_code_mappings(maps.text);
      if (!mappings) return Failure(std::move(mappings.error()));
      return ProbeReading{
          {pid, start_ticks.value_or(0)}, std::move(*segment), std::move(*mappings)};
    }
  }
  if (refusal) return Failure(std::move(*refusal));
  return failure(ErrorKind::unavailable, std::to_string(pid), "carries no probe");
}

std::unique_ptr<CodeFiles> code_files_of(const HostRoot& root, const ProcessId& id) {
  auto process = root.open_process(id.pid);
  if (process && start_ticks_of(*process, id.pid) == id.start_ticks)
    return std::make_unique<RunningCode>(std::move(*process));
  // The first process has the host's files, whatever container the agent is in.
  constexpr std::int32_t kFirstProcess = 1;
  std::vector<ProcessDir> stand_ins;
  for (const std::int32_t pid : {kFirstProcess, static_cast<std::int32_t>(::getpid())}) {
    auto stand_in = root.open_process(pid);
    if (stand_in) stand_ins.push_back(std::move(*stand_in));
  }
  return std::make_unique<EndedCode>(std::move(stand_ins));
}

}  // namespace heapfloor
