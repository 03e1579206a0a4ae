#include "agent/cli/replay_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace heapfloor {
namespace {

// How far ahead of the slowest file the threads may be, for each of them.
constexpr std::size_t kWindowPerJob = 4;
constexpr std::chrono::milliseconds kProgressPause(100);

class Pool {
 public:
  Pool(const std::vector<ReplayInput>& inputs, const Config& config, const ReplaySettings& settings,
       std::size_t jobs)
      : inputs_(inputs),
        config_(config),
        settings_(settings),
        window_(jobs * kWindowPerJob),
        results_(inputs.size()) {
    threads_.reserve(jobs);
    for (std::size_t i = 0; i < jobs; ++i) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {  // no more threads to be had: fewer do
        if (threads_.empty()) throw;
        break;
      }
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // The next file in order, or nothing while it is not done; waits a moment for it.
  std::optional<ReplayedFile> next() {
    std::unique_lock lock(mutex_);
    const auto is_done = [this] { return results_[delivered_].has_value(); };
    if (!changed_.wait_for(lock, kProgressPause, is_done)) return std::nullopt;
    std::optional<ReplayedFile> file = std::exchange(results_[delivered_], std::nullopt);
    ++delivered_;
    lock.unlock();
    changed_.notify_all();
    return file;
  }

  [[nodiscard]] ReplayProgress progress() {
    const std::lock_guard lock(mutex_);
    return {done_, inputs_.size(), series_};
  }

 private:
  void work() {
    while (const std::optional<std::size_t> index = claim()) {
      ReplayedFile file = run(inputs_[*index]);
      {
        const std::lock_guard lock(mutex_);
        results_[*index] = std::move(file);
        ++done_;
      }
      changed_.notify_all();
    }
  }

  std::optional<std::size_t> claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] {
      return stopped_ || claimed_ == inputs_.size() || claimed_ < delivered_ + window_;
    });
    if (stopped_ || claimed_ == inputs_.size()) return std::nullopt;
    return claimed_++;
  }

  ReplayedFile run(const ReplayInput& input) {
    ReplayedFile file;
    if (input.error) {
      file.error = input.error;
      return file;
    }
    try {
      const Result<void> read =
          read_replay_input(input.path, [&](const std::string& labels, const ReplaySeries& series) {
            file.series.push_back(replay_series(input.path + labels, series, config_, settings_));
            ++series_;
            if (file.series.size() % kMostCharts == 0) keep_urgent_charts(file.series);
          });
      if (!read) file = {{}, read.error()};
    } catch (const std::exception& problem) {
      file = {{}, Error{ErrorKind::io, input.path, problem.what()}};
    }
    return file;
  }

  const std::vector<ReplayInput>& inputs_;
  const Config& config_;
  const ReplaySettings& settings_;
  const std::size_t window_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<ReplayedFile>> results_;
  std::size_t claimed_ = 0;
  std::size_t delivered_ = 0;
  std::size_t done_ = 0;
  bool stopped_ = false;
  std::atomic<std::uint64_t> series_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

void replay_files(const std::vector<ReplayInput>& inputs, const Config& config,
                  const ReplaySettings& settings, std::size_t jobs, const ReplayPoolHooks& hooks) {
  Pool pool(inputs, config, settings,
            std::clamp<std::size_t>(jobs, 1, std::max<std::size_t>(inputs.size(), 1)));
  for (std::size_t delivered = 0; delivered < inputs.size();) {
    hooks.progress(pool.progress());
    if (std::optional<ReplayedFile> file = pool.next()) {
      hooks.deliver(std::move(*file));
      ++delivered;
    }
  }
}

void keep_urgent_charts(std::vector<ReplaySummary>& series, std::size_t most) {
  std::vector<ReplaySummary*> charted;
  for (ReplaySummary& summary : series)
    if (summary.chart) charted.push_back(&summary);
  if (charted.size() <= most) return;
  std::stable_sort(charted.begin(), charted.end(),
                   [](const auto* a, const auto* b) { return is_more_urgent(*a, *b); });
  for (std::size_t i = most; i < charted.size(); ++i) charted[i]->chart.reset();
}

}  // namespace heapfloor
