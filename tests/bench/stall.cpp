// What a reader of its smaps_rollup does to a process: bench_stall MEBIBYTES SECONDS
//
// Touches that much memory in 4 KiB pages (so that a read of its page tables takes long), then
// maps, touches and unmaps one page again and again, each of which takes the lock of the memory map
// that a reader of smaps_rollup holds; between rounds it sleeps a little, so that one core is not
// lost to it. On a busy machine run it under `chrt -f 1`: what remains are waits for locks. Prints
// its pid first, and at the end one line with the longest round and how many were longer than 1, 2,
// 5, 10 and 15 ms. Run it alone, and beside an agent.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr double kMostSeconds = 600;
constexpr double kMostMebibytes = 16384;

double now_seconds() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// An anonymous mapping whose every page is there; null when there is no room.
char* touched(std::size_t bytes) {
  void* const area =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return nullptr;
  ::madvise(area, bytes, MADV_NOHUGEPAGE);
  auto* const text = static_cast<char*>(area);
  for (std::size_t at = 0; at < bytes; at += kPageBytes) text[at] = 1;
  return text;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "usage: bench_stall MEBIBYTES SECONDS\n");
    return 2;
  }
  const double mebibytes = std::clamp(std::strtod(words[1], nullptr), 1.0, kMostMebibytes);
  const double seconds = std::clamp(std::strtod(words[2], nullptr), 0.1, kMostSeconds);
  if (touched(static_cast<std::size_t>(mebibytes) << 20U) == nullptr) return 1;
  std::printf("pid %d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);

  constexpr std::array kBounds = {1e-3, 2e-3, 5e-3, 10e-3, 15e-3};
  std::array<std::size_t, kBounds.size()> above = {};
  std::size_t rounds = 0;
  double longest = 0;
  const double end = now_seconds() + seconds;
  for (double began = now_seconds(); began < end;) {
    char* const page = touched(kPageBytes);
    if (page == nullptr) return 1;
    ::munmap(page, kPageBytes);
    const double ended = now_seconds();
    const double took = ended - began;
    longest = std::max(longest, took);
    for (std::size_t i = 0; i < kBounds.size(); ++i) above[i] += took > kBounds[i] ? 1U : 0U;
    ++rounds;
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = 200'000};
    ::nanosleep(&pause, nullptr);
    began = now_seconds();
  }
  std::printf("rounds %zu longest_ms %.2f above_ms 1:%zu 2:%zu 5:%zu 10:%zu 15:%zu\n", rounds,
              1e3 * longest, above[0], above[1], above[2], above[3], above[4]);
  return 0;
}
