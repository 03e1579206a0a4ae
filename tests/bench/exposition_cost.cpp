// exposition_cost SERIES: the cost of one page of that many series, as `<number> ns/series` of CPU
// time (median of the rounds, and of the first page), for scripts that compare serialisers.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

#include "tests/bench/series_set.h"

namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kRounds = 21;
  std::size_t series = 10'000;
  if (argc > 1) {
    const std::string_view text = argv[1];
    std::from_chars(text.data(), text.data() + text.size(), series);
  }
  const heapfloor::bench::SeriesSet set = heapfloor::bench::make_series_set(series);
  heapfloor::bench::OwnPage page(set);
  const double start = cpu_seconds();
  std::size_t bytes = page.render().size();
  const double first_seconds = cpu_seconds() - start;
  std::vector<double> seconds;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const double begin = cpu_seconds();
    bytes = page.render().size();
    seconds.push_back(cpu_seconds() - begin);
  }
  std::ranges::sort(seconds);
  const double per_series = 1e9 / static_cast<double>(series);
  std::printf("heapfloor %zu series: %.1f ns/series; %.1f the first time; %zu bytes\n", series,
              seconds[kRounds / 2] * per_series, first_seconds * per_series, bytes);
  return 0;
}
