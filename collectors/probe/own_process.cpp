#include "collectors/probe/own_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "heapfloor/segment.h"

namespace heapfloor::probe {
namespace {

constexpr unsigned kNoExecSeal = 8;  // MFD_NOEXEC_SEAL, Linux 6.3
constexpr std::size_t kReadBytes = 4096;
constexpr int kStartTicksField = 22;

long open_own(const char* path) {
  return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

// Bytes read, 0 at the end, below 0 on an error.
long read_some(long descriptor, char* buffer, std::size_t bytes) {
  for (;;) {
    const long got = syscall(SYS_read, descriptor, buffer, bytes);
    if (got >= 0 || errno != EINTR) return got;
  }
}

void close_own(long descriptor) { syscall(SYS_close, descriptor); }

// Where a file that becomes too large ends the process (SIGXFSZ) it is not made.
bool may_be_as_large(std::size_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
         (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= bytes);
}

long make_memfd(const char* name, std::size_t bytes) {
  if (!may_be_as_large(bytes)) return -1;
  long descriptor = syscall(SYS_memfd_create, name, MFD_CLOEXEC | kNoExecSeal);
  if (descriptor < 0 && errno == EINVAL) {
    descriptor = syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (descriptor < 0) return -1;
  if (syscall(SYS_ftruncate, descriptor, bytes) == 0 &&
      syscall(SYS_fcntl, descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
    return descriptor;
  }
  close_own(descriptor);
  return -1;
}

void* raw_mmap(void* address, std::size_t bytes, int flags, long descriptor) {
  const long got = syscall(SYS_mmap, address, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0L);
  if (got == -1) return nullptr;
  // A kernel address as a pointer: what mmap() itself does.
  return reinterpret_cast<void*>(got);  // NOLINT(performance-no-int-to-ptr)
}

// A first touch would otherwise clear 2 MiB where huge pages are always on.
void refuse_huge_pages(void* address, std::size_t bytes) {
  syscall(SYS_madvise, address, bytes, MADV_NOHUGEPAGE);
}

}  // namespace

ErrnoKeeper::ErrnoKeeper() : kept_(errno) {}
ErrnoKeeper::~ErrnoKeeper() { errno = kept_; }

void yield_processor() {
  const ErrnoKeeper keeper;
  syscall(SYS_sched_yield);
}

std::uint64_t boottime_ns() {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  return (static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U) +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t start_ticks_in(const char* stat, std::size_t bytes) {
  // The name of the program may hold anything; it ends at the last parenthesis.
  std::size_t at = bytes;
  while (at > 0 && stat[at - 1] != ')') --at;
  if (at == 0) return HEAPFLOOR_ABSENT;
  for (int field = 2; field < kStartTicksField; ++field) {
    while (at < bytes && stat[at] != ' ') ++at;
    if (at == bytes) return HEAPFLOOR_ABSENT;
    ++at;
  }
  std::uint64_t ticks = 0;
  const std::size_t first = at;
  for (; at < bytes && stat[at] >= '0' && stat[at] <= '9'; ++at) {
    ticks = (ticks * 10) + static_cast<std::uint64_t>(stat[at] - '0');
  }
  return at > first && at < bytes && stat[at] == ' ' ? ticks : HEAPFLOOR_ABSENT;
}

std::uint64_t own_start_ticks() {
  const long descriptor = open_own("/proc/self/stat");
  if (descriptor < 0) return HEAPFLOOR_ABSENT;
  char text[kReadBytes];
  const long got = read_some(descriptor, text, sizeof text);
  close_own(descriptor);
  return got > 0 ? start_ticks_in(text, static_cast<std::size_t>(got)) : HEAPFLOOR_ABSENT;
}

bool own_maps_hold(const char* text) {
  const long descriptor = open_own("/proc/self/maps");
  if (descriptor < 0) return false;
  char buffer[kReadBytes];
  std::size_t matched = 0;  // over the borders of what is read at once
  bool found = false;
  while (!found) {
    const long got = read_some(descriptor, buffer, sizeof buffer);
    if (got <= 0) break;
    for (long i = 0; i < got && !found; ++i) {
      if (buffer[i] != text[matched]) matched = 0;
      if (buffer[i] == text[matched]) found = text[++matched] == '\0';
    }
  }
  close_own(descriptor);
  return found;
}

void* map_private(std::size_t bytes) {
  void* address = raw_mmap(nullptr, bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  if (address != nullptr) refuse_huge_pages(address, bytes);
  return address;
}

bool map_private_at(void* address, std::size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (raw_mmap(address, bytes, flags, -1) == nullptr) return false;
  refuse_huge_pages(address, bytes);
  return true;
}

void* map_sealed(const char* name, std::size_t bytes) {
  const long descriptor = make_memfd(name, bytes);
  if (descriptor < 0) return nullptr;
  void* address = raw_mmap(nullptr, bytes, MAP_SHARED, descriptor);
  close_own(descriptor);
  if (address != nullptr) refuse_huge_pages(address, bytes);
  return address;
}

bool move_mapping(void* from, void* to, std::size_t bytes) {
  return syscall(SYS_mremap, from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != -1;
}

void unmap(void* address, std::size_t bytes) { syscall(SYS_munmap, address, bytes); }

}  // namespace heapfloor::probe
