#include "collectors/process_identity.h"

#include <string>
#include <utility>

#include "collectors/parse/pid_stat.h"
#include "collectors/parse/text.h"

namespace heapfloor {

Result<std::uint64_t> read_start_ticks(const ProcessDir& directory, std::int32_t pid,
                                       std::span<char> buffer) {
  auto text = directory.read_record("stat", buffer);
  if (!text) return Failure(std::move(text.error()));
  auto stat = with_path(parse_pid_stat(*text), std::to_string(pid) + "/stat");
  if (!stat) return Failure(std::move(stat.error()));
  return stat->start_ticks;
}

Result<void> confirm_process(const ProcessDir& directory, const ProcessId& id,
                             std::span<char> buffer) {
  auto start_ticks = read_start_ticks(directory, id.pid, buffer);
  if (!start_ticks) return Failure(std::move(start_ticks.error()));
  if (*start_ticks == id.start_ticks) return {};
  return failure(ErrorKind::gone, std::to_string(id.pid), "the pid was reused");
}

}  // namespace heapfloor
