// A service with the probe: it opens sessions, and names the map that holds them.
//
//     sessions leak|evict [SECONDS]
//
// It begins with 20,000 sessions and opens a thousand a second. `leak` forgets to close them, which
// is 1 MiB a second, up to 400 MiB; `evict` closes the oldest. SIGUSR1 repairs one that leaks while
// it runs. It ends by itself.
#include <heapfloor/structures.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <thread>

namespace {

constexpr std::uint64_t kSessionsPerSecond = 1024;
constexpr std::uint64_t kKept = 20'000;
constexpr std::uint64_t kMost = 400'000;

std::atomic<bool> evicts = false;

}  // namespace

struct Session {
  std::array<char, 960> state{};
};

class SessionCache {
 public:
  // Everything that a session needs is allocated in here; a function of its own in profiles.
  __attribute__((noinline)) void open() {
    const heapfloor::phase scope{"session_cache", "login"};
    sessions_[opened_].state.fill('s');
    ++opened_;
  }
  void close_old() {
    for (std::uint64_t oldest = opened_ - sessions_.size(); sessions_.size() > kKept; ++oldest) {
      sessions_.erase(oldest);
    }
  }
  [[nodiscard]] std::uint64_t size() const { return sessions_.size(); }

 private:
  heapfloor::unordered_map<std::uint64_t, Session> sessions_{heapfloor::name("session_cache")};
  std::uint64_t opened_ = 0;
};

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const long seconds = count > 2 ? std::strtol(arguments[2], nullptr, 10) : 600;
  if ((mode != "leak" && mode != "evict") || seconds <= 0) {
    std::cerr << "usage: sessions leak|evict [SECONDS]\n";
    return 2;
  }
  evicts = mode == "evict";
  std::signal(SIGUSR1, [](int) { evicts = true; });

  SessionCache sessions;
  while (sessions.size() < kKept) sessions.open();
  std::uint64_t logins = 0;
  const auto start = Clock::now();
  while (Clock::now() < start + std::chrono::seconds(seconds)) {
    const std::chrono::duration<double> passed = Clock::now() - start;
    const auto due = static_cast<std::uint64_t>(passed.count() * double{kSessionsPerSecond});
    for (; logins < due; ++logins) {
      if (evicts || sessions.size() < kMost) sessions.open();
    }
    if (evicts) sessions.close_old();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return 0;
}
