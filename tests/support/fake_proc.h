// A /proc of a few processes whose memory the test sets from tick to tick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace heapfloor::testing {

class FakeProc {
 public:
  FakeProc();
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;
  ~FakeProc();

  // Makes the process, or changes it.
  void set(int pid, std::uint64_t start_ticks, const std::string& comm, std::uint64_t anon_kib,
           std::uint64_t swap_kib = 0);
  // Opens descriptors of the process, up to `count`, under a soft limit of `limit`.
  void set_descriptors(int pid, int count, int limit);
  // The number of threads of a process that set() made; set() makes it 3 again.
  void set_threads(int pid, int count);
  // Resident pages of files and shared memory of a process that set() made; set() makes them those
  // of a small program again.
  void set_shared(int pid, std::uint64_t file_kib, std::uint64_t shmem_kib);
  // The stacks that smaps shows of the process, each of which holds so much.
  void set_stacks(int pid, int count, std::uint64_t held_kib);
  // Lines of /proc/PID/limits beside that of open files: name and soft limit.
  void set_limits(int pid, const std::string& lines);
  // What /proc/PID/exe leads to.
  void set_executable(int pid, const std::string& target);
  // The process maps a probe's segment, as memory of this inode; nothing: none any more. The same
  // inode again writes into the same file.
  void set_segment(int pid, std::span<const std::byte> segment, std::uint64_t inode = 7);
  // The size of its address space; set() makes it that of a small process again.
  void set_mapped(int pid, std::uint64_t kib);
  // The process maps a file of this name and inode, whose bytes its memory holds there.
  void set_memory(int pid, std::span<const std::byte> bytes, const std::string& path,
                  std::uint64_t inode);
  // The process is dead and nobody has waited for it: it has no memory any more.
  void make_zombie(int pid, std::uint64_t start_ticks, const std::string& comm);
  // The process ends.
  void end(int pid);
  void set_boot_id(const std::string& boot_id);
  void set_available(std::uint64_t kib);
  // The directory is no /proc any more, until show(): nothing in it can be listed.
  void hide();
  void show();

  [[nodiscard]] std::string path() const { return directory_.string(); }

 private:
  std::filesystem::path directory_;
};

}  // namespace heapfloor::testing
