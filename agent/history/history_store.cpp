#include "agent/history/history_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/series/bytes.h"

namespace heapfloor {
namespace {

constexpr std::int64_t kApplication = 0x48464c52;  // "HFLR" in the file's header
constexpr std::uint64_t kNumbers = std::uint64_t{1} << 48U;
constexpr const char* kTable =
    "CREATE TABLE row(id INTEGER PRIMARY KEY, at REAL NOT NULL, bytes BLOB NOT NULL, checksum "
    "INTEGER NOT NULL)";
constexpr double kPageBytes = 4096;
constexpr std::uint64_t kWritesPerCleaning = 64;
constexpr std::size_t kMostRowBytes = 64U << 20U;
// A damaged tree may lead to the same pages again and again.
constexpr std::uint64_t kMostRescuedRows = 1000000;

// FNV-1a, 64 bits (Fowler, Noll, Vo): every step is a bijection, so no change of a single byte goes
// unnoticed.
constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325ULL;

std::uint64_t mix(std::uint64_t hash, std::string_view bytes) {
  constexpr std::uint64_t kFnvPrime = 0x100000001b3ULL;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * kFnvPrime;
  }
  return hash;
}

std::int64_t to_number(const RowId& id) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(id.kind) * kNumbers +
                                   std::min(id.number, kNumbers - 1));
}

std::optional<RowId> to_id(std::int64_t number) {
  const auto raw = static_cast<std::uint64_t>(number);
  const auto* const kind = std::ranges::find(kRowKinds, static_cast<RowKind>(raw / kNumbers));
  if (raw / kNumbers > 255 || kind == kRowKinds.end()) return std::nullopt;
  return RowId{*kind, raw % kNumbers};
}

std::int64_t first_of(RowKind kind) { return to_number({kind, 0}); }
std::int64_t last_of(RowKind kind) { return to_number({kind, kNumbers - 1}); }

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::malformed;
    case SQLITE_FULL:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::io;
  }
}

Failure damaged(const std::string& path, std::string reason) {
  return failure(ErrorKind::malformed, path, std::move(reason));
}

// The row under a statement "id, at, bytes, checksum", and the checksum it carries.
struct ReadRow {
  std::optional<RowId> id;
  HistoryRow row;
  std::uint64_t checksum = 0;
};

ReadRow row_of(sqlite3_stmt* statement) {
  ReadRow read;
  const bool is_plausible = sqlite3_column_type(statement, 1) == SQLITE_FLOAT &&
                            sqlite3_column_type(statement, 2) == SQLITE_BLOB &&
                            sqlite3_column_type(statement, 3) == SQLITE_INTEGER;
  read.id = to_id(sqlite3_column_int64(statement, 0));
  if (!is_plausible || !read.id) {
    read.id.reset();
    return read;
  }
  read.row.id = *read.id;
  read.row.unix_seconds = sqlite3_column_double(statement, 1);
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, 2));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 2));
  if (bytes != nullptr && size <= kMostRowBytes) read.row.bytes.assign(bytes, size);
  read.checksum = static_cast<std::uint64_t>(sqlite3_column_int64(statement, 3));
  return read;
}

}  // namespace

void HistoryStore::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void HistoryStore::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

HistoryStore::HistoryStore(std::string path, std::uint64_t seed, const HistoryLimits& limits,
                           Database database)
    : path_(std::move(path)), seed_(seed), limits_(limits), database_(std::move(database)) {}

HistoryStore::~HistoryStore() = default;

Failure HistoryStore::error() const {
  return failure(kind_of(sqlite3_extended_errcode(database_.get())), path_,
                 sqlite3_errmsg(database_.get()));
}

Result<void> HistoryStore::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<std::int64_t> HistoryStore::number(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) return error();
  const Statement statement(raw);
  if (sqlite3_step(raw) != SQLITE_ROW) return error();
  return sqlite3_column_int64(raw, 0);
}

Result<std::unique_ptr<HistoryStore>> HistoryStore::connect(const std::string& path,
                                                            std::uint64_t seed,
                                                            const HistoryLimits& limits) {
  for (const char* const beside : {"", "-wal"}) {
    if (is_directory(path + beside)) return damaged(path + beside, "is a directory");
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return failure(ErrorKind::io, path, std::strerror(errno));
  ::close(file);
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<HistoryStore> store(new HistoryStore(path, seed, limits, Database(raw)));
  if (code != SQLITE_OK) return store->error();
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const Result<void> tuned = store->run(
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      "PRAGMA cache_size=-512; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=EXCLUSIVE;"
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=512;"
      "PRAGMA journal_size_limit=4194304");
  if (!tuned) return Failure(tuned.error());
  return store;
}

Result<std::unique_ptr<HistoryStore>> HistoryStore::open(const std::string& path,
                                                         std::string_view identity,
                                                         const HistoryLimits& limits) {
  Result<std::unique_ptr<HistoryStore>> store = connect(path, mix(kFnvBasis, identity), limits);
  if (!store) return store;
  if (Result<void> fits = (*store)->begin_or_check(); !fits) return Failure(fits.error());
  if (Result<void> sound = (*store)->check_rows(); !sound) return Failure(sound.error());
  if (Result<void> ready = (*store)->prepare(); !ready) return Failure(ready.error());
  return store;
}

Result<void> HistoryStore::begin_or_check() {
  const Result<std::int64_t> tables = number("SELECT count(*) FROM sqlite_master");
  if (!tables) return Failure(tables.error());
  return *tables == 0 ? begin() : check_schema();
}

Result<void> HistoryStore::begin() {
  return run(
      fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={}; PRAGMA user_version={}; {}; COMMIT",
                  kApplication, kVersion, kTable)
          .c_str());
}

