#include "tests/support/memory_host_root.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace heapfloor::testing {
namespace {

std::string name_of(HostRoot::Tree tree) {
  switch (tree) {
    case HostRoot::Tree::proc:
      return "proc/";
    case HostRoot::Tree::sys:
      return "sys/";
    case HostRoot::Tree::root:
      return "root/";
  }
  return {};
}

}  // namespace

Result<std::string_view> MemoryHostRoot::read(Tree tree, std::string_view path,
                                              std::span<char> buffer) const {
  std::string full = name_of(tree).append(path);
  const auto text = text_(full);
  if (!text) return Failure(text.error());
  if (text->size() > buffer.size())
    return failure(ErrorKind::malformed, std::move(full), "too large");
  std::copy(text->begin(), text->end(), buffer.begin());
  return std::string_view(buffer.data(), text->size());
}

Result<DirectoryFacts> MemoryHostRoot::look_at_directory(Tree tree, std::string_view path) const {
  const std::string full = name_of(tree).append(path);
  if (refused_looks.contains(full)) return failure(ErrorKind::io, full, "Input/output error");
  const std::size_t slash = full.rfind('/');
  const auto siblings =
      directories ? directories(full.substr(0, slash)) : std::vector<std::string>();
  if (std::ranges::find(siblings, full.substr(slash + 1)) == siblings.end())
    return failure(ErrorKind::unavailable, full, "no such directory");
  const auto found = directory_incarnations_.find(full);
  const std::uint64_t incarnation = found == directory_incarnations_.end() ? 0 : found->second;
  return DirectoryFacts{std::hash<std::string>()(full) + incarnation, true};
}

Result<void> MemoryHostRoot::list_directories(Tree tree, std::string_view path, std::size_t most,
                                              std::vector<std::string>& names) const {
  const std::string full = name_of(tree).append(path);
  names.clear();
  if (refused_listings.contains(full)) return failure(ErrorKind::io, full, "Input/output error");
  if (directories) names = directories(full);
  if (names.size() > most) names.resize(most);
  return {};
}

Result<KernelLog> MemoryHostRoot::open_kernel_log() const {
  if (kernel_log_refusal) return Failure(*kernel_log_refusal);
  const int handle = open_handle(0);
  if (handle < 0) return failure(ErrorKind::io, "root/dev/kmsg", "no descriptor left");
  return KernelLog(*this, handle);
}

Result<std::optional<std::string_view>> MemoryHostRoot::read_record(int /*file*/,
                                                                    std::span<char> buffer) const {
  if (kernel_log.empty()) return std::nullopt;
  const std::string record = std::move(kernel_log.front());
  kernel_log.pop_front();
  const std::size_t length = record.copy(buffer.data(), buffer.size());
  return std::string_view(buffer.data(), length);
}

Result<void> MemoryHostRoot::list_pids(std::vector<std::int32_t>& out) const {
  out = pids;
  return {};
}

int MemoryHostRoot::incarnation(std::int32_t pid) const {
  const auto found = incarnations_.find(pid);
  return found == incarnations_.end() ? 0 : found->second;
}

int MemoryHostRoot::open_handle(std::int32_t pid) const {
  if (open_.size() >= descriptors_left) return -EMFILE;
  open_.emplace(next_handle_, Handle{pid, incarnation(pid)});
  return next_handle_++;
}

Result<ProcessDir> MemoryHostRoot::open_process(std::int32_t pid) const {
  return ProcessDir(*this, pid, open_handle(pid));
}

Result<std::size_t> MemoryHostRoot::count_own_descriptors() const { return open_.size(); }

Result<std::string_view> MemoryHostRoot::read_in(std::int32_t pid, int directory, const char* name,
                                                 std::span<char> buffer) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid)) {
    return failure(ErrorKind::gone, path, "no such process");
  }
  return read(Tree::proc, path, buffer);
}

Result<std::size_t> MemoryHostRoot::count_descriptors_in(std::int32_t pid, int directory) const {
  const std::string path = std::to_string(pid) + "/fd";
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid))
    return failure(ErrorKind::gone, path, "no such process");
  const auto found = descriptors.find(pid);
  if (found == descriptors.end()) return failure(ErrorKind::unavailable, path, "no such file");
  return found->second;
}

Result<std::string_view> MemoryHostRoot::read_start_in(std::int32_t pid, int directory,
                                                       const char* name,
                                                       std::span<char> buffer) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid)) {
    return failure(ErrorKind::gone, path, "no such process");
  }
  const auto text = text_("proc/" + path);
  if (!text) return Failure(text.error());
  const std::size_t length = std::min(text->size(), buffer.size());
  std::copy_n(text->begin(), length, buffer.begin());
  return std::string_view(buffer.data(), length);
}

Result<std::string_view> MemoryHostRoot::read_link_in(std::int32_t pid, int directory,
                                                      const char* name,
                                                      std::span<char> buffer) const {
  return read_in(pid, directory, name, buffer);
}

Result<std::size_t> MemoryHostRoot::count_lines_in(std::int32_t pid, int directory,
                                                   const char* name,
                                                   std::span<char> /*buffer*/) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid))
    return failure(ErrorKind::gone, path, "no such process");
  const auto text = text_("proc/" + path);
  if (!text) return Failure(text.error());
  return static_cast<std::size_t>(std::ranges::count(*text, '\n'));
}

