// HistoryWriter: the thread that writes the history, so that no disk is ever waited for by the
// collection.
//
// Whatever the disk does, the agent goes on: after an error the file is closed, the error counted
// and told to the log once an hour, and a next attempt made with one of the following batches
// (after one interval, then twice as many each time, at most a minute). A damaged file, or one of
// another version, is moved aside with a message; what is whole in it is taken over.
//
// Thread rule: open() and visit() before start(), by one thread; submit(), stats() and losses() by
// any thread afterwards.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "agent/history/history_row.h"
#include "agent/history/history_store.h"
#include "agent/history/state_directory.h"
#include "collectors/result.h"

namespace heapfloor {

struct HistoryOptions {
  std::string path;  // of the directory
  HistoryLimits limits;
  double sync_seconds = 60;
};

class HistoryWriter {
 public:
  explicit HistoryWriter(HistoryOptions options);
  HistoryWriter(const HistoryWriter&) = delete;
  HistoryWriter& operator=(const HistoryWriter&) = delete;
  // Writes what was submitted, then closes.
  ~HistoryWriter();

  // Opens the directory and the file. An error of kind `denied` is final (another agent, another
  // owner); anything else was told to the log and is tried again while the agent runs.
  [[nodiscard]] Result<void> open();
  // What is there. Nothing where the file could not be opened.
  void visit(RowKind kind, const HistoryStore::Visitor& visitor);
  void start();

  // Never waits for the disk. Above kMostWaiting batches the oldest is dropped and counted.
  void submit(HistoryBatch batch);
  static constexpr std::size_t kMostWaiting = 32;

  [[nodiscard]] HistoryStats stats() const;
  // Grows when the file is written again after something submitted did not reach it: what is there
  // is older than it should be, until everything was submitted anew.
  [[nodiscard]] std::uint64_t losses() const;
  // Waits until everything submitted so far was written or given up.
  void drain();

 private:
  void run(const std::stop_token& stop);
  void take(const HistoryBatch& batch);
  [[nodiscard]] Result<void> open_store();
  [[nodiscard]] Result<void> reopen(const HistoryBatch& batch);
  [[nodiscard]] Result<void> begin_anew(const std::string& identity, const std::string& reason);
  [[nodiscard]] Result<void> write(const HistoryBatch& batch);
  void note_success(const HistoryBatch& batch);
  void note_failure(const Error& error, double time_seconds);
  void note_loss();
  void count_rejected();

  const HistoryOptions options_;
  const std::uint64_t reserve_bytes_;
  // The writing thread's own, once it runs.
  std::optional<StateDirectory> directory_;
  std::unique_ptr<HistoryStore> store_;
  std::uint64_t rejected_seen_ = 0;
  double retry_at_seconds_ = 0;
  double retry_after_seconds_ = 0;
  double last_batch_seconds_ = 0;
  std::optional<double> told_at_seconds_;  // when the log was last told of a failure
  std::optional<double> synced_at_seconds_;
  bool is_failing_ = false;
  bool is_continued_ = false;  // what is in the file was read at the start, or written by us

  mutable std::mutex mutex_;  // everything below
  std::condition_variable_any wake_;
  std::condition_variable_any idle_;
  std::deque<HistoryBatch> waiting_;
  bool is_busy_ = false;
  HistoryStats stats_;
  std::uint64_t losses_ = 0;
  bool has_lost_ = false;  // since the last write
  std::jthread thread_;    // last: it uses all of the above
};

}  // namespace heapfloor
