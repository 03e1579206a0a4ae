#include "tests/support/fake_proc.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

#include "tests/support/fixture_host.h"

namespace heapfloor::testing {
namespace {

constexpr std::uint64_t kOtherKib = 4096;  // file pages of every process

}  // namespace

FakeProc::FakeProc() : directory_(make_temporary_directory()) {
  write_file(directory_ / "stat", "cpu 1 2 3 4\nbtime 1700000000\n");
  write_file(directory_ / "vmstat", "oom_kill 0\npgmajfault 5\n");
  set_boot_id("0f0b0d34-0000-4000-8000-000000000001");
  set_available(8U << 20U);
}

FakeProc::~FakeProc() { std::filesystem::remove_all(directory_); }

void FakeProc::set_boot_id(const std::string& boot_id) {
  write_file(directory_ / "sys/kernel/random/boot_id", boot_id + "\n");
}

void FakeProc::set_available(std::uint64_t kib) {
  write_file(directory_ / "meminfo", "MemTotal: 16777216 kB\nMemFree: 1024 kB\nMemAvailable: " +
                                         std::to_string(kib) + " kB\n");
}

void FakeProc::set(int pid, std::uint64_t start_ticks, const std::string& comm,
                   std::uint64_t anon_kib, std::uint64_t swap_kib) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  std::filesystem::create_directories(process);
  const std::uint64_t rss_kib = anon_kib + kOtherKib;
  const std::string number = std::to_string(pid);
  write_file(process / "stat",
             number + " (" + comm + ") S 1 1 1 0 -1 4194304 100 0 2 0 150 50 0 0 20 0 3 0 " +
                 std::to_string(start_ticks) + " " + std::to_string(rss_kib * 2048) + " " +
                 std::to_string(rss_kib / 4) +
                 " 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n");
  write_file(process / "statm", std::to_string(rss_kib / 2) + " " + std::to_string(rss_kib / 4) +
                                    " " + std::to_string(kOtherKib / 4) + " 10 0 " +
                                    std::to_string(anon_kib / 4) + " 0\n");
  write_file(process / "status", "Name:\t" + comm + "\nPid:\t" + number + "\nVmSize:\t" +
                                     std::to_string(rss_kib * 2) + " kB\nVmHWM:\t" +
                                     std::to_string(rss_kib) + " kB\nRssAnon:\t" +
                                     std::to_string(anon_kib) + " kB\nRssFile:\t" +
                                     std::to_string(kOtherKib) + " kB\nRssShmem:\t0 kB\nVmSwap:\t" +
                                     std::to_string(swap_kib) + " kB\nThreads:\t3\n");
  const std::string anon = std::to_string(anon_kib) + " kB\n";
  const std::string file = std::to_string(kOtherKib / 2) + " kB\n";  // each page has two sharers
  write_file(process / "smaps_rollup",
             "Rss: " + std::to_string(rss_kib) +
                 " kB\nPss: " + std::to_string(anon_kib + kOtherKib / 2) +
                 " kB\nPss_Anon: " + anon + "Pss_File: " + file +
                 "Pss_Shmem: 0 kB\nPrivate_Clean: 0 kB\nPrivate_Dirty: " + anon + "Locked: 0 kB\n");
}

void FakeProc::set_segment(int pid, std::span<const std::byte> segment, std::uint64_t inode) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  const std::string program =
      "55550000000-55550010000 r-xp 00001000 fe:01 9                    /usr/bin/app\n";
  if (segment.empty()) return write_file(process / "maps", program);
  std::ostringstream range;
  range << std::hex << 0x7f0000000000U + inode * 0x10000000U << '-'
        << 0x7f0000000000U + inode * 0x10000000U + segment.size();
  write_file(process / "maps", program + range.str() + " rw-s 00000000 00:01 " +
                                   std::to_string(inode) +
                                   "          /memfd:heapfloor_probe (deleted)\n");
  std::filesystem::create_directories(process / "map_files");
  std::ofstream file(process / "map_files" / range.str(), std::ios::binary);
  file.write(reinterpret_cast<const char*>(segment.data()),
             static_cast<std::streamsize>(segment.size()));
}

void FakeProc::set_mapped(int pid, std::uint64_t kib) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  std::string stat = read_file(process / "stat");
  constexpr int kBefore = 21;  // spaces between the name and vsize
  std::size_t at = stat.rfind(')');
  for (int space = 0; space < kBefore; ++space) at = stat.find(' ', at) + 1;
  stat.replace(at, stat.find(' ', at) - at, std::to_string(kib * 1024));
  write_file(process / "stat", stat);
  std::string status = read_file(process / "status");
  at = status.find("VmSize:\t") + std::string_view("VmSize:\t").size();
  status.replace(at, status.find(' ', at) - at, std::to_string(kib));
  write_file(process / "status", status);
}

