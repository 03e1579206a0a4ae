#include "tests/e2e/programs/scenario.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <unordered_map>

#include "tests/e2e/programs/resident_memory.h"

namespace heapfloor::e2e {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr auto kStep = std::chrono::milliseconds(100);
constexpr double kWaveSeconds = 11;
constexpr double kWaveBytes = 60 * kMiB;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Holds level(seconds since start) bytes until the time is over.
template <typename Level>
int follow(double duration_seconds, Level level) {
  const Stopwatch watch;
  ResidentMemory memory;
  while (watch.seconds() < duration_seconds) {
    if (!memory.resize(static_cast<std::uint64_t>(level(watch.seconds())))) return 1;
    std::this_thread::sleep_for(kStep);
  }
  return 0;
}

double leaked_bytes(const Settings& settings, double seconds, double base_bytes) {
  return std::min(base_bytes + settings.rate_bytes_per_second * seconds,
                  static_cast<double>(settings.cap_bytes));
}

double wave_bytes(double seconds) {
  return std::fmod(seconds, kWaveSeconds) / kWaveSeconds * kWaveBytes;
}

// A worker's whole life: some memory for a while. Ends with its parent.
[[noreturn]] void work(double seconds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  _exit(follow(seconds, [](double) { return 24 * kMiB; }));
}

}  // namespace

int steady_leak(const Settings& settings) {
  return follow(settings.seconds,
                [&](double now) { return leaked_bytes(settings, now, 48 * kMiB); });
}

int map_leak(const Settings& settings) {
  // A node of 48 bytes and a string of 101, as glibc rounds them, and 8 bytes of table.
  constexpr double kElementBytes = 64 + 112 + 8;
  const Stopwatch watch;
  std::unordered_map<std::uint64_t, std::string> sessions;
  while (watch.seconds() < settings.seconds) {
    const auto wanted = static_cast<std::size_t>(
        leaked_bytes(settings, watch.seconds(), 32 * kMiB) / kElementBytes);
    while (sessions.size() < wanted) {
      const std::uint64_t key = sessions.size() * 0x9e3779b97f4a7c15ULL;
      sessions.emplace(key, std::string(100, static_cast<char>('a' + key % 26)));
    }
    std::this_thread::sleep_for(kStep);
  }
  return 0;
}

int warmup(const Settings& settings) {
  constexpr double kTimeConstantSeconds = 15;
  return follow(settings.seconds, [](double now) {
    return 32 * kMiB + 96 * kMiB * (1 - std::exp(-now / kTimeConstantSeconds));
  });
}

int sawtooth(const Settings& settings) {
  return follow(settings.seconds, [](double now) { return 40 * kMiB + wave_bytes(now); });
}

int sawtooth_leak(const Settings& settings) {
  return follow(settings.seconds, [&](double now) {
    return leaked_bytes(settings, now, 40 * kMiB) + wave_bytes(now);
  });
}

int fork_workers(const Settings& settings) {
  constexpr std::size_t kWorkers = 4;
  constexpr double kLifeSeconds = 4;
  const Stopwatch watch;
  ResidentMemory own;
  if (!own.resize(static_cast<std::uint64_t>(20 * kMiB))) return 1;
  std::array<pid_t, kWorkers> workers = {};
  for (std::size_t next = 0; watch.seconds() < settings.seconds; next = (next + 1) % kWorkers) {
    if (workers.at(next) > 0) waitpid(workers.at(next), nullptr, 0);
    workers.at(next) = fork();
    if (workers.at(next) < 0) return 1;
    if (workers.at(next) == 0) work(kLifeSeconds);
    std::this_thread::sleep_for(std::chrono::duration<double>(kLifeSeconds / kWorkers));
  }
  for (const pid_t worker : workers) {
    if (worker > 0) waitpid(worker, nullptr, 0);
  }
  return 0;
}

int dies(const Settings& settings) {
  return follow(std::min(settings.seconds, 60.0),
                [](double now) { return 24 * kMiB + 0.1 * kMiB * now; });
}

int thread_pile(const Settings& settings) {
  constexpr std::size_t kUsedBytes = std::size_t{256} * 1024;
  constexpr std::size_t kMostThreads = 1500;
  const Stopwatch watch;
  ResidentMemory base;  // large enough to be watched from the first second
  if (!base.resize(static_cast<std::uint64_t>(32 * kMiB))) return 1;
  std::size_t threads = 0;
  while (watch.seconds() < settings.seconds) {
    const auto wanted = static_cast<std::size_t>(leaked_bytes(settings, watch.seconds(), 0) /
                                                 static_cast<double>(kUsedBytes));
    for (; threads < std::min(wanted, kMostThreads); ++threads) {
      std::thread([] {
        std::array<volatile char, kUsedBytes> used;  // NOLINT: written below
        for (std::size_t i = 0; i < used.size(); i += 1024) used.at(i) = 1;
        pause();
      }).detach();
    }
    std::this_thread::sleep_for(kStep);
  }
  // No one of them ends by itself.
  _exit(0);
}

int shared_leak(const Settings& settings) {
  constexpr double kHeapShare = 0.25;
  const Stopwatch watch;
  void* const shared = mmap(nullptr, settings.cap_bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (shared == MAP_FAILED) return 1;
  ResidentMemory heap;
  std::size_t written = 0;
  while (watch.seconds() < settings.seconds) {
    const double leaked = leaked_bytes(settings, watch.seconds(), 0);
    if (!heap.resize(static_cast<std::uint64_t>(32 * kMiB + kHeapShare * leaked))) return 1;
    const auto wanted = static_cast<std::size_t>((1 - kHeapShare) * leaked);
    std::memset(static_cast<char*>(shared) + written, 1, wanted - written);
    written = wanted;
    std::this_thread::sleep_for(kStep);
  }
  return 0;
}

int flat(const Settings& settings) {
  const Stopwatch watch;
  std::string buffer(static_cast<std::size_t>(64 * kMiB), 'x');
  for (unsigned round = 0; watch.seconds() < settings.seconds; ++round) {
    const auto letter = static_cast<char>('a' + round % 26);
    std::fill(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(kMiB), letter);
    std::this_thread::sleep_for(kStep);
  }
  return 0;
}

}  // namespace heapfloor::e2e
