#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/backtest.h"
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
  BacktestQueries queries{options.query, {}};
  for (const BacktestColumn& column :
       {BacktestColumn{options.epoch_query, JoinedColumn::epoch, "epochs"},
        BacktestColumn{options.limit_query, JoinedColumn::limit, "limits"},
        BacktestColumn{options.load_query, JoinedColumn::load, "loads"}}) {
    if (!column.query.empty()) queries.beside.push_back(column);
  }
  FetchOptions fetching;
  fetching.most_series = Backtest::kMostSeries;
  fetching.most_readings = Backtest::kMostReadings;
  SeriesFetcher fetcher(options.url, options.client, fetching);
  Backtest backtest(*config, settings_of(options.show), options.show.workers(),
                    [&output](const ReplayProgress& progress) { output.show(progress); });
  auto result = backtest.run(fetcher, queries, *range);
  if (!result) return output.fail(result.error());
  const std::size_t series = result->judged.series.size();
  for (std::size_t i = 0; i < queries.beside.size(); ++i) {
    if (const std::size_t without = result->without[i]; without > 0)
      output.remark(
          fmt::format("{}: {} of {} series have none", queries.beside[i].name, without, series));
  }
  if (result->left_out > 0)
    output.remark(fmt::format("{} series or more were left out: at most {} are judged",
                              result->left_out, Backtest::kMostSeries));
  if (series == 0) output.remark("the query matched nothing in that time");
  output.take(std::move(result->judged));
  return output.finish();
}

}  // namespace heapfloor
