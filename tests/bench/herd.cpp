// bench_herd PROCESSES [ACTIVE [AWAKE]]: a herd of small processes, for the cost of collecting
// them.
//
// Each process touches 1 MiB spread over about 60 mappings and has one of 20 names, hNN-worker;
// ACTIVE of them change their memory five times a second, AWAKE others wake twice a second and go
// back to sleep, the rest sleeps. Prints "ready N" when
// all are set up. They end with their parent, and the parent ends after half an hour whatever
// happens.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

constexpr int kMostProcesses = 20000;
constexpr int kNames = 20;
constexpr std::size_t kMappings = 60;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kPagesPerMapping = 4;
constexpr std::size_t kTouchedPages = 256;
constexpr unsigned kLifeSeconds = 1800;

char* map_pages(std::size_t pages) {
  void* area =
      mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) _exit(3);
  return static_cast<char*>(area);
}

// Alternate protections keep neighbouring mappings from merging; pages are touched before.
void spread_memory() {
  const std::size_t pages = kMappings * kPagesPerMapping;
  char* area = map_pages(std::max(pages, kTouchedPages));
  for (std::size_t page = 0; page < kTouchedPages; ++page) area[page * kPageBytes] = 'h';
  for (std::size_t mapping = 1; mapping < kMappings; mapping += 2) {
    mprotect(area + mapping * kPagesPerMapping * kPageBytes, kPagesPerMapping * kPageBytes,
             PROT_READ);
  }
}

[[noreturn]] void change_for_ever() {
  constexpr std::size_t kPages = 64;
  char* area = map_pages(kPages);
  for (std::size_t round = 0;; ++round) {
    const std::size_t touched = round * 31 % kPages + 1;
    for (std::size_t page = 0; page < touched; ++page)
      area[page * kPageBytes] = static_cast<char>(round);
    usleep(200000);
    if (round % 3 == 2) madvise(area, kPages * kPageBytes, MADV_DONTNEED);
  }
}

enum class Habit { sleeping, awake, active };

[[noreturn]] void live(int index, Habit habit, pid_t parent, int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  std::array<char, 16> name = {};
  std::snprintf(name.data(), name.size(), "h%02d-worker", index % kNames);
  prctl(PR_SET_NAME, name.data());
  spread_memory();
  if (write(ready, "x", 1) != 1) _exit(4);
  close(ready);
  if (habit == Habit::active) change_for_ever();
  while (habit == Habit::awake) usleep(500000);
  for (;;) pause();
}

int number(const char* text) {
  const std::string_view digits = text;
  int value = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : -1;
}

}  // namespace

int main(int argc, char** argv) {
  const int processes = argc > 1 ? number(argv[1]) : -1;
  const int active = argc > 2 ? number(argv[2]) : 0;
  const int awake = argc > 3 ? number(argv[3]) : 0;
  if (processes < 1 || processes > kMostProcesses || active < 0 || awake < 0) {
    std::fprintf(stderr, "usage: bench_herd PROCESSES [ACTIVE [AWAKE]], at most %d\n",
                 kMostProcesses);
    return 2;
  }
  std::array<int, 2> ready = {};
  if (pipe(ready.data()) != 0) return 1;
  const pid_t parent = getpid();
  for (int index = 0; index < processes; ++index) {
    const pid_t child = fork();
    if (child < 0) {
      std::perror("fork");
      return 1;
    }
    if (child == 0) {
      close(ready[0]);
      const Habit others = index < active + awake ? Habit::awake : Habit::sleeping;
      live(index, index < active ? Habit::active : others, parent, ready[1]);
    }
  }
  close(ready[1]);
  std::array<char, 4096> bytes = {};
  ssize_t set_up = 0;
  for (ssize_t got = 0; (got = read(ready[0], bytes.data(), bytes.size())) > 0;) set_up += got;
  std::printf("ready %zd\n", set_up);
  std::fflush(stdout);
  alarm(kLifeSeconds);
  for (;;) pause();
}
