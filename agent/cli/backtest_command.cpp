#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/cli/backtest_time.h"
#include "agent/cli/commands.h"
#include "agent/cli/replay_output.h"
#include "agent/clock.h"
#include "agent/external/range_query.h"
#include "agent/units.h"

namespace heapfloor {
namespace {

std::optional<TimeRange> range_of(const BacktestOptions& options, double now_seconds) {
  const auto start = backtest_time(options.start, now_seconds);
  const auto end = backtest_time(options.end, now_seconds);
  if (!start || !end) {
    fmt::print(stderr,
               "heapfloor: --{}: expects a time such as 2026-01-31T12:00:00Z, a duration before "
               "now such as 7d, or now\n",
               start ? "end" : "start");
    return std::nullopt;
  }
  if (*start >= *end) {
    fmt::print(stderr, "heapfloor: --start is not before --end\n");
    return std::nullopt;
  }
  return TimeRange{*start, *end, options.step_seconds.value_or(fitting_step(*end - *start))};
}

using Judged = std::pair<const std::string*, const ReplaySeries*>;

// Judges all series on some threads; the order is that of their labels whatever the threads do.
ReplayedFile judge(const RangeSeries& series, const Config& config, const ReplayShow& show,
                   ReplayOutput& output) {
  std::vector<Judged> all;
  for (const auto& [labels, readings] : series) all.emplace_back(&labels, &readings);
  ReplayedFile judged;
  judged.series.resize(all.size());
  const ReplaySettings settings = settings_of(show);
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < std::min(show.workers(), all.size()); ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < all.size(); at = next++) {
        judged.series[at] = replay_series(*all[at].first, *all[at].second, config, settings);
        done.fetch_add(1);
        done.notify_one();
      }
    });
  }
  for (std::size_t seen = 0; seen < all.size(); seen = done.load()) {
    output.show({seen, all.size(), seen, "judged", "series"});
    done.wait(seen);
  }
  for (std::thread& worker : workers) worker.join();
  return judged;
}

}  // namespace

int run_backtest_command(const ConfigSource& source, const BacktestOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config || explain_bad_show(options.show)) return kExitUsage;
  if (const auto url = parse_url(options.url); !url) {
    fmt::print(stderr, "heapfloor: --prometheus.url: {}\n", url.error().reason);
    return kExitUsage;
  }
  if (options.client.cert_file.empty() != options.client.key_file.empty()) {
    fmt::print(stderr,
               "heapfloor: --prometheus.cert-file and --prometheus.key-file belong together\n");
    return kExitUsage;
  }
  const auto range = range_of(options, SystemClock().wall_seconds());
  if (!range) return kExitUsage;
  ReplayOutput output(options.show);
  std::string_view of = "values";
  FetchOptions fetching;
  fetching.progress = [&](std::size_t done, std::size_t parts, std::size_t series) {
    output.show({done, parts, series, of, "part"});
  };
  SeriesFetcher fetcher(options.url, options.client, fetching);
  auto series = fetcher.fetch(options.query, *range);
  if (!series) return output.fail(series.error());
  struct Joined {
    const std::string& query;
    JoinedColumn column;
    std::string_view name;
  };
  for (const Joined& joined : {Joined{options.epoch_query, JoinedColumn::epoch, "epochs"},
                               Joined{options.limit_query, JoinedColumn::limit, "limits"},
                               Joined{options.load_query, JoinedColumn::load, "loads"}}) {
    if (joined.query.empty()) continue;
    of = joined.name;
    const auto others = fetcher.fetch(joined.query, *range);
    if (!others) return output.fail(others.error());
    const std::size_t found = join(*series, *others, joined.column);
    if (found < series->size())
      output.remark(fmt::format("{}: {} of {} series have none", joined.name,
                                series->size() - found, series->size()));
  }
  if (series->empty()) output.remark("the query matched nothing in that time");
  output.take(judge(*series, *config, options.show, output));
  return output.finish();
}

}  // namespace heapfloor
