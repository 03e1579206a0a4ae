// A host whose files are answers of a function: for what no directory can show (errors, hostile
// bytes, processes that end while they are read, no descriptors left).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host_root.h"

namespace heapfloor::testing {

class MemoryHostRoot final : public HostRoot {
 public:
  // `path` reads as "proc/42/stat", "proc/pressure/memory", "sys/…", "root/…".
  using Text = std::function<Result<std::string>(std::string_view path)>;
  explicit MemoryHostRoot(Text text) : text_(std::move(text)) {}

  std::vector<std::int32_t> pids;
  std::map<std::int32_t, std::size_t> descriptors;  // what processes have open, where it is known
  // The directories in one, by its path ("sys/fs/cgroup"); a directory that is in none is not
  // there. Its inode is a number of its path and of how often it was replaced.
  std::function<std::vector<std::string>(std::string_view path)> directories;
  // Paths of directories that the kernel refuses to look at, and to list.
  std::set<std::string, std::less<>> refused_looks, refused_listings;
  // What open_kernel_log() says; its records are taken from the front, "" is a gap.
  std::optional<Error> kernel_log_refusal;
  mutable std::deque<std::string> kernel_log;
  // What the kernel says of a process's shared mappings without reading them out; nothing: cannot.
  std::function<std::optional<bool>(std::int32_t pid, std::string_view path)> shares;
  std::size_t descriptors_left = SIZE_MAX;  // opens of processes and kept files that still succeed

  // A directory of the same name, and another inode.
  void replace_directory(const std::string& path) { ++directory_incarnations_[path]; }
  // Another process takes over the pid: what is open of the old one fails with `gone` from now on.
  void replace_process(std::int32_t pid) { ++incarnations_[pid]; }
  [[nodiscard]] std::size_t open_handles() const { return open_.size(); }

  [[nodiscard]] Result<std::string_view> read(Tree tree, std::string_view path,
                                              std::span<char> buffer) const override;
  [[nodiscard]] Result<HostFile> open_file(std::string_view path) const override;
  [[nodiscard]] Result<DirectoryFacts> look_at_directory(Tree tree,
                                                         std::string_view path) const override;
  [[nodiscard]] Result<void> list_directories(Tree tree, std::string_view path, std::size_t most,
                                              std::vector<std::string>& names) const override;
  [[nodiscard]] Result<KernelLog> open_kernel_log() const override;
  [[nodiscard]] Result<void> list_pids(std::vector<std::int32_t>& out) const override;
  [[nodiscard]] Result<ProcessDir> open_process(std::int32_t pid) const override;
  [[nodiscard]] Result<std::size_t> count_own_descriptors() const override;

 private:
  struct Handle {
    std::int32_t pid;
    int incarnation;
    std::string bytes = {};  // of a mapping or a file, as they were when it was opened
  };
  [[nodiscard]] Result<std::string_view> read_in(std::int32_t pid, int directory, const char* name,
                                                 std::span<char> buffer) const override;
  [[nodiscard]] Result<std::size_t> count_descriptors_in(std::int32_t pid,
                                                         int directory) const override;
  [[nodiscard]] Result<std::string_view> read_start_in(std::int32_t pid, int directory,
                                                       const char* name,
                                                       std::span<char> buffer) const override;
  [[nodiscard]] Result<std::string_view> read_link_in(std::int32_t pid, int directory,
                                                      const char* name,
                                                      std::span<char> buffer) const override;
  [[nodiscard]] Result<std::size_t> count_lines_in(std::int32_t pid, int directory,
                                                   const char* name,
                                                   std::span<char> buffer) const override;
  [[nodiscard]] Result<FileFacts> look_at_file_in(std::int32_t pid, int directory,
                                                  const char* name) const override;
  [[nodiscard]] Result<HostFile> open_file_in(std::int32_t pid, int directory,
                                              const char* name) const override;
  [[nodiscard]] Result<HostFile> open_in_root_of(std::int32_t pid, int directory,
                                                 const char* path) const override;
  [[nodiscard]] Result<FileFacts> look_in_root_of(std::int32_t pid, int directory,
                                                  const char* path) const override;
  [[nodiscard]] Result<std::size_t> read_file_at(int file, std::uint64_t offset,
                                                 std::span<char> buffer) const override;
  [[nodiscard]] Result<void> read_pieces_in(std::int32_t pid, int directory, const char* name,
                                            std::span<char> buffer,
                                            const PieceVisitor& visit) const override;
  [[nodiscard]] Result<std::optional<bool>> maps_shared_in(std::int32_t pid, int directory,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<OpenedBytes> open_shared_memory_in(std::int32_t pid, int directory,
                                                          const char* name) const override;
  [[nodiscard]] Result<OpenedBytes> open_memory_in(std::int32_t pid, int directory) const override;
  [[nodiscard]] Result<void> read_bytes(std::int32_t pid, int file, std::uint64_t offset,
                                        std::span<std::byte> to) const override;
  [[nodiscard]] Result<void> write_word_to(std::int32_t pid, int file, std::uint64_t offset,
                                           std::uint64_t word) const override;
  [[nodiscard]] int open_in(int directory, const char* name) const override;
  [[nodiscard]] Result<std::string_view> read_line(std::int32_t pid, int file, const char* name,
                                                   std::span<char> buffer) const override;
  [[nodiscard]] Result<std::optional<std::string_view>> read_record(
      int file, std::span<char> buffer) const override;
  void close(int handle) const noexcept override;

  [[nodiscard]] int open_handle(std::int32_t pid) const;
  [[nodiscard]] int incarnation(std::int32_t pid) const;

  Text text_;
  std::map<std::int32_t, int> incarnations_;
  std::map<std::string, std::uint64_t, std::less<>> directory_incarnations_;
  mutable std::map<int, Handle> open_;
  mutable int next_handle_ = 0;
};

// A Text over a fixed set of files; every other path is `unavailable`.
MemoryHostRoot::Text files(std::map<std::string, std::string, std::less<>> contents);

}  // namespace heapfloor::testing