Result<void> HistoryStore::check_schema() {
  const Result<std::int64_t> application = number("PRAGMA application_id");
  if (!application) return Failure(application.error());
  if (*application != kApplication) return damaged(path_, "is no history of heapfloor");
  const Result<std::int64_t> version = number("PRAGMA user_version");
  if (!version) return Failure(version.error());
  if (*version != kVersion)
    return damaged(path_, fmt::format("is of version {}, this agent reads and writes version {}",
                                      *version, kVersion));
  const std::string expected = fmt::format(
      "SELECT (SELECT count(*) FROM sqlite_master)=1 AND (SELECT sql FROM sqlite_master)='{}'",
      kTable);
  const Result<std::int64_t> is_ours = number(expected.c_str());
  if (!is_ours) return Failure(is_ours.error());
  if (*is_ours != 1) return damaged(path_, "its tables are not those of a history");
  return {};
}

Result<void> HistoryStore::check_rows() {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(), "PRAGMA quick_check(1)", -1, &raw, nullptr) != SQLITE_OK)
    return error();
  const Statement statement(raw);
  if (sqlite3_step(raw) != SQLITE_ROW) return error();
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
  if (text == nullptr || std::string_view(text) != "ok") {
    return damaged(path_, text == nullptr ? "cannot be checked" : std::string(text).substr(0, 80));
  }
  sqlite3_reset(raw);
  const std::uint64_t before = rejected_;
  Result<void> read =
      visit_ids(first_of(RowKind::agent), last_of(RowKind::incarnation), [](const HistoryRow&) {});
  if (!read) return read;
  if (rejected_ > before)
    return damaged(path_, fmt::format("{} rows do not fit their checksums", rejected_ - before));
  return {};
}

Result<void> HistoryStore::prepare() {
  const double room = limits_.size_bytes - std::min(limits_.size_bytes / 4, 32.0 * 1024 * 1024);
  const std::string cap =
      fmt::format("PRAGMA max_page_count={}", static_cast<std::int64_t>(room / kPageBytes));
  if (Result<void> done = run(cap.c_str()); !done) return done;
  const std::array<std::pair<Statement*, const char*>, 3> statements = {{
      {&put_, "INSERT OR REPLACE INTO row VALUES(?,?,?,?)"},
      {&put_new_, "INSERT OR IGNORE INTO row VALUES(?,?,?,?)"},
      {&erase_, "DELETE FROM row WHERE id BETWEEN ? AND ?"},
  }};
  for (const auto& [statement, sql] : statements) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) return error();
    *statement = Statement(raw);
  }
  return {};
}

std::uint64_t HistoryStore::checksum(const HistoryRow& row) const {
  std::string head;
  ByteWriter out(head);
  out.put(to_number(row.id));
  out.put(row.unix_seconds);
  return mix(mix(seed_, head), row.bytes);
}

Result<void> HistoryStore::visit(RowKind kind, const Visitor& visitor) {
  return visit_ids(first_of(kind), last_of(kind), visitor);
}

Result<void> HistoryStore::visit_ids(std::int64_t first, std::int64_t last,
                                     const Visitor& visitor) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(),
                         "SELECT id, at, bytes, checksum FROM row WHERE id BETWEEN ? AND ? "
                         "ORDER BY id",
                         -1, &raw, nullptr) != SQLITE_OK)
    return error();
  const Statement statement(raw);
  sqlite3_bind_int64(raw, 1, first);
  sqlite3_bind_int64(raw, 2, last);
  std::uint64_t visited = 0;
  for (;;) {
    const int code = sqlite3_step(raw);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return error();
    if (++visited > kMostRescuedRows) return damaged(path_, "has too many rows");
    const ReadRow read = row_of(raw);
    if (read.id && checksum(read.row) == read.checksum) {
      visitor(read.row);
    } else {
      ++rejected_;
    }
  }
}

Result<void> HistoryStore::put(const HistoryRow& row, bool replace) {
  sqlite3_stmt* const statement = replace ? put_.get() : put_new_.get();
  sqlite3_bind_int64(statement, 1, to_number(row.id));
  sqlite3_bind_double(statement, 2, row.unix_seconds);
  sqlite3_bind_blob64(statement, 3, row.bytes.data(), row.bytes.size(), SQLITE_STATIC);
  sqlite3_bind_int64(statement, 4, static_cast<std::int64_t>(checksum(row)));
  Result<void> done;
  if (sqlite3_step(statement) != SQLITE_DONE) done = error();
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return done;
}

