// HostRoot: the one door to /proc, /sys and the root file system of the watched host.
//
// Nothing else in the product opens a kernel file or spells such a path; collectors name files
// relative to a tree
// ("pressure/memory" in Tree::proc). So a container can watch its host through other mount points,
// a test can show a fixture tree, and a fuzzer can answer every read with bytes of its own.
//
// Thread rule: all members are const and may be called from any thread. A ProcessDir belongs to one
// thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

class HostRoot;

// What tells one file from another, and from the one that was there before it.
struct FileFacts {
  std::uint64_t inode = 0;
  // 0 for file systems without a disk of their own (overlayfs, tmpfs, btrfs, NFS): theirs is
  // another one after each mount.
  std::uint64_t device = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_nanoseconds = 0;  // Unix time
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

// A regular file, read at any place. Never through a mapping: who truncates a mapped file ends its
// reader with SIGBUS. Thread rule: read_at() may be called by any thread.
class HostFile {
 public:
  HostFile() = default;
  // `file` is a handle of `root`, owned from here on.
  HostFile(const HostRoot& root, int file, FileFacts facts)
      : root_(&root), file_(file), facts_(facts) {}
  HostFile(const HostFile&) = delete;
  HostFile& operator=(const HostFile&) = delete;
  HostFile(HostFile&& other) noexcept { swap(other); }
  HostFile& operator=(HostFile&& other) noexcept {
    HostFile(std::move(other)).swap(*this);
    return *this;
  }
  ~HostFile();

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  // As of the opening: the file may have grown or shrunk since.
  [[nodiscard]] const FileFacts& facts() const { return facts_; }
  // Fills `buffer` with the bytes from `offset` on; how many there were, fewer only at the end.
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) const;
  // The descriptor, for a library that runs in a child process; negative where there is none.
  [[nodiscard]] int descriptor() const { return file_; }

 private:
  void swap(HostFile& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(file_, other.file_);
    std::swap(facts_, other.facts_);
  }

  const HostRoot* root_ = nullptr;
  int file_ = -1;
  FileFacts facts_;
};

// Where the memory of a process may be at most, with five levels of page tables.
inline constexpr std::uint64_t kAddressSpaceBytes = std::uint64_t{1} << 56;

// What an errno of open, read or getdents means for the one who handles it.
[[nodiscard]] ErrorKind error_kind_of(int error_number);

// Bytes that a process shares: the file behind one of its mappings, which stays readable when the
// process has ended, or its own memory in the place of that mapping, which does not. Unlike the
// rest of a process's handles it may be read by any thread.
class MappedBytes {
 public:
  MappedBytes() = default;
  // `file` is a handle of `root`, owned from here on; `base` is where the bytes begin in it.
  MappedBytes(const HostRoot& root, std::int32_t pid, int file, std::uint64_t base,
              std::uint64_t size, bool outlives_process)
      : root_(&root),
        base_(base),
        size_(size),
        pid_(pid),
        file_(file),
        outlives_process_(outlives_process) {}
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;
  MappedBytes(MappedBytes&& other) noexcept { swap(other); }
  MappedBytes& operator=(MappedBytes&& other) noexcept {
    MappedBytes(std::move(other)).swap(*this);
    return *this;
  }
  ~MappedBytes();

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool outlives_process() const { return outlives_process_; }
  // Fills `to` from `offset` on: all of it, or an error.
  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> to) const;
  // Stores one word there, all at once: the one thing that is ever written into another process,
  // and only where somebody asked for it. `unavailable` where the bytes are not those of a file.
  [[nodiscard]] Result<void> write_word(std::uint64_t offset, std::uint64_t word) const;

 private:
  void swap(MappedBytes& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(pid_, other.pid_);
    std::swap(file_, other.file_);
    std::swap(outlives_process_, other.outlives_process_);
  }

  const HostRoot* root_ = nullptr;
  std::uint64_t base_ = 0;
  std::uint64_t size_ = 0;
  std::int32_t pid_ = 0;
  int file_ = -1;
  bool outlives_process_ = false;
};

