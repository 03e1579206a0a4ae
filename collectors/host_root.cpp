#include "collectors/host_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <optional>
#include <system_error>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Failure failure_of(int error_number, std::string path) {
  return failure(error_kind_of(error_number), std::move(path),
                 std::generic_category().message(error_number));
}

// What `path` leads to with the directory `top` for its root; negative with errno set: a refusal.
int open_inside(int top, const char* path, std::uint64_t flags, std::uint64_t resolve) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  return static_cast<int>(::syscall(SYS_openat2, top, path, &how, sizeof how));
}

bool out_of_descriptors(int error_number) {
  return error_number == EMFILE || error_number == ENFILE;
}

// read(2), repeated when a signal came first.
ssize_t read_some(int file, char* to, std::size_t room) {
  ssize_t got = 0;
  do {
    got = ::read(file, to, room);
  } while (got < 0 && errno == EINTR);
  return got;
}

// Bytes read until the end, or nothing with errno set; EFBIG when they do not fit. Only zero bytes
// are the end: a seq_file answers with what its own buffer held
// (Documentation/filesystems/seq_file.rst), and st_size says 0.
std::optional<std::size_t> read_all(int file, std::span<char> buffer) {
  std::size_t length = 0;
  while (length < buffer.size()) {
    const ssize_t got = read_some(file, buffer.data() + length, buffer.size() - length);
    if (got < 0) return std::nullopt;
    if (got == 0) return length;
    length += static_cast<std::size_t>(got);
  }
  char more = 0;
  const ssize_t got = read_some(file, &more, 1);
  if (got < 0) return std::nullopt;
  if (got == 0) return length;
  errno = EFBIG;
  return std::nullopt;
}

// The same of a file of one record: what one read did not fill is all of it.
std::optional<std::size_t> read_one_record(int file, std::span<char> buffer) {
  const ssize_t got = read_some(file, buffer.data(), buffer.size());
  if (got < 0) return std::nullopt;
  const auto length = static_cast<std::size_t>(got);
  if (length < buffer.size()) return length;
  const auto rest = read_all(file, buffer.subspan(length));
  if (!rest) return std::nullopt;
  return length + *rest;
}

Failure read_failure(std::string path, std::size_t room) {
  if (errno != EFBIG) return failure_of(errno, std::move(path));
  return failure(ErrorKind::malformed, std::move(path),
                 "too large: more than " + std::to_string(room) + " bytes");
}

// Calls `visit` with the name and the type of each entry, until it returns false. False with errno
// set when the directory cannot be read.
template <class Visit>
bool for_each_entry(int directory, Visit visit) {
  alignas(dirent64) std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t length = ::getdents64(directory, buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return length == 0;
    for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
      // The kernel lays the records out itself; d_reclen keeps each aligned.
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      if (!visit(static_cast<const char*>(entry->d_name), entry->d_type)) return true;
      at += entry->d_reclen;
    }
  }
}

// "socket:[12345]", as the links of /proc/PID/fd are (net/socket.c).
std::optional<std::uint64_t> inode_of_socket(std::string_view link) {
  constexpr std::string_view kBegin = "socket:[";
  if (!link.starts_with(kBegin) || !link.ends_with(']')) return std::nullopt;
  return parse_unsigned(link.substr(kBegin.size(), link.size() - kBegin.size() - 1));
}

FileFacts facts_of(const struct statx& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  constexpr int kDeviceBits = 32;
  FileFacts facts;
  facts.inode = status.stx_ino;
  if (status.stx_dev_major != 0)
    facts.device = std::uint64_t{status.stx_dev_major} << kDeviceBits | status.stx_dev_minor;
  facts.size_bytes = status.stx_size;
  facts.modified_nanoseconds = status.stx_mtime.tv_sec * kNanoseconds + status.stx_mtime.tv_nsec;
  return facts;
}

// Every memfd lies on the kernel's own mount of tmpfs; whatever has another device is none.
std::optional<std::uint64_t> device_of_shared_memory() {
  const Descriptor file(::memfd_create("heapfloor", MFD_CLOEXEC));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return std::nullopt;
  return status.st_dev;
}

}  // namespace

