#include "agent/profile/code_files.h"

#include <fmt/format.h>

#include <algorithm>

namespace heapfloor {
namespace {

Failure no_file(const CodeMapping& mapping, const char* why) {
  return failure(ErrorKind::unavailable, mapping.path, why);
}

bool has_path(const CodeMapping& mapping) {
  return mapping.inode != 0 && mapping.path.starts_with('/') &&
         mapping.path.find('\0') == std::string::npos;
}

Result<HostFile> open_debug_in(const ProcessDir& directory, std::string_view build_id) {
  const std::string path = debug_path(build_id);
  if (path.empty()) return failure(ErrorKind::unavailable, {}, "no build id");
  return directory.open_in_root(path.c_str());
}

}  // namespace

std::string debug_path(std::string_view build_id) {
  constexpr std::size_t kFolderDigits = 2;
  const bool is_id = build_id.size() > kFolderDigits && std::ranges::all_of(build_id, [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  if (!is_id) return {};
  return fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", build_id.substr(0, kFolderDigits),
                     build_id.substr(kFolderDigits));
}

Result<HostFile> RunningCode::open(const CodeMapping& mapping) const {
  if (!has_path(mapping)) return no_file(mapping, "not a file");
  const std::string name = fmt::format("map_files/{:x}-{:x}", mapping.start, mapping.end);
  Result<HostFile> exact = directory_.open_file(name.c_str());
  if (exact) return exact;
  const Result<FileFacts> program = directory_.look_at_file("exe");
  if (program && program->inode == mapping.inode) return directory_.open_file("exe");
  if (mapping.is_deleted) return no_file(mapping, "deleted since it was loaded");
  return directory_.open_in_root(mapping.path.c_str());
}

Result<HostFile> RunningCode::open_debug(std::string_view build_id) const {
  return open_debug_in(directory_, build_id);
}

Result<HostFile> EndedCode::open(const CodeMapping& mapping) const {
  if (!has_path(mapping) || mapping.is_deleted) return no_file(mapping, "not a file any more");
  for (const ProcessDir& stand_in : stand_ins_) {
    Result<HostFile> file = stand_in.open_in_root(mapping.path.c_str());
    if (file && file->facts().inode == mapping.inode) return file;
  }
  return no_file(mapping, "another file by now, or none");
}

Result<HostFile> EndedCode::open_debug(std::string_view build_id) const {
  for (const ProcessDir& stand_in : stand_ins_) {
    Result<HostFile> file = open_debug_in(stand_in, build_id);
    if (file) return file;
  }
  return failure(ErrorKind::unavailable, std::string(build_id), "no debug information");
}

}  // namespace heapfloor
