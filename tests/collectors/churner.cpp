// churner DESCRIPTOR PARENT: forks processes that live for a moment, until it is told to stop.
//
// DESCRIPTOR is open on the memory that a Churn (churn.h) shares with it. A program of its own and
// statically linked, because a fork copies the page tables of what forks: of this one there are
// few. Each child names itself by its pid ("p4711"), lets others run, and ends; but one of them at
// a time lives until it was looked at, as a busy machine may never look while the others live.
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>

#include "tests/collectors/churn.h"

namespace {

using heapfloor::testing::ChurnState;

constexpr int kMostSeconds = 60;  // for the case that nobody tells it to stop
constexpr int kAlive = 16;

std::int64_t monotonic_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

void take_name() {
  std::array<char, 16> name = {'p'};
  std::to_chars(name.data() + 1, name.data() + name.size() - 1, ::getpid());
  ::prctl(PR_SET_NAME, name.data());
}

[[noreturn]] void live_shortly() {
  take_name();
  ::sched_yield();
  ::_exit(0);
}

// Two looks that ended: one of them began after this was named.
[[noreturn]] void live_until_looked_at(const ChurnState& state, std::int64_t end) {
  take_name();
  const std::uint64_t seen = state.looks + 2;
  constexpr timespec kPause = {.tv_sec = 0, .tv_nsec = 200'000};
  while (state.looks < seen && !state.stop && monotonic_seconds() <= end)
    ::nanosleep(&kPause, nullptr);
  ::_exit(0);
}

// Without what the C library does around a fork; a child must not return from what called this.
pid_t start_one() { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

int number(const char* text) {
  int value = -1;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != number(argv[2])) return 1;
  void* const area =
      ::mmap(nullptr, sizeof(ChurnState), PROT_READ | PROT_WRITE, MAP_SHARED, number(argv[1]), 0);
  if (area == MAP_FAILED) return 1;
  auto& state = *static_cast<ChurnState*>(area);
  const std::int64_t end = monotonic_seconds() + kMostSeconds;
  pid_t lasting = -1;
  while (!state.stop && monotonic_seconds() <= end) {
    if (lasting < 0) {
      lasting = start_one();
      if (lasting == 0) live_until_looked_at(state, end);
      state.forks += lasting > 0 ? 1 : 0;
    }
    int alive = 0;
    for (int i = 0; i < kAlive; ++i) {
      const pid_t child = start_one();
      if (child == 0) live_shortly();
      alive += child > 0 ? 1 : 0;
    }
    state.forks += static_cast<std::uint64_t>(alive);
    while (alive > 0) {
      const pid_t ended = ::waitpid(-1, nullptr, 0);
      if (ended < 0) break;
      if (ended == lasting) {
        lasting = -1;
      } else {
        --alive;
      }
    }
  }
  if (lasting > 0) ::waitpid(lasting, nullptr, 0);
  return 0;
}
