// Backtest: what a server recorded, judged as it comes. Readings are fetched in parts of some
// hundred thousand and forgotten; what is kept is the state of each series.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/replay.h"
#include "agent/cli/replay_pool.h"
#include "agent/config.h"
#include "agent/external/range_query.h"

namespace heapfloor {

// What one column of the readings is asked of.
struct BacktestColumn {
  std::string query;
  JoinedColumn column = JoinedColumn::epoch;
  std::string_view name;  // static text
};

struct BacktestQueries {
  std::string values;  // PromQL
  std::vector<BacktestColumn> beside;
};

struct BacktestResult {
  ReplayedFile judged;               // by labels
  std::size_t left_out = 0;          // series that were too many, at least
  std::vector<std::size_t> without;  // of each column: series that never had one
};

class Backtest {
 public:
  using Progress = std::function<void(const ReplayProgress&)>;

  // `config` outlives it. `workers`: threads that judge.
  Backtest(const Config& config, ReplaySettings settings, std::size_t workers, Progress progress)
      : config_(config),
        settings_(std::move(settings)),
        workers_(workers),
        progress_(std::move(progress)) {}

  // Fetches the range by `fetcher`, whose most_readings bounds what is held at once, and judges it.
  // Fails with the server's own words.
  [[nodiscard]] Result<BacktestResult> run(SeriesFetcher& fetcher, const BacktestQueries& queries,
                                           const TimeRange& range);

  static constexpr std::size_t kReadingsAPart = 400'000;
  static constexpr std::size_t kMostReadings = 4 * kReadingsAPart;
  static constexpr std::size_t kFirstPoints =
      100;  // of a part, before the number of series is known
  static constexpr std::size_t kMostSeries = 20'000;

 private:
  // The values, joined with what stands beside them.
  [[nodiscard]] static Result<RangeSeries> fetch(SeriesFetcher& fetcher,
                                                 const BacktestQueries& queries,
                                                 const TimeRange& part,
                                                 std::vector<Joiner>& joiners);
  void judge(const RangeSeries& part, double step_seconds);

  const Config& config_;
  ReplaySettings settings_;
  std::size_t workers_;
  Progress progress_;
  std::map<std::string, std::unique_ptr<SeriesReplay>> series_;  // by labels
  std::size_t left_out_ = 0;
};

}  // namespace heapfloor
