// bench_floor FILES ROUNDS [keep]: the least work that gets the numbers of every process out of the
// kernel.
//
// FILES is a comma list of statm, stat, status, smaps_rollup, or the word list for the directory
// alone. Only system calls: nothing is parsed, nothing written. With `keep` every descriptor is
// opened once and read again each round. Prints one line a round: user+system CPU seconds, wall
// seconds, processes, bytes.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

double seconds_of(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The directory entry of getdents64(2), up to the name.
struct EntryHead {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
};
constexpr std::size_t kNameOffset = 19;

// The names of the numeric entries of an open /proc.
void list_processes(int proc, std::vector<std::string>& names) {
  alignas(EntryHead) static std::array<char, 65536> buffer;
  names.clear();
  lseek(proc, 0, SEEK_SET);
  for (long got = 0; (got = syscall(SYS_getdents64, proc, buffer.data(), buffer.size())) > 0;) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      EntryHead head = {};
      std::memcpy(&head, buffer.data() + at, kNameOffset);
      const char* name = buffer.data() + at + kNameOffset;
      if (name[0] >= '0' && name[0] <= '9') names.emplace_back(name);
      at += head.length;
    }
  }
}

struct Round {
  std::size_t processes = 0;
  std::uint64_t bytes = 0;
};

class Reader {
 public:
  Reader(int proc, std::vector<std::string> files, bool keep)
      : proc_(proc), files_(std::move(files)), keep_(keep) {
    if (!keep_) return;
    list_processes(proc_, names_);
    for (const std::string& name : names_) {
      for (const std::string& file : files_) kept_.push_back(open_file(name, file));
    }
  }

  Round read_all() {
    Round round;
    list_processes(proc_, listed_);
    const std::vector<std::string>& names = keep_ ? names_ : listed_;
    for (std::size_t process = 0; process < names.size(); ++process) {
      bool readable = files_.empty();
      for (std::size_t file = 0; file < files_.size(); ++file) {
        const int descriptor =
            keep_ ? kept_[process * files_.size() + file] : open_file(names[process], files_[file]);
        if (descriptor < 0) continue;
        const ssize_t got = pread(descriptor, buffer_.data(), buffer_.size(), 0);
        if (!keep_) close(descriptor);
        if (got <= 0) continue;
        readable = true;
        round.bytes += static_cast<std::uint64_t>(got);
      }
      if (readable) ++round.processes;
    }
    return round;
  }

 private:
  int open_file(const std::string& name, const std::string& file) {
    path_.assign(name).append("/").append(file);
    return openat(proc_, path_.c_str(), O_RDONLY | O_CLOEXEC);
  }

  int proc_;
  std::vector<std::string> files_;
  bool keep_;
  std::vector<std::string> names_;
  std::vector<std::string> listed_;
  std::vector<int> kept_;
  std::string path_;
  std::array<char, 16384> buffer_ = {};
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    parts.emplace_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 0;
  if (argc > 2) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), rounds);
  if (rounds < 1 || rounds > 100000) {
    std::fputs("usage: bench_floor list|FILE[,FILE...] ROUNDS [keep]\n", stderr);
    return 2;
  }
  std::vector<std::string> files = split(argv[1]);
  if (files.front() == "list") files.clear();
  const rlimit descriptors = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_NOFILE, &descriptors);
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return 1;
  Reader reader(proc, std::move(files), argc > 3 && std::string_view(argv[3]) == "keep");
  for (int i = 0; i < rounds; ++i) {
    const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    const double wall = seconds_of(CLOCK_MONOTONIC);
    const Round round = reader.read_all();
    std::printf("%.6f %.6f %zu %llu\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu,
                seconds_of(CLOCK_MONOTONIC) - wall, round.processes,
                static_cast<unsigned long long>(round.bytes));
  }
  return 0;
}