namespace {

// What PROCMAP_QUERY of include/uapi/linux/fs.h takes and gives: older headers have none of it.
struct MappingQuery {
  std::uint64_t size = sizeof(MappingQuery);
  std::uint64_t flags = 0;
  std::uint64_t address = 0;
  std::uint64_t begin = 0;  // the answer, from here on
  std::uint64_t end = 0;
  std::uint64_t modes = 0;
  std::uint64_t page_size = 0;
  std::uint64_t offset = 0;
  std::uint64_t inode = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t name_size = 0;  // of the buffer, then of the name with its zero
  std::uint32_t build_id_size = 0;
  std::uint64_t name_address = 0;
  std::uint64_t build_id_address = 0;
};
constexpr std::uint64_t kSharedFilesFromHereOn = 0x08 | 0x10 | 0x20;
constexpr unsigned kProcfsIoctls = 'f';
constexpr unsigned kMappingQueryNumber = 17;

// The name of the first shared file that is mapped at `address` or behind it, empty where there is
// none; `address` moves behind it. Nothing with errno set on failure.
std::optional<std::string_view> next_shared_file(int maps, std::uint64_t& address,
                                                 std::span<char> buffer) {
  MappingQuery query;
  query.flags = kSharedFilesFromHereOn;
  query.address = address;
  query.name_size = static_cast<std::uint32_t>(buffer.size());
  query.name_address = reinterpret_cast<std::uintptr_t>(buffer.data());
  if (::ioctl(maps, _IOWR(kProcfsIoctls, kMappingQueryNumber, MappingQuery), &query) == 0) {
    address = query.end;
    return std::string_view(buffer.data(), query.name_size > 0 ? query.name_size - 1 : 0);
  }
  if (errno == ENOENT) return std::string_view();
  return std::nullopt;
}

}  // namespace

ErrorKind error_kind_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case EOPNOTSUPP:  // PSI compiled in but switched off
    case ENOSYS:
    case ENODEV:
      return ErrorKind::unavailable;
    case ESRCH:
      return ErrorKind::gone;
    case EACCES:
    case EPERM:
      return ErrorKind::denied;
    case ETIMEDOUT:
      return ErrorKind::timeout;
    case EFBIG:
      return ErrorKind::malformed;
    default:
      return ErrorKind::io;
  }
}

ProcessDir::~ProcessDir() {
  if (kept_ >= 0) root_->close(kept_);
  if (directory_ >= 0) root_->close(directory_);
}

HostFile::~HostFile() {
  if (file_ >= 0) root_->close(file_);
}

Result<std::size_t> HostFile::read_at(std::uint64_t offset, std::span<char> buffer) const {
  if (!is_open()) return failure(ErrorKind::unavailable, {}, "no file is open");
  return root_->read_file_at(file_, offset, buffer);
}

MappedBytes::~MappedBytes() {
  if (file_ >= 0) root_->close(file_);
}

Result<void> MappedBytes::read(std::uint64_t offset, std::span<std::byte> to) const {
  if (offset > size_ || to.size() > size_ - offset)
    return failure(ErrorKind::malformed, std::to_string(pid_), "beyond the mapping");
  return root_->read_bytes(pid_, file_, base_ + offset, to);
}

Result<void> MappedBytes::write_word(std::uint64_t offset, std::uint64_t word) const {
  if (!outlives_process_)
    return failure(ErrorKind::unavailable, std::to_string(pid_), "open for reading only");
  if (offset > size_ || size_ - offset < sizeof word)
    return failure(ErrorKind::malformed, std::to_string(pid_), "beyond the mapping");
  return root_->write_word_to(pid_, file_, base_ + offset, word);
}

HostFolder::~HostFolder() {
  if (directory_ >= 0) ::close(directory_);
}

