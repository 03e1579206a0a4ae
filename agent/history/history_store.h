// HistoryStore: rows in one SQLite file. The only user of SQLite.
//
// Every row carries a checksum over all of its columns, seeded with the identity of its file:
// SQLite does not notice altered values (of 300 damaged copies, 32 gave other sums without an
// error), nor pages of another file that a swapped write-ahead log brings in. What does not fit its
// checksum is counted and never served. A transaction is whole or not there after kill -9; power
// loss costs what was written since the last sync() (write-ahead log, synchronous=NORMAL). Locks
// are exclusive and in memory, so there is no mapped file that could be cut under us. Not
// thread-safe, but bound to no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/history/history_row.h"
#include "collectors/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace heapfloor {

struct HistoryLimits {
  double retention_seconds = 0;
  double size_bytes = 0;
};

class HistoryStore {
 public:
  using Visitor = std::function<void(const HistoryRow&)>;

  // Opens the file, or begins it, and reads all of it once. `identity` is any text that no other
  // store has. ErrorKind::malformed: the file is damaged or of another version; anything else may
  // be better next time.
  [[nodiscard]] static Result<std::unique_ptr<HistoryStore>> open(const std::string& path,
                                                                  std::string_view identity,
                                                                  const HistoryLimits& limits);
  HistoryStore(const HistoryStore&) = delete;
  HistoryStore& operator=(const HistoryStore&) = delete;
  ~HistoryStore();

  // One transaction. After an error the store must be closed: nothing is known of what was written.
  // ErrorKind::unavailable: there is no room, on the disk or within the limit; then and only then
  // it may be tried again after make_room().
  [[nodiscard]] Result<void> write(const HistoryBatch& batch);
  // Gives up the older half of what is kept for its own sake (transitions, incarnations).
  [[nodiscard]] Result<void> make_room();
  // Everything written so far survives a loss of power.
  [[nodiscard]] Result<void> sync();

  // The rows of one kind in ascending order of their numbers.
  [[nodiscard]] Result<void> visit(RowKind kind, const Visitor& visitor);
  // Takes over every row of another store, damaged or not, that fits its checksum and is not here
  // yet. Returns how many were rejected, or nothing when it is no store of this version.
  [[nodiscard]] Result<std::uint64_t> rescue_from(const std::string& path);

  [[nodiscard]] std::uint64_t size_bytes() const;
  // Rows that visit() met since the file was opened and that did not fit their checksum.
  [[nodiscard]] std::uint64_t rejected() const { return rejected_; }

  static constexpr int kVersion = 1;
  // The newest rows of a kind that age alone does not remove: a date that jumped is no age.
  static constexpr std::uint64_t kKeptWhateverTheirAge = 1000;

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Database = std::unique_ptr<sqlite3, Closer>;
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

  HistoryStore(std::string path, std::uint64_t seed, const HistoryLimits& limits,
               Database database);

  [[nodiscard]] static Result<std::unique_ptr<HistoryStore>> connect(const std::string& path,
                                                                     std::uint64_t seed,
                                                                     const HistoryLimits& limits);
  [[nodiscard]] Result<void> begin_or_check();
  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<void> check_schema();
  [[nodiscard]] Result<void> check_rows();
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> visit_ids(std::int64_t first, std::int64_t last,
                                       const Visitor& visitor);
  [[nodiscard]] Result<void> apply(const HistoryBatch& batch);
  [[nodiscard]] Result<void> put(const HistoryRow& row, bool replace);
  [[nodiscard]] Result<void> erase(std::int64_t first, std::int64_t last);
  [[nodiscard]] Result<void> forget_old_rows(double unix_seconds);
  [[nodiscard]] Result<void> keep_half_of(RowKind kind);
  [[nodiscard]] Result<void> run(const char* sql);
  [[nodiscard]] Result<std::int64_t> number(const char* sql);
  [[nodiscard]] Result<std::int64_t> newest_id(RowKind kind);
  [[nodiscard]] Failure error() const;
  [[nodiscard]] std::uint64_t checksum(const HistoryRow& row) const;

  std::string path_;
  std::uint64_t seed_;  // of the store's identity
  HistoryLimits limits_;
  Database database_;
  Statement put_, put_new_, erase_;
  std::uint64_t rejected_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace heapfloor