// A directory of a process's root. What a name in it leads to is never followed. Thread rule: one
// thread.
class HostFolder {
 public:
  HostFolder() = default;
  // `directory` is an open directory, owned from here on.
  explicit HostFolder(int directory) : directory_(directory) {}
  HostFolder(const HostFolder&) = delete;
  HostFolder& operator=(const HostFolder&) = delete;
  HostFolder(HostFolder&& other) noexcept : directory_(std::exchange(other.directory_, -1)) {}
  HostFolder& operator=(HostFolder&& other) noexcept {
    std::swap(directory_, other.directory_);
    return *this;
  }
  ~HostFolder();

  // Connects to the socket of this name; the descriptor is the caller's and does not block.
  // `unavailable` where there is none, or nobody listens.
  [[nodiscard]] Result<int> connect(const char* name) const;
  // Makes an empty file for its owner alone; a name that is taken is an error.
  [[nodiscard]] Result<void> make_file(const char* name) const;
  void remove_file(const char* name) const noexcept;

 private:
  int directory_ = -1;
};

// A process as one directory. While pinned, the descriptor *is* the identity of the process: the
// kernel ties it to the process and not to the number, so that reads fail with ErrorKind::gone once
// the process was reaped, whoever carries its pid by then (proc_pid_lookup and get_proc_task in
// fs/proc/base.c).
//
// When the agent has no descriptor left the directory is opened unpinned and reads go by path: they
// may reach the next owner of the pid, so the caller confirms the start time after its last read.
// A socket that a process has open.
struct HeldSocket {
  std::uint64_t inode = 0;
  std::uint32_t descriptor = 0;
  friend bool operator==(const HeldSocket&, const HeldSocket&) = default;
};

class ProcessDir {
 public:
  ProcessDir() = default;
  // `directory` is a handle of `root`, owned from here on; negative for unpinned.
  ProcessDir(const HostRoot& root, std::int32_t pid, int directory)
      : root_(&root), pid_(pid), directory_(directory) {}
  ProcessDir(const ProcessDir&) = delete;
  ProcessDir& operator=(const ProcessDir&) = delete;
  ProcessDir(ProcessDir&& other) noexcept { swap(other); }
  ProcessDir& operator=(ProcessDir&& other) noexcept {
    ProcessDir(std::move(other)).swap(*this);
    return *this;
  }
  ~ProcessDir();

  [[nodiscard]] bool pinned() const { return directory_ >= 0; }
  [[nodiscard]] bool keeps_file() const { return kept_ >= 0; }

  // Reads the whole file `name` into `buffer`; the view points into it.
  [[nodiscard]] Result<std::string_view> read(const char* name, std::span<char> buffer) const;
  // The same for a file of one record, which the kernel gives whole to one read of enough room
  // (single_open in fs/seq_file.c): stat, statm, status, limits, oom_score, cgroup. One system call
  // less.
  [[nodiscard]] Result<std::string_view> read_record(const char* name,
                                                     std::span<char> buffer) const;
  // The same as read() for a file of which the start is enough: what does not fit is not asked for.
  [[nodiscard]] Result<std::string_view> read_start(const char* name, std::span<char> buffer) const;
  // The target of the symbolic link `name`. The kernel lets only those see it who may trace the
  // process; one without (of a zombie, of a kernel thread) is `unavailable`.
  [[nodiscard]] Result<std::string_view> read_link(const char* name, std::span<char> buffer) const;

  // How many lines the file `name` has, read piece by piece through `buffer`.
  [[nodiscard]] Result<std::size_t> count_lines(const char* name, std::span<char> buffer) const;
  // What the file `name` is, or what its symbolic link leads to: by /proc/PID/exe the program that
  // the process runs, though its file was replaced or deleted. Reads nothing of it and asks no
  // server.
  [[nodiscard]] Result<FileFacts> look_at_file(const char* name) const;

