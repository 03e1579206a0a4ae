#include "collectors/runtime/seen_directory.h"

#include <string>
#include <utility>

#include "collectors/parse/pid_stat.h"

namespace heapfloor {

Result<SeenDirectory> SeenDirectory::open(const HostRoot& root, const SeenProcess& seen) {
  SeenDirectory directory(seen);
  if (seen.directory != nullptr) return directory;
  auto opened = root.open_process(seen.id.pid);
  if (!opened) return Failure(std::move(opened.error()));
  directory.opened_ = std::move(*opened);
  return directory;
}

Result<void> SeenDirectory::confirm(std::span<char> buffer) const {
  if (get().pinned()) return {};
  auto text = get().read_record("stat", buffer);
  if (!text) return Failure(std::move(text.error()));
  const Result<PidStat> stat = parse_pid_stat(*text);
  if (stat && stat->start_ticks == id_.start_ticks) return {};
  return failure(ErrorKind::gone, std::to_string(id_.pid), "the pid was reused");
}

}  // namespace heapfloor
