#include "agent/history/history_writer.h"

#include <algorithm>
#include <utility>

#include "agent/log.h"

namespace heapfloor {
namespace {

constexpr double kMostReserveBytes = 4.0 * 1024 * 1024;
constexpr double kLongestRetrySeconds = 60;
constexpr double kTellEverySeconds = 3600;

}  // namespace

HistoryWriter::HistoryWriter(HistoryOptions options)
    : options_(std::move(options)),
      reserve_bytes_(static_cast<std::uint64_t>(
          std::min(kMostReserveBytes, options_.limits.size_bytes / 16))) {}

HistoryWriter::~HistoryWriter() {
  thread_.request_stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> HistoryWriter::open() {
  Result<void> opened = open_store();
  if (!opened && opened.error().kind != ErrorKind::denied) {
    note_failure(opened.error(), 0);
    retry_at_seconds_ = 0;
  }
  is_continued_ = opened.has_value();
  return opened;
}

Result<void> HistoryWriter::open_store() {
  if (!directory_) {
    Result<StateDirectory> directory = StateDirectory::open(options_.path);
    if (!directory) return Failure(directory.error());
    directory_ = std::move(*directory);
  }
  rejected_seen_ = 0;
  const Result<std::string> identity = directory_->identity();
  if (!identity) return Failure(identity.error());
  Result<std::unique_ptr<HistoryStore>> store =
      HistoryStore::open(directory_->database_path(), *identity, options_.limits);
  if (!store && store.error().kind == ErrorKind::malformed)
    return begin_anew(*identity, store.error().reason);
  if (!store) return Failure(store.error());
  store_ = std::move(*store);
  directory_->make_reserve(reserve_bytes_);
  return {};
}

Result<void> HistoryWriter::begin_anew(const std::string& identity, const std::string& reason) {
  const Result<std::string> aside = directory_->move_aside();
  if (!aside) return Failure(aside.error());
  log_line(LogLevel::warning, "the history was moved aside and begun anew",
           {{"reason", reason}, {"path", *aside}});
  Result<std::unique_ptr<HistoryStore>> store =
      HistoryStore::open(directory_->database_path(), identity, options_.limits);
  // One that is malformed though it was just begun is a disk that cannot be trusted.
  if (!store) return failure(ErrorKind::io, store.error().path, store.error().reason);
  store_ = std::move(*store);
  const Result<std::uint64_t> rejected = store_->rescue_from(*aside);
  const std::scoped_lock lock(mutex_);
  has_lost_ = true;
  if (rejected) stats_.rows_rejected += *rejected;
  return {};
}

void HistoryWriter::visit(RowKind kind, const HistoryStore::Visitor& visitor) {
  if (!store_) return;
  if (const Result<void> read = store_->visit(kind, visitor); !read) note_failure(read.error(), 0);
  count_rejected();
}

void HistoryWriter::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void HistoryWriter::submit(HistoryBatch batch) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= kMostWaiting) {
      waiting_.pop_front();
      ++stats_.batches_dropped;
      has_lost_ = true;
    }
    waiting_.push_back(std::move(batch));
  }
  wake_.notify_one();
}

HistoryStats HistoryWriter::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

std::uint64_t HistoryWriter::losses() const {
  const std::scoped_lock lock(mutex_);
  return losses_;
}

void HistoryWriter::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return waiting_.empty() && !is_busy_; });
}

void HistoryWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, stop, [this] { return !waiting_.empty(); });
    if (waiting_.empty()) return;  // told to stop, and nothing is left
    const HistoryBatch batch = std::move(waiting_.front());
    waiting_.pop_front();
    is_busy_ = true;
    lock.unlock();
    take(batch);
    lock.lock();
    is_busy_ = false;
    if (waiting_.empty()) idle_.notify_all();
  }
}

void HistoryWriter::take(const HistoryBatch& batch) {
  if (!store_ && batch.time_seconds < retry_at_seconds_) return note_loss();
  Result<void> done = store_ ? Result<void>() : reopen(batch);
  if (done) done = write(batch);
  if (done) return note_success(batch);
  store_.reset();
  note_loss();
  note_failure(done.error(), batch.time_seconds);
}

Result<void> HistoryWriter::reopen(const HistoryBatch& batch) {
  if (Result<void> opened = open_store(); !opened || is_continued_) return opened;
  // Nobody has read what is in the file, so what is written from here on does not continue it.
  HistoryBatch nothing;
  nothing.unix_seconds = batch.unix_seconds;
  nothing.starts_anew = true;
  if (Result<void> emptied = store_->write(nothing); !emptied) return emptied;
  is_continued_ = true;
  const std::scoped_lock lock(mutex_);
  has_lost_ = true;
  return {};
}

Result<void> HistoryWriter::write(const HistoryBatch& batch) {
  Result<void> done = store_->write(batch);
  if (done || done.error().kind != ErrorKind::unavailable) return done;
  directory_->free_reserve();
  if (Result<void> room = store_->make_room(); !room) return room;
  return store_->write(batch);
}

void HistoryWriter::note_success(const HistoryBatch& batch) {
  last_batch_seconds_ = batch.time_seconds;
  retry_after_seconds_ = 0;
  if (is_failing_) log_line(LogLevel::info, "the history is written again", {});
  is_failing_ = false;
  if (!synced_at_seconds_ || batch.time_seconds - *synced_at_seconds_ >= options_.sync_seconds) {
    synced_at_seconds_ = batch.time_seconds;
    if (const Result<void> synced = store_->sync(); !synced) {
      store_.reset();  // after a sync that failed nothing is known of what reached the disk
      return note_failure(synced.error(), batch.time_seconds);
    }
    directory_->make_reserve(reserve_bytes_);
  }
  const std::uint64_t size = store_->size_bytes();
  const std::scoped_lock lock(mutex_);
  stats_.size_bytes = size;
  stats_.rows_written += batch.rows.size();
  stats_.last_write_seconds = batch.time_seconds;
  if (std::exchange(has_lost_, false)) ++losses_;
}

void HistoryWriter::note_failure(const Error& error, double time_seconds) {
  const double interval = std::max(1.0, time_seconds - last_batch_seconds_);
  retry_after_seconds_ = std::min(
      kLongestRetrySeconds, retry_after_seconds_ > 0 ? 2 * retry_after_seconds_
                                                     : std::min(interval, kLongestRetrySeconds));
  retry_at_seconds_ = time_seconds + retry_after_seconds_;
  is_failing_ = true;
  {
    const std::scoped_lock lock(mutex_);
    ++stats_.errors;
  }
  if (told_at_seconds_ && time_seconds - *told_at_seconds_ < kTellEverySeconds) return;
  told_at_seconds_ = time_seconds;
  log_line(LogLevel::error, "the history cannot be written; collection goes on without it",
           {{"path", error.path}, {"error", error.reason}});
}

void HistoryWriter::note_loss() {
  const std::scoped_lock lock(mutex_);
  has_lost_ = true;
  ++stats_.batches_dropped;
}

void HistoryWriter::count_rejected() {
  const std::uint64_t rejected = store_->rejected();
  const std::scoped_lock lock(mutex_);
  stats_.rows_rejected += rejected - std::exchange(rejected_seen_, rejected);
}

}  // namespace heapfloor
