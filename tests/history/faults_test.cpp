// kill -9 in the middle of writing, and damaged copies. A tenth of it in every run; all of it with
// HEAPFLOOR_FULL=1 (packaging/test --full). Every round follows from the seed it prints.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "agent/history/history_store.h"
#include "agent/history/history_writer.h"
#include "agent/history/state_directory.h"
#include "agent/log.h"
#include "tests/history/history_rows.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;
using Random = std::mt19937_64;

constexpr std::uint64_t kSeed = 4327;

bool is_full_run() {
  const char* const full = std::getenv("HEAPFLOOR_FULL");
  return full != nullptr && std::string_view(full) == "1";
}

class Directory {
 public:
  ~Directory() { fs::remove_all(path_); }
  [[nodiscard]] std::string path() const { return (path_ / "state").string(); }
  [[nodiscard]] fs::path parent() const { return path_; }

 private:
  fs::path path_ = testing::make_temporary_directory();
};

// --- kill -9

// In a process of its own: writes batch after batch from `first` on and acknowledges each.
[[noreturn]] void write_until_killed(const std::string& path, std::uint64_t first,
                                     int acknowledge) {
  const auto directory = StateDirectory::open(path);
  if (!directory) _exit(2);
  auto store = HistoryStore::open(directory->database_path(), *directory->identity(), kRoomyLimits);
  if (!store) _exit(3);
  for (std::uint64_t number = first;; ++number) {
    if (!(*store)->write(batch_of(number))) _exit(4);
    if (number % 16 == 0 && !(*store)->sync()) _exit(5);
    if (::write(acknowledge, &number, sizeof number) != sizeof number) _exit(6);
  }
}

// Kills the child at a random moment after at least one acknowledgement; the last one that came.
std::uint64_t kill_after_a_while(pid_t child, int acknowledged, Random& random) {
  std::uint64_t last = 0;
  const std::uint64_t enough = 1 + random() % 12;
  for (std::uint64_t count = 0; count < enough; ++count) {
    if (::read(acknowledged, &last, sizeof last) != sizeof last) break;
  }
  // The moment inside a transaction is what is random here.
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
  ::kill(child, SIGKILL);
  std::uint64_t number = 0;
  while (::read(acknowledged, &number, sizeof number) == sizeof number) last = number;
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
  return last;
}

std::uint64_t newest_tick(const Rows& rows) {
  std::uint64_t newest = 0;
  for (const auto& [id, bytes] : rows) {
    if (id.kind == RowKind::tick) newest = std::max(newest, id.number);
  }
  return newest;
}

TEST(HistoryFaults, LosesNothingAcknowledgedToKillNine) {
  const int kills = is_full_run() ? 1000 : 100;
  const Directory directory;
  Random random(kSeed);
  Rows model;
  std::uint64_t known = 0;  // the batch up to which the model goes
  for (int round = 0; round < kills; ++round) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(directory.path(), known + 1, ends[1]);
    ::close(ends[1]);
    const std::uint64_t acknowledged = kill_after_a_while(child, ends[0], random);
    ::close(ends[0]);
    const auto state = StateDirectory::open(directory.path());
    ASSERT_TRUE(state) << "the lock of a killed agent is free";
    auto store = HistoryStore::open(state->database_path(), *state->identity(), kRoomyLimits);
    ASSERT_TRUE(store) << store.error().reason << " in round " << round << " of seed " << kSeed;
    const Rows rows = rows_in(**store);
    const std::uint64_t newest = newest_tick(rows);
    ASSERT_GE(newest, acknowledged) << "in round " << round << " of seed " << kSeed;
    ASSERT_LE(newest, acknowledged + 1) << "one batch may be there that nobody heard of";
    while (known < newest) put_into(model, batch_of(++known));
    ASSERT_EQ(rows, model) << "in round " << round << " of seed " << kSeed;
    ASSERT_EQ((*store)->rejected(), 0U);
  }
  EXPECT_GE(known, static_cast<std::uint64_t>(kills)) << "every child wrote something";
}

// --- damaged copies

std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Everything a store ever held, and its files as they lie while it is written.
struct Original {
  std::set<std::pair<RowId, std::string>> rows;
  std::string identity, database, log, older_log, other_log;
};

void write_batches(HistoryStore& store, std::uint64_t first, std::uint64_t last,
                   std::uint64_t seed) {
  for (std::uint64_t number = first; number <= last; ++number) {
    ASSERT_TRUE(store.write(batch_of(number, seed)));
  }
}