void FakeProc::set_memory(int pid, std::span<const std::byte> bytes, const std::string& path,
                          std::uint64_t inode) {
  constexpr std::uint64_t kBegin = 0x100000;
  constexpr std::uint64_t kSize = 0x8000;
  const std::filesystem::path process = directory_ / std::to_string(pid);
  std::ostringstream line;
  line << std::hex << kBegin << '-' << kBegin + kSize << " rw-s 00000000 fe:01 " << std::dec
       << inode << "                    " << path << '\n';
  write_file(process / "maps",
             "55550000000-55550010000 r-xp 00001000 fe:01 9                    /usr/bin/app\n" +
                 line.str());
  std::string memory(kSize, '\0');
  std::copy_n(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), memory.size()),
              memory.begin());
  std::fstream file(
      process / "mem",
      std::ios::binary | std::ios::out |
          (std::filesystem::exists(process / "mem") ? std::ios::in : std::ios::trunc));
  file.seekp(static_cast<std::streamoff>(kBegin));
  file.write(memory.data(), static_cast<std::streamsize>(memory.size()));
}

void FakeProc::set_descriptors(int pid, int count, int limit) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  std::filesystem::create_directories(process / "fd");
  for (int descriptor = count - 1; descriptor >= 0; --descriptor) {
    const std::filesystem::path entry = process / "fd" / std::to_string(descriptor);
    if (std::filesystem::exists(entry)) break;
    write_file(entry, "");
  }
  write_file(process / "limits", "Max open files            " + std::to_string(limit) +
                                     "                 524288               files     \n");
}

void FakeProc::set_threads(int pid, int count) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  const std::string threads = std::to_string(count);
  std::string stat = read_file(process / "stat");
  const std::string before = " 20 0 ";  // priority and nice
  const std::size_t at = stat.find(before) + before.size();
  stat.replace(at, stat.find(' ', at) - at, threads);
  write_file(process / "stat", stat);
  std::string status = read_file(process / "status");
  status.erase(status.find("Threads:"));
  write_file(process / "status", status + "Threads:\t" + threads + "\n");
}

void FakeProc::set_shared(int pid, std::uint64_t file_kib, std::uint64_t shmem_kib) {
  const std::filesystem::path status = directory_ / std::to_string(pid) / "status";
  std::string text = read_file(status);
  const std::size_t begin = text.find("RssFile:");
  const std::size_t end = text.find("VmSwap:");
  text.replace(begin, end - begin,
               "RssFile:\t" + std::to_string(file_kib) + " kB\nRssShmem:\t" +
                   std::to_string(shmem_kib) + " kB\n");
  write_file(status, text);
}

void FakeProc::set_stacks(int pid, int count, std::uint64_t held_kib) {
  std::ostringstream text;
  for (int index = 0; index < count; ++index) {
    const std::uint64_t guard =
        0x7f0000001000U + std::uint64_t{0x1000000U} * static_cast<std::uint64_t>(index);
    text << std::hex << guard << '-' << guard + 0x1000 << " ---p 00000000 00:00 0 \nRss: 0 kB\n"
         << guard + 0x1000 << '-' << guard + 0x801000
         << " rw-p 00000000 00:00 0 \nRss: " << std::dec << held_kib << " kB\nSwap: 0 kB\n";
  }
  const std::filesystem::path process = directory_ / std::to_string(pid);
  std::filesystem::create_directories(process);
  write_file(process / "smaps", text.str());
}

void FakeProc::set_limits(int pid, const std::string& lines) {
  write_file(
      directory_ / std::to_string(pid) / "limits",
      lines + "Max open files            1024                 524288               files     \n");
}

void FakeProc::set_executable(int pid, const std::string& target) {
  const std::filesystem::path link = directory_ / std::to_string(pid) / "exe";
  std::filesystem::remove(link);
  std::filesystem::create_symlink(target, link);
}

void FakeProc::make_zombie(int pid, std::uint64_t start_ticks, const std::string& comm) {
  const std::filesystem::path process = directory_ / std::to_string(pid);
  const std::string number = std::to_string(pid);
  write_file(process / "stat",
             number + " (" + comm + ") Z 1 1 1 0 -1 4194316 100 0 2 0 150 50 0 0 20 0 1 0 " +
                 std::to_string(start_ticks) + " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n");
  write_file(process / "statm", "0 0 0 0 0 0 0\n");
  write_file(process / "status",
             "Name:\t" + comm + "\nState:\tZ (zombie)\nPid:\t" + number + "\nThreads:\t1\n");
}

void FakeProc::end(int pid) { std::filesystem::remove_all(directory_ / std::to_string(pid)); }

void FakeProc::hide() { std::filesystem::rename(directory_, directory_.string() + ".hidden"); }

void FakeProc::show() { std::filesystem::rename(directory_.string() + ".hidden", directory_); }

}  // namespace heapfloor::testing
