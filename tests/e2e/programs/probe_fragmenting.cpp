// probe_fragmenting [--seconds=N]: what is live stays the same, what is resident grows: each
// round's blocks are a little larger than the holes that the last round left, which small blocks
// keep apart. It ends by itself, and with whoever started it.
#include <sys/prctl.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

int main(int count, char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  long seconds = 600;
  if (count > 1 && std::string(arguments[1]).starts_with("--seconds="))
    seconds = std::strtol(arguments[1] + 10, nullptr, 10);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  constexpr std::size_t kRoundBytes = 2 << 20;
  constexpr std::size_t kPinBytes = 24;
  constexpr int kMostRounds = 160;
  // The live heap of a service, beside which pins are nothing.
  std::vector<void*> level;
  for (int i = 0; i < 40'000; ++i) level.push_back(std::memset(std::malloc(1000), 1, 1000));
  std::vector<void*> last;
  std::vector<void*> pins;
  for (int round = 0; std::chrono::steady_clock::now() < end; ++round) {
    if (round < kMostRounds) {
      const std::size_t size = 8192 + (static_cast<std::size_t>(round) * 640);
      std::vector<void*> blocks;
      for (std::size_t filled = 0; filled < kRoundBytes; filled += size) {
        blocks.push_back(std::memset(std::malloc(size), 1, size));
        pins.push_back(std::malloc(kPinBytes));
      }
      for (void* block : last) std::free(block);
      last = std::move(blocks);
    }
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
  return level.empty() || pins.empty() ? 1 : 0;
}