Original make_original() {
  Original original;
  const Directory directory;
  const auto state = StateDirectory::open(directory.path());
  original.identity = *state->identity();
  auto store = HistoryStore::open(state->database_path(), original.identity, kRoomyLimits);
  write_batches(**store, 1, 30, kSeed);
  original.older_log = read_bytes(state->database_path() + "-wal");
  EXPECT_TRUE((*store)->sync());
  write_batches(**store, 31, 60, kSeed);
  original.database = read_bytes(state->database_path());
  original.log = read_bytes(state->database_path() + "-wal");
  for (std::uint64_t number = 1; number <= 60; ++number) {
    for (const HistoryRow& row : batch_of(number, kSeed).rows)
      original.rows.emplace(row.id, row.bytes);
  }
  const std::string other_path = directory.path() + "/other.db";
  auto other = HistoryStore::open(other_path, "another identity", kRoomyLimits);
  write_batches(**other, 1, 60, kSeed + 1);
  original.other_log = read_bytes(other_path + "-wal");
  return original;
}

void overwrite(std::string& bytes, Random& random, std::size_t most) {
  if (bytes.empty()) return;
  const std::size_t at = random() % bytes.size();
  const std::size_t size = std::min(bytes.size() - at, 1 + random() % most);
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(random());
}

void flip(char& byte, unsigned bit) {
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << bit));
}

void zero_page(std::string& bytes, Random& random) {
  constexpr std::size_t kPage = 4096;
  if (bytes.size() < kPage) return;
  const std::size_t page = random() % (bytes.size() / kPage);
  bytes.replace(page * kPage, kPage, kPage, '\0');
}

// Lays a damaged copy into the directory and says what was done to it.
std::string damage(const Original& original, const std::string& path, Random& random) {
  std::string identity = original.identity;
  std::string database = original.database;
  std::string log = original.log;
  std::string& either = random() % 2 == 0 ? database : log;
  std::string what;
  bool is_directory = false;
  switch (random() % 10) {
    case 0:
      what = "one bit";
      flip(either[random() % either.size()], static_cast<unsigned>(random() % 8));
      break;
    case 1:
    case 2:
      what = "random bytes";
      overwrite(either, random, 512);
      break;
    case 3:
      what = "a page of zeros";
      zero_page(either, random);
      break;
    case 4:
      what = "cut";
      either.resize(random() % either.size());
      break;
    case 5:
      what = "another version";
      database[63] = static_cast<char>(2 + random() % 100);
      log.clear();
      break;
    case 6:
      what = "the log of another time or store";
      log = random() % 2 == 0 ? original.older_log : original.other_log;
      break;
    case 7:
      what = "empty";
      either.clear();
      break;
    case 8:
      what = "a directory in its place";
      is_directory = true;
      break;
    default:
      what = "its identity";
      overwrite(identity, random, 16);
  }
  fs::create_directory(path);
  fs::permissions(path, fs::perms::owner_all);
  testing::write_file(path + "/identity", identity);
  if (is_directory) {
    fs::create_directory(path + (&either == &log ? "/history.db-wal" : "/history.db"));
  }
  if (!is_directory || &either == &log) testing::write_file(path + "/history.db", database);
  if (!is_directory || &either != &log) testing::write_file(path + "/history.db-wal", log);
  return what;
}

TEST(HistoryFaults, StartsFromEveryDamagedCopyAndServesNoWrongRow) {
  configure_log(LogLevel::error, LogFormat::logfmt);
  const std::uint64_t copies = is_full_run() ? 300 : 30;
  const Original original = make_original();
  std::uint64_t served = 0;
  for (std::uint64_t copy = 0; copy < copies; ++copy) {
    const std::uint64_t seed = kSeed + copy;
    Random random(seed);
    const Directory directory;
    const std::string what = damage(original, directory.path(), random);
    SCOPED_TRACE("copy of seed " + std::to_string(seed) + ": " + what);
    HistoryBatch fresh = batch_of(1000, kSeed);
    {
      HistoryWriter writer({directory.path(), kRoomyLimits, 60});
      ASSERT_TRUE(writer.open());
      for (const RowKind kind : kRowKinds) {
        writer.visit(kind, [&](const HistoryRow& row) {
          EXPECT_TRUE(original.rows.contains({row.id, row.bytes})) << "a wrong row was served";
          ++served;
        });
      }
      writer.start();
      writer.submit(fresh);
      writer.drain();
      EXPECT_EQ(writer.stats().errors, 0U);
      EXPECT_EQ(writer.stats().last_write_seconds, 1000);
    }
    HistoryWriter again({directory.path(), kRoomyLimits, 60});
    ASSERT_TRUE(again.open());
    bool is_there = false;
    again.visit(RowKind::agent,
                [&](const HistoryRow& row) { is_there = row.bytes == fresh.rows[2].bytes; });
    EXPECT_TRUE(is_there) << "what was written after the damage is kept";
  }
  EXPECT_GT(served, 20 * copies) << "most damage leaves most rows whole";
  configure_log(LogLevel::info, LogFormat::logfmt);
}

}  // namespace
}  // namespace heapfloor