Result<FileFacts> MemoryHostRoot::look_at_file_in(std::int32_t pid, int directory,
                                                  const char* name) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid))
    return failure(ErrorKind::gone, path, "no such process");
  const auto text = text_("proc/" + path);
  if (!text) return Failure(text.error());
  FileFacts facts;
  facts.inode = std::hash<std::string>()(path);
  facts.size_bytes = text->size();
  return facts;
}

Result<HostFile> MemoryHostRoot::open_file_in(std::int32_t pid, int directory,
                                              const char* name) const {
  const auto facts = look_at_file_in(pid, directory, name);
  if (!facts) return Failure(facts.error());
  const int handle = open_handle(pid);
  if (handle < 0) return failure(ErrorKind::io, name, "no descriptor left");
  open_.at(handle).bytes = text_("proc/" + std::to_string(pid) + "/" + name).value_or("");
  return HostFile(*this, handle, *facts);
}

Result<HostFile> MemoryHostRoot::open_file(std::string_view path) const {
  Result<std::string> text = text_("root/" + std::string(path));
  if (!text) return Failure(std::move(text.error()));
  const int handle = open_handle(0);
  if (handle < 0) return failure(ErrorKind::io, std::string(path), "no descriptor left");
  const FileFacts facts{.size_bytes = text->size()};
  open_.at(handle).bytes = std::move(*text);
  return HostFile(*this, handle, facts);
}

Result<HostFile> MemoryHostRoot::open_in_root_of(std::int32_t pid, int directory,
                                                 const char* path) const {
  return open_file_in(pid, directory, (std::string("root") + path).c_str());
}

Result<FileFacts> MemoryHostRoot::look_in_root_of(std::int32_t pid, int directory,
                                                  const char* path) const {
  return look_at_file_in(pid, directory, (std::string("root") + path).c_str());
}

Result<std::size_t> MemoryHostRoot::read_file_at(int file, std::uint64_t offset,
                                                 std::span<char> buffer) const {
  const std::string& bytes = open_.at(file).bytes;
  if (offset >= bytes.size()) return 0;
  return bytes.copy(buffer.data(), buffer.size(), static_cast<std::size_t>(offset));
}

Result<void> MemoryHostRoot::read_pieces_in(std::int32_t pid, int directory, const char* name,
                                            std::span<char> buffer,
                                            const PieceVisitor& visit) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid))
    return failure(ErrorKind::gone, path, "no such process");
  auto text = text_("proc/" + path);
  if (!text) return Failure(text.error());
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.size(), buffer.size());
    rest.copy(buffer.data(), length);
    if (!visit(buffer.first(length))) return {};
    rest.remove_prefix(length);
  }
  return {};
}

Result<std::optional<bool>> MemoryHostRoot::maps_shared_in(std::int32_t pid, int /*directory*/,
                                                           std::string_view path) const {
  return shares ? shares(pid, path) : std::nullopt;
}

Result<HostRoot::OpenedBytes> MemoryHostRoot::open_shared_memory_in(std::int32_t pid, int directory,
                                                                    const char* name) const {
  const std::string path = std::to_string(pid) + "/" + name;
  if (directory >= 0 && open_.at(directory).incarnation != incarnation(pid))
    return failure(ErrorKind::gone, path, "no such process");
  auto text = text_("proc/" + path);
  if (!text) return Failure(text.error());
  const int handle = open_handle(pid);
  if (handle < 0) return failure(ErrorKind::io, path, "no descriptor left");
  open_.at(handle).bytes = std::move(*text);
  return OpenedBytes{handle, open_.at(handle).bytes.size()};
}

Result<HostRoot::OpenedBytes> MemoryHostRoot::open_memory_in(std::int32_t pid,
                                                             int directory) const {
  return open_shared_memory_in(pid, directory, "mem");
}

Result<void> MemoryHostRoot::read_bytes(std::int32_t pid, int file, std::uint64_t offset,
                                        std::span<std::byte> to) const {
  const std::string& bytes = open_.at(file).bytes;
  if (offset > bytes.size() || to.size() > bytes.size() - offset)
    return failure(ErrorKind::gone, std::to_string(pid), "no such memory any more");
  if (!to.empty()) std::memcpy(to.data(), bytes.data() + offset, to.size());
  return {};
}

Result<void> MemoryHostRoot::write_word_to(std::int32_t pid, int /*file*/, std::uint64_t /*offset*/,
                                           std::uint64_t /*word*/) const {
  return failure(ErrorKind::denied, std::to_string(pid), "this host is for reading");
}

int MemoryHostRoot::open_in(int directory, const char* /*name*/) const {
  return open_handle(open_.at(directory).pid);
}

Result<std::string_view> MemoryHostRoot::read_line(std::int32_t pid, int file, const char* name,
                                                   std::span<char> buffer) const {
  return read_in(pid, file, name, buffer);
}

void MemoryHostRoot::close(int handle) const noexcept { open_.erase(handle); }

MemoryHostRoot::Text files(std::map<std::string, std::string, std::less<>> contents) {
  return [contents = std::move(contents)](std::string_view path) -> Result<std::string> {
    const auto found = contents.find(path);
    if (found == contents.end())
      return failure(ErrorKind::unavailable, std::string(path), "no such file");
    return found->second;
  };
}

}  // namespace heapfloor::testing