  // Opens the regular file that `name` is or leads to: "exe", "map_files/START-END". Anything but a
  // regular file is `unavailable`, and opening one never waits.
  [[nodiscard]] Result<HostFile> open_file(const char* name) const;
  // The same for the file behind the mapping [begin, end), whatever its path leads to by now. Needs
  // CAP_CHECKPOINT_RESTORE.
  [[nodiscard]] Result<HostFile> open_mapping(std::uint64_t begin, std::uint64_t end) const;
  // The same for a path as the process sees it: each link on the way is followed inside its root
  // and leads nowhere else (openat2(2), RESOLVE_IN_ROOT).
  [[nodiscard]] Result<HostFile> open_in_root(const char* path) const;
  // What the regular file at a path is, as the process sees it, without opening it: a path that the
  // process itself named may lead to a device, and opening one is an act.
  [[nodiscard]] Result<FileFacts> look_in_root(const char* path) const;

  // The directory at a path as the process sees it, without a link on the way.
  [[nodiscard]] Result<HostFolder> open_folder_in_root(const char* path) const;

  // Calls visit() with each line of the file `name`, read piece by piece through `buffer`, until it
  // returns false. Of a line that does not fit into half of the buffer only the end is shown.
  using LineVisitor = std::function<bool(std::string_view line)>;
  [[nodiscard]] Result<void> read_lines(const char* name, std::span<char> buffer,
                                        const LineVisitor& visit) const;
  // Whether the process maps a file shared whose name in maps is `path`. Nothing where only maps
  // can tell: before Linux 6.11, in a fixture, of a process that shares more than kMostSharedAsked.
  // Costs one system call for each shared file and three beside, and no text is made
  // (PROCMAP_QUERY, Documentation/filesystems/proc.rst).
  [[nodiscard]] Result<std::optional<bool>> maps_shared(std::string_view path) const;
  static constexpr std::size_t kMostSharedAsked = 64;
  // The file behind the mapping [begin, end), where it is memory shared through the kernel (memfd,
  // shmem): any other file might be on a server that does not answer, or a device. Needs
  // CAP_CHECKPOINT_RESTORE (proc_map_files_get_link in fs/proc/base.c).
  [[nodiscard]] Result<MappedBytes> open_mapped_file(std::uint64_t begin, std::uint64_t end) const;
  // The memory there instead: what may trace the process may read it. The handle stays with this
  // program image: after exec or exit nothing more comes from it.
  [[nodiscard]] Result<MappedBytes> open_mapped_memory(std::uint64_t begin,
                                                       std::uint64_t end) const;

  enum class Keeping : std::uint8_t { kept, no_descriptor, failed };
  // How many descriptors the process has open. `unavailable` where only a listing could say so
  // (before Linux 6.2) and the process has more than kMostListedDescriptors, `denied` where the
  // listing is somebody else's.
  [[nodiscard]] Result<std::size_t> count_descriptors() const;
  static constexpr std::size_t kMostListedDescriptors = 4096;
  // The sockets among its first kMostListedDescriptors descriptors.
  [[nodiscard]] Result<std::vector<HeldSocket>> list_sockets() const;
  // Whether it still holds that socket there.
  [[nodiscard]] bool holds(const HeldSocket& socket) const;
  // Holds the file `name` open for read_kept_line().
  [[nodiscard]] Keeping keep_open(const char* name);
  // Reads the kept file, which holds exactly one line, from its start: one system call.
  [[nodiscard]] Result<std::string_view> read_kept_line(const char* name,
                                                        std::span<char> buffer) const;

 private:
  void swap(ProcessDir& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(pid_, other.pid_);
    std::swap(directory_, other.directory_);
    std::swap(kept_, other.kept_);
  }

  const HostRoot* root_ = nullptr;
  std::int32_t pid_ = 0;
  int directory_ = -1;
  int kept_ = -1;
};

