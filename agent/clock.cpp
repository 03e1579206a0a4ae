#include "agent/clock.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace heapfloor {
namespace {

double read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double SystemClock::steady_seconds() const { return read_clock(CLOCK_BOOTTIME); }

double SystemClock::wall_seconds() const { return read_clock(CLOCK_REALTIME); }

bool SystemClock::wait_until(double deadline_seconds, const std::stop_token& stop) const {
  // condition_variable counts time without suspension, so the deadline is looked at again after
  // each wait.
  constexpr double kLongestWaitSeconds = 60;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const double left = deadline_seconds - steady_seconds();
    if (left <= 0) return true;
    const std::chrono::duration<double> wait(std::min(left, kLongestWaitSeconds));
    wake.wait_for(lock, stop, wait, [] { return false; });
  }
  return false;
}

}  // namespace heapfloor
