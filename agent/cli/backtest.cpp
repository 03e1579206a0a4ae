#include "agent/cli/backtest.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "agent/cli/svg_chart.h"

namespace heapfloor {
namespace {

std::size_t readings_of(const RangeSeries& series) {
  std::size_t readings = 0;
  for (const auto& [labels, piece] : series) readings += piece.observations.size();
  return readings;
}

// So many points that the next part has about as many readings as it may.
std::size_t fitting_points(std::size_t points, std::size_t readings) {
  const std::size_t at_each = std::max<std::size_t>(readings / points, 1);
  return std::clamp<std::size_t>(Backtest::kReadingsAPart / at_each, 1, kMostPointsAPart);
}

}  // namespace

Result<BacktestResult> Backtest::run(SeriesFetcher& fetcher, const BacktestQueries& queries,
                                     const TimeRange& range) {
  std::vector<Joiner> joiners;
  for (const BacktestColumn& column : queries.beside) joiners.emplace_back(column.column);
  const std::size_t all = range.points();
  std::size_t points = kFirstPoints;
  std::size_t most_points = kMostPointsAPart;  // that were not too much
  for (std::size_t done = 0, part = 0; done < all; ++part) {
    const std::size_t left = (all - done + points - 1) / points;
    progress_({part, part + left, series_.size(), "judged", "part"});
    const TimeRange here = part_of(range, done, points);
    const auto series = fetch(fetcher, queries, here, joiners);
    if (!series && fetcher.was_too_much() && points > 1) {
      points = most_points = std::max<std::size_t>(here.points() / 2, 1);
      continue;
    }
    if (!series) return Failure(series.error());
    left_out_ = std::max(left_out_, fetcher.left_out());
    judge(*series, range.step_seconds);
    done += here.points();
    points = std::min(most_points, fitting_points(here.points(), readings_of(*series)));
  }
  BacktestResult result;
  result.left_out = left_out_;
  for (const Joiner& joiner : joiners)
    result.without.push_back(series_.size() - std::min(series_.size(), joiner.joined()));
  for (auto& [labels, replay] : series_) {
    result.judged.series.push_back(replay->finish());
    replay.reset();
    if (result.judged.series.size() % kMostCharts == 0) keep_urgent_charts(result.judged.series);
  }
  series_.clear();
  return result;
}

Result<RangeSeries> Backtest::fetch(SeriesFetcher& fetcher, const BacktestQueries& queries,
                                    const TimeRange& part, std::vector<Joiner>& joiners) {
  std::vector<RangeSeries> others;
  for (const BacktestColumn& column : queries.beside) {
    auto fetched = fetcher.fetch(column.query, part);
    if (!fetched) return fetched;
    others.push_back(std::move(*fetched));
  }
  auto series = fetcher.fetch(queries.values, part);
  if (!series) return series;
  for (std::size_t i = 0; i < others.size(); ++i) joiners[i].join(*series, others[i]);
  return series;
}

// On several threads: no two of them have the same series.
void Backtest::judge(const RangeSeries& part, double step_seconds) {
  std::vector<std::pair<SeriesReplay*, const ReplaySeries*>> pieces;
  for (const auto& [labels, piece] : part) {
    const auto known = series_.find(labels);
    if (known == series_.end() && series_.size() >= kMostSeries) {
      ++left_out_;
      continue;
    }
    std::unique_ptr<SeriesReplay>& replay = series_[labels];
    if (!replay) {
      replay = std::make_unique<SeriesReplay>(
          labels, config_, settings_, settings_.interval_seconds.value_or(step_seconds),
          ReadingThinner(step_seconds, step_seconds, kChartColumns));
    }
    pieces.emplace_back(replay.get(), &piece);
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t at = next++; at < pieces.size(); at = next++)
      pieces[at].first->take(*pieces[at].second);
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < std::min(workers_, pieces.size()); ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
}

}  // namespace heapfloor