// The kernel's log, read from the moment it was opened on. Source:
// Documentation/ABI/testing/dev-kmsg.
class KernelLog {
 public:
  KernelLog() = default;
  // `file` is a handle of `root`, owned from here on.
  KernelLog(const HostRoot& root, int file) : root_(&root), file_(file) {}
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;
  KernelLog(KernelLog&& other) noexcept { swap(other); }
  KernelLog& operator=(KernelLog&& other) noexcept {
    KernelLog(std::move(other)).swap(*this);
    return *this;
  }
  ~KernelLog();

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  // The next record, in `buffer`; nothing when there is none yet: never waits. An empty text where
  // records were overwritten before they were read.
  [[nodiscard]] Result<std::optional<std::string_view>> next(std::span<char> buffer) const;

 private:
  void swap(KernelLog& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(file_, other.file_);
  }

  const HostRoot* root_ = nullptr;
  int file_ = -1;
};

// What tells one directory from another, and whether it is worth listing.
struct DirectoryFacts {
  std::uint64_t inode = 0;
  bool may_have_directories = true;  // false only where the file system counts them (kernfs does)
};

class HostRoot {
 public:
  enum class Tree : std::uint8_t { proc, sys, root };

  HostRoot() = default;
  HostRoot(const HostRoot&) = delete;
  HostRoot& operator=(const HostRoot&) = delete;
  virtual ~HostRoot() = default;

  // Reads the whole file into `buffer`; the view points into it. A file that does not fit is
  // `malformed`: half a kernel file is not a smaller kernel file.
  [[nodiscard]] virtual Result<std::string_view> read(Tree tree, std::string_view path,
                                                      std::span<char> buffer) const = 0;

  // Opens the regular file at `path` of Tree::root, which others than the kernel may keep: each
  // link on the way is followed inside that tree and leads nowhere else, and opening it never
  // waits. Anything but a regular file is `unavailable`.
  [[nodiscard]] virtual Result<HostFile> open_file(std::string_view path) const = 0;

  // The directory at `path`; `unavailable` when there is none.
  [[nodiscard]] virtual Result<DirectoryFacts> look_at_directory(Tree tree,
                                                                 std::string_view path) const = 0;

  // Replaces `names` by the directories in the directory at `path`, at most `most` of them, in
  // order. Symbolic links are not followed.
  [[nodiscard]] virtual Result<void> list_directories(Tree tree, std::string_view path,
                                                      std::size_t most,
                                                      std::vector<std::string>& names) const = 0;

  // Opens dev/kmsg of the root tree behind its last record.
  [[nodiscard]] virtual Result<KernelLog> open_kernel_log() const = 0;

  // Replaces `pids` by the processes of this moment, ascending, each once.
  [[nodiscard]] virtual Result<void> list_pids(std::vector<std::int32_t>& pids) const = 0;

  // Opens a process; `gone` when it is not there. Running out of descriptors is not an error: see
  // ProcessDir.
  [[nodiscard]] virtual Result<ProcessDir> open_process(std::int32_t pid) const = 0;

  // The calling process's open descriptors, without any that the counting itself takes.
  [[nodiscard]] virtual Result<std::size_t> count_own_descriptors() const = 0;

 protected:
  using PieceVisitor = std::function<bool(std::span<char> piece)>;
  struct OpenedBytes {
    int handle = -1;
    std::uint64_t size = 0;
  };