Result<void> HistoryStore::erase(std::int64_t first, std::int64_t last) {
  sqlite3_bind_int64(erase_.get(), 1, first);
  sqlite3_bind_int64(erase_.get(), 2, last);
  Result<void> done;
  if (sqlite3_step(erase_.get()) != SQLITE_DONE) done = error();
  sqlite3_reset(erase_.get());
  return done;
}

Result<void> HistoryStore::apply(const HistoryBatch& batch) {
  if (batch.starts_anew) {
    for (const RowKind kind : {RowKind::series, RowKind::tick}) {
      if (Result<void> done = erase(first_of(kind), last_of(kind)); !done) return done;
    }
  }
  for (const RowId& id : batch.erased) {
    if (Result<void> done = erase(to_number(id), to_number(id)); !done) return done;
  }
  if (batch.first_tick > 0) {
    const std::int64_t last = to_number({RowKind::tick, batch.first_tick - 1});
    if (Result<void> done = erase(first_of(RowKind::tick), last); !done) return done;
  }
  for (const HistoryRow& row : batch.rows) {
    if (Result<void> done = put(row, true); !done) return done;
  }
  if (writes_++ % kWritesPerCleaning == 0) return forget_old_rows(batch.unix_seconds);
  return {};
}

Result<void> HistoryStore::write(const HistoryBatch& batch) {
  if (Result<void> done = run("BEGIN IMMEDIATE"); !done) return done;
  Result<void> done = apply(batch);
  if (done) done = run("COMMIT");
  if (!done) static_cast<void>(run("ROLLBACK"));  // it may have been rolled back already
  return done;
}

Result<std::int64_t> HistoryStore::newest_id(RowKind kind) {
  return number(fmt::format("SELECT coalesce(max(id), {0}) FROM row WHERE id BETWEEN {0} AND {1}",
                            first_of(kind), last_of(kind))
                    .c_str());
}

Result<void> HistoryStore::forget_old_rows(double unix_seconds) {
  for (const RowKind kind : {RowKind::transition, RowKind::incarnation}) {
    const Result<std::int64_t> newest = newest_id(kind);
    if (!newest) return Failure(newest.error());
    const auto kept = static_cast<std::int64_t>(kKeptWhateverTheirAge);
    const std::string sql =
        fmt::format("DELETE FROM row WHERE id BETWEEN {} AND {} AND at < {}", first_of(kind),
                    *newest - kept, unix_seconds - limits_.retention_seconds);
    if (Result<void> done = run(sql.c_str()); !done) return done;
    if (static_cast<double>(size_bytes()) < 0.7 * limits_.size_bytes) continue;
    if (Result<void> done = keep_half_of(kind); !done) return done;
  }
  return run("PRAGMA incremental_vacuum(256)");
}

Result<void> HistoryStore::keep_half_of(RowKind kind) {
  const Result<std::int64_t> newest = newest_id(kind);
  if (!newest) return Failure(newest.error());
  const Result<std::int64_t> count =
      number(fmt::format("SELECT count(*) FROM row WHERE id BETWEEN {} AND {}", first_of(kind),
                         last_of(kind))
                 .c_str());
  if (!count) return Failure(count.error());
  return erase(first_of(kind), *newest - *count / 2);
}

Result<void> HistoryStore::make_room() {
  for (const RowKind kind : {RowKind::transition, RowKind::incarnation}) {
    if (Result<void> done = keep_half_of(kind); !done) return done;
  }
  return {};
}

Result<void> HistoryStore::sync() {
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  if (code != SQLITE_OK) return error();
  return {};
}

Result<std::uint64_t> HistoryStore::rescue_from(const std::string& path) {
  Result<std::unique_ptr<HistoryStore>> other = connect(path, seed_, limits_);
  if (!other) return Failure(other.error());
  const Result<void> fits = (*other)->check_schema();
  if (!fits) return Failure(fits.error());
  if (Result<void> done = run("BEGIN IMMEDIATE"); !done) return Failure(done.error());
  Result<void> written;
  const Result<void> read = (*other)->visit_ids(
      first_of(RowKind::agent), last_of(RowKind::incarnation), [&](const HistoryRow& row) {
        if (written) written = put(row, false);
      });
  // Where the damage ends the reading, what came before it is whole all the same.
  static_cast<void>(read);
  if (written) written = run("COMMIT");
  if (!written) {
    static_cast<void>(run("ROLLBACK"));
    return Failure(written.error());
  }
  return (*other)->rejected();
}

std::uint64_t HistoryStore::size_bytes() const {
  std::uint64_t bytes = 0;
  for (const char* const beside : {"", "-wal"}) {
    struct stat status {};
    if (stat((path_ + beside).c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return bytes;
}

}  // namespace heapfloor