// By the descriptor of the very file that was looked at: connect(2) would follow a link.
Result<int> HostFolder::connect(const char* name) const {
  const Descriptor file(::openat(directory_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return failure_of(errno, name);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return failure_of(errno, name);
  if (!S_ISSOCK(status.st_mode)) return failure(ErrorKind::malformed, name, "not a socket");
  Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connection.get() < 0) return failure_of(errno, name);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  path.copy(std::begin(address.sun_path), sizeof address.sun_path - 1);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return connection.release();
  if (errno == ECONNREFUSED || errno == EAGAIN)
    return failure(ErrorKind::unavailable, name, "nobody listens");
  return failure_of(errno, name);
}

Result<void> HostFolder::make_file(const char* name) const {
  constexpr mode_t kOwnerOnly = 0600;
  const Descriptor file(
      ::openat(directory_, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
  if (file.get() < 0) return failure_of(errno, name);
  return {};
}

void HostFolder::remove_file(const char* name) const noexcept { ::unlinkat(directory_, name, 0); }

KernelLog::~KernelLog() {
  if (file_ >= 0) root_->close(file_);
}

Result<std::optional<std::string_view>> KernelLog::next(std::span<char> buffer) const {
  return root_->read_record(file_, buffer);
}

Result<HostFolder> ProcessDir::open_folder_in_root(const char* path) const {
  return root_->open_folder_of(pid_, directory_, path);
}

Result<std::string_view> ProcessDir::read(const char* name, std::span<char> buffer) const {
  return root_->read_in(pid_, directory_, name, buffer);
}

Result<std::string_view> ProcessDir::read_record(const char* name, std::span<char> buffer) const {
  return root_->read_record_in(pid_, directory_, name, buffer);
}

Result<std::size_t> ProcessDir::count_descriptors() const {
  return root_->count_descriptors_in(pid_, directory_);
}

Result<std::vector<HeldSocket>> ProcessDir::list_sockets() const {
  return root_->list_sockets_of(pid_, directory_);
}

bool ProcessDir::holds(const HeldSocket& socket) const {
  std::array<char, 64> buffer = {};
  const auto link = read_link(("fd/" + std::to_string(socket.descriptor)).c_str(), buffer);
  return link && inode_of_socket(*link) == socket.inode;
}

Result<std::string_view> ProcessDir::read_start(const char* name, std::span<char> buffer) const {
  return root_->read_start_in(pid_, directory_, name, buffer);
}

Result<std::string_view> ProcessDir::read_link(const char* name, std::span<char> buffer) const {
  return root_->read_link_in(pid_, directory_, name, buffer);
}

Result<std::size_t> ProcessDir::count_lines(const char* name, std::span<char> buffer) const {
  return root_->count_lines_in(pid_, directory_, name, buffer);
}

Result<FileFacts> ProcessDir::look_at_file(const char* name) const {
  return root_->look_at_file_in(pid_, directory_, name);
}

Result<HostFile> ProcessDir::open_file(const char* name) const {
  return root_->open_file_in(pid_, directory_, name);
}

Result<HostFile> ProcessDir::open_in_root(const char* path) const {
  return root_->open_in_root_of(pid_, directory_, path);
}

Result<FileFacts> ProcessDir::look_in_root(const char* path) const {
  return root_->look_in_root_of(pid_, directory_, path);
}

// What does not end in a line end stays in front of the next piece.
Result<void> ProcessDir::read_lines(const char* name, std::span<char> buffer,
                                    const LineVisitor& visit) const {
  const std::size_t half = buffer.size() / 2;
  std::size_t kept = 0;
  const auto take = [&](std::span<char> piece) {
    // The piece was read behind what was kept.
    std::string_view rest = {buffer.data() + half - kept, kept + piece.size()};
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
      if (!visit(rest.substr(0, end))) {
        kept = 0;
        return false;
      }
      rest.remove_prefix(end + 1);
    }
    kept = std::min(rest.size(), half);
    rest.remove_prefix(rest.size() - kept);
    std::memmove(buffer.data() + half - kept, rest.data(), kept);
    return true;
  };
  auto done = root_->read_pieces_in(pid_, directory_, name, buffer.subspan(half), take);
  if (done && kept > 0) visit({buffer.data() + half - kept, kept});
  return done;
}

namespace {

// "7f0012345000-7f0012346000", as the kernel names entries of map_files.
std::string map_files_name(std::uint64_t begin, std::uint64_t end) {
  constexpr int kHexadecimal = 16;
  std::array<char, 64> text = {};
  std::string name = "map_files/";
  name.append(text.data(),
              std::to_chars(text.data(), text.data() + text.size(), begin, kHexadecimal).ptr);
  name.append(1, '-');
  name.append(text.data(),
              std::to_chars(text.data(), text.data() + text.size(), end, kHexadecimal).ptr);
  return name;
}

}  // namespace

Result<HostFile> ProcessDir::open_mapping(std::uint64_t begin, std::uint64_t end) const {
  return root_->open_file_in(pid_, directory_, map_files_name(begin, end).c_str());
}

Result<MappedBytes> ProcessDir::open_mapped_file(std::uint64_t begin, std::uint64_t end) const {
  const std::string name = map_files_name(begin, end);
  auto opened = root_->open_shared_memory_in(pid_, directory_, name.c_str());
  if (!opened) return Failure(std::move(opened.error()));
  return MappedBytes(*root_, pid_, opened->handle, 0, opened->size, true);
}

Result<MappedBytes> ProcessDir::open_mapped_memory(std::uint64_t begin, std::uint64_t end) const {
  auto opened = root_->open_memory_in(pid_, directory_);
  if (!opened) return Failure(std::move(opened.error()));
  return MappedBytes(*root_, pid_, opened->handle, begin, end - begin, false);
}

Result<std::optional<bool>> ProcessDir::maps_shared(std::string_view path) const {
  return root_->maps_shared_in(pid_, directory_, path);
}

ProcessDir::Keeping ProcessDir::keep_open(const char* name) {
  if (!pinned()) return Keeping::no_descriptor;
  if (kept_ >= 0) return Keeping::kept;
  const int opened = root_->open_in(directory_, name);
  if (opened < 0) return out_of_descriptors(-opened) ? Keeping::no_descriptor : Keeping::failed;
  kept_ = opened;
  return Keeping::kept;
}

Result<std::string_view> ProcessDir::read_kept_line(const char* name,
                                                    std::span<char> buffer) const {
  return root_->read_line(pid_, kept_, name, buffer);
}

// An eventfd needs no file system, so the spare is there in the barest container too.
DirectoryHostRoot::DirectoryHostRoot(HostPaths paths) : paths_(std::move(paths)) {
  restore_spare();
  struct statfs system = {};
  struct stat own = {};
  is_procfs_ = ::statfs(paths_.procfs.c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
  fd_size_is_count_ =
      is_procfs_ && ::stat(full_path(Tree::proc, "self/fd").c_str(), &own) == 0 && own.st_size > 0;
  can_ask_mappings_ = is_procfs_;
  shared_memory_device_ = device_of_shared_memory();
}

DirectoryHostRoot::~DirectoryHostRoot() {
  const int spare = spare_.exchange(-1);
  if (spare >= 0) ::close(spare);
}

void DirectoryHostRoot::restore_spare() const noexcept {
  if (spare_.load(std::memory_order_relaxed) >= 0) return;
  const int fresh = ::eventfd(0, EFD_CLOEXEC);
  int none = -1;
  if (fresh >= 0 && !spare_.compare_exchange_strong(none, fresh)) ::close(fresh);
}

int DirectoryHostRoot::open_for_read(int directory, const char* path, int flags) const {
  int opened = ::openat(directory, path, flags | O_RDONLY | O_CLOEXEC);
  if (opened >= 0 || !out_of_descriptors(errno)) return opened;
  const int refused = errno;
  const int spare = spare_.exchange(-1);
  if (spare < 0) {
    errno = refused;
    return -1;
  }
  ::close(spare);
  opened = ::openat(directory, path, flags | O_RDONLY | O_CLOEXEC);
  return opened;
}

std::string DirectoryHostRoot::full_path(Tree tree, std::string_view path) const {
  const std::string& mount = tree == Tree::proc  ? paths_.procfs
                             : tree == Tree::sys ? paths_.sysfs
                                                 : paths_.rootfs;
  std::string full;
  full.reserve(mount.size() + 1 + path.size());
  full.append(mount).append(1, '/').append(path);
  return full;
}

std::string DirectoryHostRoot::process_path(std::int32_t pid, const char* name) const {
  std::string path = full_path(Tree::proc, std::to_string(pid));
  if (*name != '\0') path.append(1, '/').append(name);
  return path;
}

Result<std::string_view> DirectoryHostRoot::read(Tree tree, std::string_view path,
                                                 std::span<char> buffer) const {
  std::string full = full_path(tree, path);
  std::optional<std::size_t> length;
  int error_number = 0;
  {
    const Descriptor file(open_for_read(AT_FDCWD, full.c_str(), 0));
    if (file.get() >= 0) length = read_all(file.get(), buffer);
    error_number = errno;
  }
  restore_spare();
  if (length) return std::string_view(buffer.data(), *length);
  errno = error_number;
  return read_failure(std::move(full), buffer.size());
}

Result<HostFile> DirectoryHostRoot::open_file(std::string_view path) const {
  const Descriptor top(::open(paths_.rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int opened = top.get() < 0 ? -1
                                   : open_inside(top.get(), std::string(path).c_str(),
                                                 O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  std::string full = full_path(Tree::root, path);
  if (opened < 0) return failure_of(errno, std::move(full));
  return regular_file(opened, std::move(full));
}

Result<DirectoryFacts> DirectoryHostRoot::look_at_directory(Tree tree,
                                                            std::string_view path) const {
  std::string full = full_path(tree, path);
  struct stat status = {};
  if (::stat(full.c_str(), &status) != 0) return failure_of(errno, std::move(full));
  if (!S_ISDIR(status.st_mode)) return failure_of(ENOTDIR, std::move(full));
  // A directory is linked from its parent, from itself and from each directory in it, where the
  // file system keeps that count (fs/kernfs/inode.c does, btrfs and overlayfs say 1).
  constexpr nlink_t kLinksOfALeaf = 2;
  return DirectoryFacts{status.st_ino, status.st_nlink != kLinksOfALeaf};
}

Result<void> DirectoryHostRoot::list_directories(Tree tree, std::string_view path, std::size_t most,
                                                 std::vector<std::string>& names) const {
  names.clear();
  std::string full = full_path(tree, path);
  bool complete = false;
  int error_number = 0;
  {
    const Descriptor directory(open_for_read(AT_FDCWD, full.c_str(), O_DIRECTORY));
    if (directory.get() >= 0) {
      complete = for_each_entry(directory.get(), [&](const char* name, unsigned char type) {
        const std::string_view entry(name);
        if (type == DT_DIR && entry != "." && entry != "..") names.emplace_back(entry);
        return names.size() < most;
      });
    }
    error_number = errno;
  }
  restore_spare();
  if (!complete) return failure_of(error_number, std::move(full));
  std::sort(names.begin(), names.end());
  return {};
}

Result<KernelLog> DirectoryHostRoot::open_kernel_log() const {
  std::string full = full_path(Tree::root, "dev/kmsg");
  // Not with the spare descriptor: this one is kept.
  const int file = ::open(full.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return failure_of(errno, std::move(full));
  KernelLog log(*this, file);
  if (::lseek(file, 0, SEEK_END) < 0) return failure_of(errno, std::move(full));
  return log;
}

Result<std::optional<std::string_view>> DirectoryHostRoot::read_record(
    int file, std::span<char> buffer) const {
  const ssize_t got = read_some(file, buffer.data(), buffer.size());
  if (got > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0 || errno == EAGAIN) return std::nullopt;
  if (errno == EPIPE) return std::string_view();
  return failure_of(errno, full_path(Tree::root, "dev/kmsg"));
}

Result<void> DirectoryHostRoot::list_pids(std::vector<std::int32_t>& pids) const {
  pids.clear();
  bool complete = false;
  int error_number = 0;
  {
    const Descriptor directory(open_for_read(AT_FDCWD, paths_.procfs.c_str(), O_DIRECTORY));
    if (directory.get() >= 0) {
      complete = for_each_entry(directory.get(), [&pids](const char* name, unsigned char /*type*/) {
        if (*name < '1' || *name > '9') return true;
        const char* end = name + std::strlen(name);
        std::int32_t pid = 0;
        const auto [stop, refused] = std::from_chars(name, end, pid);
        if (refused == std::errc() && stop == end) pids.push_back(pid);
        return true;
      });
    }
    error_number = errno;
  }
  restore_spare();
  if (!complete) return failure_of(error_number, paths_.procfs);
  // procfs lists ascending; other file systems (fixtures) list as they like. A process that starts
  // while the listing runs is never listed twice, but a sort would not notice if it were.
  if (!std::is_sorted(pids.begin(), pids.end())) std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return {};
}

Result<ProcessDir> DirectoryHostRoot::open_process(std::int32_t pid) const {
  std::string path = process_path(pid, "");
  // O_PATH: no permission on the directory itself is asked for, and nothing is allocated for
  // reading it.
  const int directory = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0 || out_of_descriptors(errno)) return ProcessDir(*this, pid, directory);
  if (errno != ENOENT) return failure_of(errno, std::move(path));
  return failure(ErrorKind::gone, std::move(path), "no such process");
}

// A file missing from a live process is a kernel without it; a dead process has no files at all.
bool DirectoryHostRoot::directory_is_dead(int directory) const {
  return ::faccessat(directory, "stat", F_OK, 0) != 0 && (errno == ENOENT || errno == ESRCH);
}

Result<std::string_view> DirectoryHostRoot::read_in(std::int32_t pid, int directory,
                                                    const char* name,
                                                    std::span<char> buffer) const {
  return take_in(pid, directory, name, buffer, read_all);
}

Result<std::string_view> DirectoryHostRoot::read_record_in(std::int32_t pid, int directory,
                                                           const char* name,
                                                           std::span<char> buffer) const {
  return take_in(pid, directory, name, buffer, read_one_record);
}

Result<std::string_view> DirectoryHostRoot::take_in(std::int32_t pid, int directory,
                                                    const char* name, std::span<char> buffer,
                                                    Taker take) const {
  if (directory < 0) {
    std::array<char, 64> relative = {};
    char* end = std::to_chars(relative.data(), relative.data() + 16, pid).ptr;
    *end++ = '/';
    const auto room = static_cast<std::size_t>(relative.data() + relative.size() - end);
    std::string_view(name).copy(end, room - 1);  // zeros follow
    auto text = read(Tree::proc, relative.data(), buffer);
    if (!text && text.error().kind == ErrorKind::unavailable) text.error().kind = ErrorKind::gone;
    return text;
  }
  std::optional<std::size_t> length;
  int error_number = 0;
  {
    const Descriptor file(open_for_read(directory, name, 0));
    if (file.get() >= 0) length = take(file.get(), buffer);
    error_number = errno;
  }
  restore_spare();
  if (length) return std::string_view(buffer.data(), *length);
  if (error_number == ENOENT && directory_is_dead(directory)) error_number = ESRCH;
  errno = error_number;
  return read_failure(process_path(pid, name), buffer.size());
}

std::string DirectoryHostRoot::path_for(std::int32_t pid, int directory, const char* name) const {
  return directory < 0 ? process_path(pid, name) : std::string(name);
}

Failure DirectoryHostRoot::failure_in(std::int32_t pid, int directory, const char* name,
                                      int error_number) const {
  if (error_number == ENOENT && directory >= 0 && directory_is_dead(directory))
    error_number = ESRCH;
  return failure_of(error_number, process_path(pid, name));
}

// Calls step(descriptor) until it has no more: it gives what read(2) gave.
template <class Step>
Result<void> DirectoryHostRoot::read_parts_in(std::int32_t pid, int directory, const char* name,
                                              Step step) const {
  const std::string path = path_for(pid, directory, name);
  ssize_t got = -1;
  int error_number = 0;
  {
    const Descriptor file(open_for_read(directory < 0 ? AT_FDCWD : directory, path.c_str(), 0));
    if (file.get() >= 0) {
      do got = step(file.get());
      while (got > 0);
    }
    error_number = errno;
  }
  restore_spare();
  if (got < 0) return failure_in(pid, directory, name, error_number);
  return {};
}

Result<void> DirectoryHostRoot::read_pieces_in(std::int32_t pid, int directory, const char* name,
                                               std::span<char> buffer,
                                               const PieceVisitor& visit) const {
  return read_parts_in(pid, directory, name, [&](int file) -> ssize_t {
    const ssize_t got = read_some(file, buffer.data(), buffer.size());
    if (got <= 0) return got;
    return visit(buffer.first(static_cast<std::size_t>(got))) ? got : 0;
  });
}

Result<std::optional<bool>> DirectoryHostRoot::maps_shared_in(std::int32_t pid, int directory,
                                                              std::string_view path) const {
  if (!can_ask_mappings_.load(std::memory_order_relaxed)) return std::nullopt;
  std::array<char, PATH_MAX> buffer = {};
  std::optional<bool> is_mapped;
  std::uint64_t address = 0;
  std::size_t asked = 0;
  auto done = read_parts_in(pid, directory, "maps", [&](int file) -> ssize_t {
    const auto name = next_shared_file(file, address, buffer);
    if (!name && errno == ENOTTY) can_ask_mappings_.store(false, std::memory_order_relaxed);
    if (!name) return errno == ENOTTY || errno == ENAMETOOLONG ? 0 : -1;
    if (name->empty() || *name == path) is_mapped = *name == path;
    return !is_mapped && ++asked < ProcessDir::kMostSharedAsked ? 1 : 0;
  });
  if (!done) return Failure(std::move(done.error()));
  return is_mapped;
}

// The target of the link is looked at before it is opened, without asking its file system.
Result<HostRoot::OpenedBytes> DirectoryHostRoot::open_shared_memory_in(std::int32_t pid,
                                                                       int directory,
                                                                       const char* name) const {
  const std::string path = path_for(pid, directory, name);
  const int at = directory < 0 ? AT_FDCWD : directory;
  struct statx facts = {};
  if (::statx(at, path.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &facts) != 0)
    return failure_in(pid, directory, name, errno);
  const bool is_shared_memory =
      S_ISREG(facts.stx_mode) &&
      (!is_procfs_ ||
       shared_memory_device_ == gnu_dev_makedev(facts.stx_dev_major, facts.stx_dev_minor));
  if (!is_shared_memory)
    return failure(ErrorKind::malformed, process_path(pid, name), "not shared memory");
  // Not with the spare descriptor: this one is kept.
  const int file = ::openat(at, path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return failure_in(pid, directory, name, errno);
  struct stat status = {};
  if (::fstat(file, &status) == 0)
    return OpenedBytes{file, static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0))};
  const int error_number = errno;
  ::close(file);
  return failure_in(pid, directory, name, error_number);
}

Result<HostRoot::OpenedBytes> DirectoryHostRoot::open_memory_in(std::int32_t pid,
                                                                int directory) const {
  const std::string path = path_for(pid, directory, "mem");
  const int file =
      ::openat(directory < 0 ? AT_FDCWD : directory, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failure_in(pid, directory, "mem", errno);
  return OpenedBytes{file, 0};
}

// The handle is for reading; the same file is opened once more, by this process's own descriptor.
Result<void> DirectoryHostRoot::write_word_to(std::int32_t pid, int file, std::uint64_t offset,
                                              std::uint64_t word) const {
  const std::string own = "/proc/self/fd/" + std::to_string(file);
  const int writable = ::open(own.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (writable < 0) return failure_of(errno, process_path(pid, "map_files"));
  const ssize_t put = ::pwrite(writable, &word, sizeof word, static_cast<off_t>(offset));
  const int error_number = errno;
  ::close(writable);
  if (put == static_cast<ssize_t>(sizeof word)) return {};
  return failure_of(put < 0 ? error_number : EIO, process_path(pid, "map_files"));
}

// Nothing where there should be something: the memory's process has ended, or its file was cut.
Result<void> DirectoryHostRoot::read_bytes(std::int32_t pid, int file, std::uint64_t offset,
                                           std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t got = ::pread(file, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of(errno, process_path(pid, "map_files"));
    if (got == 0)
      return failure(ErrorKind::gone, process_path(pid, "map_files"), "no such memory any more");
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<std::string_view> DirectoryHostRoot::read_start_in(std::int32_t pid, int directory,
                                                          const char* name,
                                                          std::span<char> buffer) const {
  std::size_t length = 0;
  auto done = read_parts_in(pid, directory, name, [&](int file) -> ssize_t {
    if (length == buffer.size()) return 0;
    const ssize_t got = read_some(file, buffer.data() + length, buffer.size() - length);
    if (got > 0) length += static_cast<std::size_t>(got);
    return got;
  });
  if (!done) return Failure(std::move(done.error()));
  return std::string_view(buffer.data(), length);
}

Result<std::string_view> DirectoryHostRoot::read_link_in(std::int32_t pid, int directory,
                                                         const char* name,
                                                         std::span<char> buffer) const {
  const std::string path = path_for(pid, directory, name);
  const ssize_t length = ::readlinkat(directory < 0 ? AT_FDCWD : directory, path.c_str(),
                                      buffer.data(), buffer.size());
  if (length < 0) return failure_in(pid, directory, name, errno);
  if (static_cast<std::size_t>(length) < buffer.size())
    return std::string_view(buffer.data(), static_cast<std::size_t>(length));
  errno = EFBIG;
  return read_failure(process_path(pid, name), buffer.size());
}

Result<std::size_t> DirectoryHostRoot::count_lines_in(std::int32_t pid, int directory,
                                                      const char* name,
                                                      std::span<char> buffer) const {
  std::size_t lines = 0;
  auto done = read_parts_in(pid, directory, name, [&](int file) -> ssize_t {
    const ssize_t got = read_some(file, buffer.data(), buffer.size());
    if (got > 0)
      lines += static_cast<std::size_t>(std::count(buffer.data(), buffer.data() + got, '\n'));
    return got;
  });
  if (!done) return Failure(std::move(done.error()));
  return lines;
}

Result<HostFile> DirectoryHostRoot::regular_file(std::int32_t pid, int directory, const char* name,
                                                 int opened) const {
  if (opened < 0) return failure_in(pid, directory, name, errno);
  return regular_file(opened, process_path(pid, name));
}

Result<HostFile> DirectoryHostRoot::regular_file(int opened, std::string path) const {
  struct statx status = {};
  const int refused = ::statx(opened, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                              STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME, &status);
  const int error_number = errno;
  HostFile file(*this, opened, facts_of(status));
  if (refused != 0) return failure_of(error_number, std::move(path));
  if (S_ISREG(status.stx_mode)) return file;
  return failure(ErrorKind::unavailable, std::move(path), "not a regular file");
}

// Without O_NONBLOCK a pipe that was put in a library's place would hold the agent up.
Result<HostFile> DirectoryHostRoot::open_file_in(std::int32_t pid, int directory,
                                                 const char* name) const {
  const std::string path = path_for(pid, directory, name);
  return regular_file(pid, directory, name,
                      ::openat(directory < 0 ? AT_FDCWD : directory, path.c_str(),
                               O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

int DirectoryHostRoot::open_below_root(std::int32_t pid, int directory, const char* path,
                                       std::uint64_t flags, std::uint64_t resolve) const {
  const std::string root = path_for(pid, directory, "root");
  const Descriptor top(::openat(directory < 0 ? AT_FDCWD : directory, root.c_str(),
                                O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) return -1;
  return open_inside(top.get(), path, flags, resolve);
}

Result<HostFile> DirectoryHostRoot::open_in_root_of(std::int32_t pid, int directory,
                                                    const char* path) const {
  return regular_file(pid, directory, (std::string("root") + path).c_str(),
                      open_below_root(pid, directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

Result<HostFolder> HostRoot::open_folder_of(std::int32_t /*pid*/, int /*directory*/,
                                            const char* path) const {
  return failure(ErrorKind::unavailable, path, "not of this host");
}

Result<std::vector<HeldSocket>> HostRoot::list_sockets_of(std::int32_t pid,
                                                          int /*directory*/) const {
  return failure(ErrorKind::unavailable, std::to_string(pid), "not of this host");
}

Result<std::vector<HeldSocket>> DirectoryHostRoot::list_sockets_of(std::int32_t pid,
                                                                   int directory) const {
  std::vector<HeldSocket> sockets;
  bool complete = false;
  int error_number = 0;
  {
    const std::string path = path_for(pid, directory, "fd");
    const Descriptor opened(
        open_for_read(directory < 0 ? AT_FDCWD : directory, path.c_str(), O_DIRECTORY));
    std::size_t entries = 0;
    if (opened.get() >= 0) {
      complete = for_each_entry(opened.get(), [&](const char* entry, unsigned char /*type*/) {
        const std::optional<std::uint64_t> number = parse_unsigned(entry);
        if (!number || *number > UINT32_MAX) return true;  // "." and ".."
        std::array<char, 64> target = {};
        const ssize_t length = ::readlinkat(opened.get(), entry, target.data(), target.size());
        const auto inode = inode_of_socket(
            {target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))});
        if (inode) sockets.push_back({*inode, static_cast<std::uint32_t>(*number)});
        return ++entries < kMostListed;
      });
    }
    error_number = errno;
  }
  restore_spare();
  if (!complete) return failure_in(pid, directory, "fd", error_number);
  return sockets;
}

Result<HostFolder> DirectoryHostRoot::open_folder_of(std::int32_t pid, int directory,
                                                     const char* path) const {
  const int opened =
      open_below_root(pid, directory, path, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (opened < 0) return failure_in(pid, directory, (std::string("root") + path).c_str(), errno);
  return HostFolder(opened);
}

Result<FileFacts> DirectoryHostRoot::look_in_root_of(std::int32_t pid, int directory,
                                                     const char* path) const {
  Result<HostFile> file = regular_file(pid, directory, (std::string("root") + path).c_str(),
                                       open_below_root(pid, directory, path, O_PATH));
  if (!file) return Failure(file.error());
  return file->facts();
}

Result<std::size_t> DirectoryHostRoot::read_file_at(int file, std::uint64_t offset,
                                                    std::span<char> buffer) const {
  std::size_t length = 0;
  while (length < buffer.size()) {
    const ssize_t got = ::pread(file, buffer.data() + length, buffer.size() - length,
                                static_cast<off_t>(offset + length));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of(errno, {});
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  return length;
}

// Without AT_STATX_DONT_SYNC a program on a server that does not answer would hold the agent up.
Result<FileFacts> DirectoryHostRoot::look_at_file_in(std::int32_t pid, int directory,
                                                     const char* name) const {
  const std::string path = path_for(pid, directory, name);
  struct statx status = {};
  const int refused =
      ::statx(directory < 0 ? AT_FDCWD : directory, path.c_str(),
              AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO | STATX_SIZE | STATX_MTIME, &status);
  if (refused != 0) return failure_in(pid, directory, name, errno);
  return facts_of(status);
}

int DirectoryHostRoot::open_in(int directory, const char* name) const {
  const int opened = ::openat(directory, name, O_RDONLY | O_CLOEXEC);
  return opened >= 0 ? opened : -errno;
}

// The line end proves that the line is whole, which saves the read that would say "end of file".
Result<std::string_view> DirectoryHostRoot::read_line(std::int32_t pid, int file, const char* name,
                                                      std::span<char> buffer) const {
  std::size_t length = 0;
  while (length < buffer.size()) {
    const ssize_t got =
        ::pread(file, buffer.data() + length, buffer.size() - length, static_cast<off_t>(length));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of(errno, process_path(pid, name));
    length += static_cast<std::size_t>(got);
    if (got == 0 || buffer[length - 1] == '\n') return std::string_view(buffer.data(), length);
  }
  return failure(ErrorKind::malformed, process_path(pid, name), "too large: not one line");
}

void DirectoryHostRoot::close(int handle) const noexcept { ::close(handle); }

// Since Linux 6.2 procfs gives the count as the directory's size
// (Documentation/filesystems/proc.rst, "/proc/<pid>/fd"), to everybody; before that the entries are
// counted, which takes a descriptor and, for another user's process, a capability.
Result<std::size_t> DirectoryHostRoot::count_in(int directory, const char* path, std::size_t most,
                                                std::string name) const {
  if (fd_size_is_count_) {
    struct stat status = {};
    if (::fstatat(directory, path, &status, 0) == 0)
      return static_cast<std::size_t>(status.st_size);
    return failure_of(errno, std::move(name));
  }
  std::size_t entries = 0;
  bool complete = false;
  int error_number = 0;
  {
    const Descriptor opened(open_for_read(directory, path, O_DIRECTORY));
    if (opened.get() >= 0) {
      complete =
          for_each_entry(opened.get(), [&entries, most](const char* entry, unsigned char /*type*/) {
            entries += *entry != '.';
            return entries <= most;
          });
    }
    error_number = errno;
  }
  restore_spare();
  if (!complete) return failure_of(error_number, std::move(name));
  if (entries > most)
    return failure(ErrorKind::unavailable, std::move(name), "too many descriptors to list");
  return entries;
}

Result<std::size_t> DirectoryHostRoot::count_own_descriptors() const {
  std::string path = full_path(Tree::proc, "self/fd");
  auto entries = count_in(AT_FDCWD, path.c_str(), SIZE_MAX - 1, path);
  const bool own_is_listed = is_procfs_ && !fd_size_is_count_ && entries && *entries > 0;
  return own_is_listed ? *entries - 1 : entries;
}

Result<std::size_t> DirectoryHostRoot::count_descriptors_in(std::int32_t pid, int directory) const {
  std::string name = process_path(pid, "fd");
  if (directory < 0) return count_in(AT_FDCWD, name.c_str(), kMostListed, name);
  auto entries = count_in(directory, "fd", kMostListed, std::move(name));
  if (!entries && entries.error().kind == ErrorKind::unavailable && directory_is_dead(directory))
    entries.error().kind = ErrorKind::gone;
  return entries;
}

}  // namespace heapfloor
