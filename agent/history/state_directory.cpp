#include "agent/history/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

constexpr ssize_t kIdentityBytes = 16;
constexpr std::array<std::string_view, 3> kBeside = {"", "-wal", "-shm"};

Failure refused(std::string path, std::string reason) {
  return failure(ErrorKind::denied, std::move(path), std::move(reason));
}

Failure failed(std::string path, int error_number) {
  return failure(ErrorKind::io, std::move(path), std::strerror(error_number));
}

// Who may write into the directory decides what is believed.
Result<void> check_owner(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return failed(path, errno);
  if (!S_ISDIR(status.st_mode)) return refused(path, "is not a directory");
  if (status.st_uid != geteuid())
    return refused(path, fmt::format("belongs to user {}, not to user {} as whom the agent runs",
                                     status.st_uid, geteuid()));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(path, "others may write in it; chmod 0700 makes it safe");
  return {};
}

// The pid that the owner of the lock has written; for the message only.
std::string owner_of(int lock) {
  std::array<char, 16> text{};
  const ssize_t size = pread(lock, text.data(), text.size(), 0);
  std::int32_t pid = 0;
  if (size <= 0 || std::from_chars(text.data(), text.data() + size, pid).ec != std::errc())
    return "another agent";
  return fmt::format("another agent (pid {})", pid);
}

Result<int> take_lock(const std::string& path) {
  const std::string file = path + "/lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return failed(file, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int error_number = errno;
    const std::string owner = owner_of(lock);
    ::close(lock);
    if (error_number != EWOULDBLOCK) return failed(file, error_number);
    return refused(path, owner + " keeps its history there; give this one another --storage.path");
  }
  const std::string pid = fmt::format("{}\n", getpid());
  // A full disk is no reason to go without the lock.
  if (ftruncate(lock, 0) == 0) static_cast<void>(!pwrite(lock, pid.data(), pid.size(), 0));
  return lock;
}

int aside_number(const std::string& name, std::string_view prefix) {
  int number = 0;
  if (!name.starts_with(prefix)) return 0;
  const char* const begin = name.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(path, errno);
  if (Result<void> safe = check_owner(path); !safe) return Failure(safe.error());
  const Result<int> lock = take_lock(path);
  if (!lock) return Failure(lock.error());
  return StateDirectory(path, *lock);
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory& StateDirectory::operator=(StateDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::string> StateDirectory::identity() const {
  const std::string path = path_ + "/identity";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failed(path, errno);
  std::string identity(static_cast<std::size_t>(kIdentityBytes), '\0');
  Result<void> done;
  const ssize_t size = pread(file, identity.data(), identity.size(), 0);
  if (size != kIdentityBytes) {
    const bool is_made = getrandom(identity.data(), identity.size(), 0) == kIdentityBytes &&
                         pwrite(file, identity.data(), identity.size(), 0) == kIdentityBytes &&
                         fsync(file) == 0;
    if (!is_made) done = failed(path, errno);
  }
  ::close(file);
  if (!done) return Failure(done.error());
  return identity;
}

Result<std::string> StateDirectory::move_aside() const {
  const std::string database = database_path();
  const std::string prefix = fs::path(database).filename().string() + ".aside-";
  std::error_code error;
  int newest = 0;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    newest = std::max(newest, aside_number(entry.path().filename().string(), prefix));
  }
  const std::string target = fmt::format("{}.aside-{}", database, newest + 1);
  for (const std::string_view beside : kBeside) {
    const std::string from = database + std::string(beside);
    if (::rename(from.c_str(), (target + std::string(beside)).c_str()) != 0 && errno != ENOENT)
      return failed(from, errno);
  }
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    const std::string_view stem = std::string_view(name).substr(0, name.find('-', prefix.size()));
    const int number = aside_number(std::string(stem), prefix);
    if (number == 0 || number > newest + 1 - kKeptAside) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
  return target;
}

void StateDirectory::make_reserve(std::uint64_t bytes) const {
  const std::string file = path_ + "/reserve";
  const int reserve = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (reserve < 0) return;
  const bool has_room = posix_fallocate(reserve, 0, static_cast<off_t>(bytes)) == 0;
  ::close(reserve);
  if (!has_room) free_reserve();
}

void StateDirectory::free_reserve() const { ::unlink((path_ + "/reserve").c_str()); }

}  // namespace heapfloor