 private:
  friend class ProcessDir;
  friend class HostFile;
  friend class KernelLog;
  friend class MappedBytes;
  // Handles are the implementation's own numbers, never negative; `directory` is negative when
  // unpinned.
  [[nodiscard]] virtual Result<std::string_view> read_in(std::int32_t pid, int directory,
                                                         const char* name,
                                                         std::span<char> buffer) const = 0;
  [[nodiscard]] virtual Result<std::string_view> read_record_in(std::int32_t pid, int directory,
                                                                const char* name,
                                                                std::span<char> buffer) const {
    return read_in(pid, directory, name, buffer);
  }
  [[nodiscard]] virtual Result<std::size_t> count_descriptors_in(std::int32_t pid,
                                                                 int directory) const = 0;
  [[nodiscard]] virtual Result<std::string_view> read_start_in(std::int32_t pid, int directory,
                                                               const char* name,
                                                               std::span<char> buffer) const = 0;
  [[nodiscard]] virtual Result<std::string_view> read_link_in(std::int32_t pid, int directory,
                                                              const char* name,
                                                              std::span<char> buffer) const = 0;
  [[nodiscard]] virtual Result<std::size_t> count_lines_in(std::int32_t pid, int directory,
                                                           const char* name,
                                                           std::span<char> buffer) const = 0;
  [[nodiscard]] virtual Result<FileFacts> look_at_file_in(std::int32_t pid, int directory,
                                                          const char* name) const = 0;
  [[nodiscard]] virtual Result<HostFile> open_file_in(std::int32_t pid, int directory,
                                                      const char* name) const = 0;
  [[nodiscard]] virtual Result<HostFile> open_in_root_of(std::int32_t pid, int directory,
                                                         const char* path) const = 0;
  [[nodiscard]] virtual Result<FileFacts> look_in_root_of(std::int32_t pid, int directory,
                                                          const char* path) const = 0;
  [[nodiscard]] virtual Result<HostFolder> open_folder_of(std::int32_t pid, int directory,
                                                          const char* path) const;
  [[nodiscard]] virtual Result<std::vector<HeldSocket>> list_sockets_of(std::int32_t pid,
                                                                        int directory) const;
  [[nodiscard]] virtual Result<std::size_t> read_file_at(int file, std::uint64_t offset,
                                                         std::span<char> buffer) const = 0;
  // Calls visit(piece) with what each read gives, until it returns false.
  [[nodiscard]] virtual Result<void> read_pieces_in(std::int32_t pid, int directory,
                                                    const char* name, std::span<char> buffer,
                                                    const PieceVisitor& visit) const = 0;
  [[nodiscard]] virtual Result<std::optional<bool>> maps_shared_in(std::int32_t pid, int directory,
                                                                   std::string_view path) const = 0;
  [[nodiscard]] virtual Result<OpenedBytes> open_shared_memory_in(std::int32_t pid, int directory,
                                                                  const char* name) const = 0;
  [[nodiscard]] virtual Result<OpenedBytes> open_memory_in(std::int32_t pid,
                                                           int directory) const = 0;
  [[nodiscard]] virtual Result<void> read_bytes(std::int32_t pid, int file, std::uint64_t offset,
                                                std::span<std::byte> to) const = 0;
  [[nodiscard]] virtual Result<void> write_word_to(std::int32_t pid, int file, std::uint64_t offset,
                                                   std::uint64_t word) const = 0;
  // A handle, or a negated errno.
  [[nodiscard]] virtual int open_in(int directory, const char* name) const = 0;
  [[nodiscard]] virtual Result<std::string_view> read_line(std::int32_t pid, int file,
                                                           const char* name,
                                                           std::span<char> buffer) const = 0;
  [[nodiscard]] virtual Result<std::optional<std::string_view>> read_record(
      int file, std::span<char> buffer) const = 0;
  virtual void close(int handle) const noexcept = 0;
};

// Where the trees are mounted. In a container the host's are often under /host.
struct HostPaths {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string rootfs = "/";
};

// The trees as directories: the kernel's, or a fixture's. Holds one spare descriptor, spent for the
// moment of a read when the process has run out of them, so that collection goes on where nothing
// else can open a file.
class DirectoryHostRoot final : public HostRoot {
 public:
  explicit DirectoryHostRoot(HostPaths paths = {});
  DirectoryHostRoot(const DirectoryHostRoot&) = delete;
  DirectoryHostRoot& operator=(const DirectoryHostRoot&) = delete;
  ~DirectoryHostRoot() override;

