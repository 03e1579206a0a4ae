#include "agent/profile/goroutine_waits.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace heapfloor {

std::vector<GoroutineWait> joined_waits(std::vector<GoroutineWait> all, std::size_t most) {
  const auto place = [](const GoroutineWait& wait) {
    return std::tie(wait.at, wait.started_at, wait.reason);
  };
  std::ranges::stable_sort(all, [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<GoroutineWait> sums;
  for (GoroutineWait& wait : all) {
    if (!sums.empty() && place(sums.back()) == place(wait)) {
      sums.back().goroutines += wait.goroutines;
    } else {
      sums.push_back(std::move(wait));
    }
  }
  std::ranges::stable_sort(sums, std::greater<>(), &GoroutineWait::goroutines);
  if (sums.size() > most) sums.resize(most);
  return sums;
}

}  // namespace heapfloor
