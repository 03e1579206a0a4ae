// What heap_profilers.py runs: `allocations LOOP`, one loop of a program that allocates. Prints
// "NAME VALUE UNIT".
//   tight   malloc(64) and free of the same block
//   hot     500 live blocks, one replaced at a time, sizes skewed small: everything in the caches
//   wide    20,000 live blocks: cache misses, as in a service
//   deep    as wide, under 40 more frames
//   json    a document is parsed and written again and again
//   fill    1 GiB of live blocks of 64 to 4,096 bytes; then it prints and waits for the end of its
//   input
// Time is the thread's own CPU time, the least of several rounds.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kRounds = 5;

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (static_cast<double>(now.tv_sec) * 1e9) + static_cast<double>(now.tv_nsec);
}

class Random {
 public:
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  std::uint64_t state_ = 88172645463325252ULL;
};

// 16 to 4,111 bytes, half a kilobyte in the mean.
std::size_t skewed_size(Random& random) {
  const std::uint64_t bits = random.next();
  return 16 + (((bits & 4095) * ((bits >> 12) & 4095)) >> 12) / ((bits >> 24) % 4 + 1);
}

template <typename Round>
double least_of_rounds(Round round, double units) {
  double least = 1e300;
  for (int i = 0; i < kRounds; ++i) {
    const double before = cpu_nanoseconds();
    round();
    const double took = (cpu_nanoseconds() - before) / units;
    if (took < least) least = took;
  }
  return least;
}

void touch(void* block) { asm volatile("" : : "r"(block) : "memory"); }

double tight() {
  constexpr int kPairs = 2'000'000;
  return least_of_rounds(
      [] {
        for (int i = 0; i < kPairs; ++i) {
          void* block = std::malloc(64);
          touch(block);
          std::free(block);
        }
      },
      kPairs);
}

// Replaces `count` blocks.
__attribute__((noinline)) void replace(std::vector<void*>& blocks, Random& random, int count) {
  for (int i = 0; i < count; ++i) {
    void*& block = blocks[(random.next() >> 20) % blocks.size()];
    std::free(block);
    block = std::malloc(skewed_size(random));
    *static_cast<char*>(block) = 1;
  }
}

__attribute__((noinline)) void replace_below(int frames, std::vector<void*>& blocks, Random& random,
                                             int count) {
  if (frames == 0) {
    replace(blocks, random, count);
  } else {
    replace_below(frames - 1, blocks, random, count);
  }
  asm volatile("" : : : "memory");
}

double replacing(std::size_t live, int frames) {
  constexpr int kPairs = 500'000;
  constexpr int kBatch = 50;
  Random random;
  std::vector<void*> blocks(live);
  for (void*& block : blocks) block = std::malloc(skewed_size(random));
  const double result = least_of_rounds(
      [&] {
        for (int i = 0; i < kPairs; i += kBatch) replace_below(frames, blocks, random, kBatch);
      },
      kPairs);
  for (void* block : blocks) std::free(block);
  return result;
}

double json_documents() {
  nlohmann::json document;
  for (int i = 0; i < 2000; ++i) {
    document["users"].push_back({{"id", i},
                                 {"name", "user number " + std::to_string(i)},
                                 {"tags", {"a", "b", i % 7}},
                                 {"score", i * 0.5}});
  }
  const std::string text = document.dump();
  std::size_t bytes = 0;
  const double result = least_of_rounds([&] { bytes += nlohmann::json::parse(text).dump().size(); },
                                        static_cast<double>(text.size()));
  return bytes == 0 ? 0 : result;
}

int fill() {
  Random random;
  std::vector<void*> blocks;
  blocks.reserve(1 << 20);
  for (std::size_t filled = 0; filled < (std::size_t{1} << 30);) {
    const std::size_t size = 64 + (random.next() >> 40) % 4032;
    void* block = std::malloc(size);
    std::memset(block, 1, size);
    blocks.push_back(block);
    filled += size;
  }
  std::printf("filled %zu blocks\n", blocks.size());
  std::fflush(stdout);
  char byte = 0;
  while (read(0, &byte, 1) > 0) {
  }
  return blocks.empty() ? 1 : 0;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory, it ends
int main(int count, char** arguments) {
  const std::string_view loop = count == 2 ? arguments[1] : "";
  double value = 0;
  if (loop == "tight") {
    value = tight();
  } else if (loop == "hot") {
    value = replacing(500, 0);
  } else if (loop == "wide") {
    value = replacing(20'000, 0);
  } else if (loop == "deep") {
    value = replacing(20'000, 40);
  } else if (loop == "json") {
    value = json_documents();
  } else if (loop == "fill") {
    return fill();
  } else {
    std::fputs("usage: allocations tight|hot|wide|deep|json|fill\n", stderr);
    return 2;
  }
  std::printf("%s %.3f ns\n", arguments[1], value);
  return 0;
}