  [[nodiscard]] Result<std::string_view> read(Tree tree, std::string_view path,
                                              std::span<char> buffer) const override;
  [[nodiscard]] Result<HostFile> open_file(std::string_view path) const override;
  [[nodiscard]] Result<DirectoryFacts> look_at_directory(Tree tree,
                                                         std::string_view path) const override;
  [[nodiscard]] Result<void> list_directories(Tree tree, std::string_view path, std::size_t most,
                                              std::vector<std::string>& names) const override;
  [[nodiscard]] Result<KernelLog> open_kernel_log() const override;
  [[nodiscard]] Result<void> list_pids(std::vector<std::int32_t>& pids) const override;
  [[nodiscard]] Result<ProcessDir> open_process(std::int32_t pid) const override;
  [[nodiscard]] Result<std::size_t> count_own_descriptors() const override;

 private:
  [[nodiscard]] Result<std::string_view> read_in(std::int32_t pid, int directory, const char* name,
                                                 std::span<char> buffer) const override;
  [[nodiscard]] Result<std::string_view> read_record_in(std::int32_t pid, int directory,
                                                        const char* name,
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
  [[nodiscard]] Result<HostFolder> open_folder_of(std::int32_t pid, int directory,
                                                  const char* path) const override;
  [[nodiscard]] Result<std::vector<HeldSocket>> list_sockets_of(std::int32_t pid,
                                                                int directory) const override;
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

  // A HostFile of what was opened (negative: a refusal), if it is a regular file.
  [[nodiscard]] Result<HostFile> regular_file(std::int32_t pid, int directory, const char* name,
                                              int opened) const;
  [[nodiscard]] Result<HostFile> regular_file(int opened, std::string path) const;
  // What `path` leads to inside the root of a process; negative with errno set: a refusal.
  [[nodiscard]] int open_below_root(std::int32_t pid, int directory, const char* path,
                                    std::uint64_t flags, std::uint64_t resolve = 0) const;
  // Descriptors that the fd directory at `path` below the descriptor `directory` tells of.
  [[nodiscard]] Result<std::size_t> count_in(int directory, const char* path, std::size_t most,
                                             std::string name) const;
  [[nodiscard]] std::string full_path(Tree tree, std::string_view path) const;
  [[nodiscard]] std::string process_path(std::int32_t pid, const char* name) const;
  // openat that spends the spare descriptor when there is no other; -1 and errno on failure.
  [[nodiscard]] int open_for_read(int directory, const char* path, int flags) const;
  void restore_spare() const noexcept;
  [[nodiscard]] bool directory_is_dead(int directory) const;
  // What take(descriptor, buffer) has read of the file, of how many bytes it is.
  using Taker = std::optional<std::size_t> (*)(int file, std::span<char> buffer);
  [[nodiscard]] Result<std::string_view> take_in(std::int32_t pid, int directory, const char* name,
                                                 std::span<char> buffer, Taker take) const;
  // A path for openat and its kin: `name` below the directory, or the whole path when unpinned.
  [[nodiscard]] std::string path_for(std::int32_t pid, int directory, const char* name) const;
  // What a refusal to read in a process's directory means.
  template <class Step>
  [[nodiscard]] Result<void> read_parts_in(std::int32_t pid, int directory, const char* name,
                                           Step step) const;
  [[nodiscard]] Failure failure_in(std::int32_t pid, int directory, const char* name,
                                   int error_number) const;

  static constexpr std::size_t kMostListed = ProcessDir::kMostListedDescriptors;

  HostPaths paths_;
  mutable std::atomic<int> spare_ = -1;
  bool is_procfs_ = false;  // and not a fixture
  mutable std::atomic<bool> can_ask_mappings_ = false;
  bool fd_size_is_count_ = false;                      // st_size of PID/fd
  std::optional<std::uint64_t> shared_memory_device_;  // where the kernel keeps memfds
};

}  // namespace heapfloor
