// What the disk does to the history, and that the agent goes on.
#include "agent/history/history_writer.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "tests/history/history_rows.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

class HistoryWriterTest : public ::testing::Test {
 protected:
  ~HistoryWriterTest() override {
    writer_.reset();
    if (is_mounted_) umount(parent_.c_str());
    fs::remove_all(parent_);
  }

  void open() {
    writer_.reset();
    writer_ = std::make_unique<HistoryWriter>(options());
    opened_ = writer_->open();
    model_seen_.clear();
    for (const RowKind kind : kRowKinds) {
      writer_->visit(kind, [this](const HistoryRow& row) { model_seen_[row.id] = row.bytes; });
    }
    writer_->start();
  }
  [[nodiscard]] HistoryOptions options() const { return {path_, kRoomyLimits, 5}; }

  // Hands in the batches `first` to `last` and waits for the disk.
  void write(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) {
      writer_->submit(batch_of(number));
      writer_->drain();
    }
  }

  // A file system of its own in parent_, or the test is skipped.
  bool mount_small(const char* size) {
    is_mounted_ = mount("tmpfs", parent_.c_str(), "tmpfs", 0, size) == 0;
    return is_mounted_;
  }

  fs::path parent_ = testing::make_temporary_directory();
  std::string path_ = (parent_ / "state").string();
  bool is_mounted_ = false;
  std::unique_ptr<HistoryWriter> writer_;
  Result<void> opened_;
  Rows model_seen_;  // what open() found
};

TEST_F(HistoryWriterTest, HasWrittenEverythingWhenItIsDestroyed) {
  open();
  Rows model;
  for (std::uint64_t number = 1; number <= HistoryWriter::kMostWaiting; ++number) {
    writer_->submit(batch_of(number));
    put_into(model, batch_of(number));
  }
  open();
  EXPECT_EQ(model_seen_, model);
}

TEST_F(HistoryWriterTest, CountsWhatItWrites) {
  open();
  write(1, 3);
  const HistoryStats stats = writer_->stats();
  EXPECT_EQ(stats.rows_written, 10U);
  EXPECT_EQ(stats.last_write_seconds, 3);
  EXPECT_GT(stats.size_bytes, 0U);
  EXPECT_EQ(stats.errors, 0U);
  EXPECT_EQ(writer_->losses(), 0U);
}

TEST_F(HistoryWriterTest, DropsTheOldestWhereNothingIsWrittenAndTellsThatSomethingIsMissing) {
  HistoryWriter idle(options());  // its thread never runs
  ASSERT_TRUE(idle.open());
  for (std::uint64_t number = 1; number <= HistoryWriter::kMostWaiting + 5; ++number) {
    idle.submit(batch_of(number));
  }
  EXPECT_EQ(idle.stats().batches_dropped, 5U);
  EXPECT_EQ(idle.losses(), 0U);
  idle.start();
  idle.drain();
  EXPECT_EQ(idle.losses(), 1U) << "told once it is written again";
}

TEST_F(HistoryWriterTest, MovesAVersionItDoesNotKnowAsideAndBeginsAnew) {
  open();
  write(1, 10);
  writer_.reset();
  std::fstream file(path_ + "/history.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);  // user_version, big-endian (SQLite file format, 1.3)
  file.write("\0\0\0\2", 4);
  file.close();
  open();
  EXPECT_TRUE(opened_);
  EXPECT_TRUE(model_seen_.empty());
  EXPECT_TRUE(fs::exists(path_ + "/history.db.aside-1"));
  write(11, 12);
  EXPECT_EQ(writer_->stats().errors, 0U);
  EXPECT_EQ(writer_->stats().last_write_seconds, 12);
}

TEST_F(HistoryWriterTest, GoesOnWithoutADirectoryAndTakesItOnceItIsThere) {
  path_ = (parent_ / "later" / "state").string();
  open();
  EXPECT_FALSE(opened_);
  write(1, 4);
  EXPECT_EQ(writer_->losses(), 0U) << "no use in writing everything yet";
  EXPECT_GE(writer_->stats().errors, 1U);
  EXPECT_EQ(writer_->stats().last_write_seconds, 0);
  fs::create_directory(parent_ / "later");
  write(100, 101);  // later than any wait for the next attempt
  EXPECT_EQ(writer_->stats().last_write_seconds, 101);
  EXPECT_EQ(writer_->losses(), 1U) << "what nobody could write has to be written again";
}

TEST_F(HistoryWriterTest, WaitsLongerBeforeEachAttemptButNeverMoreThanAMinute) {
  path_ = (parent_ / "later" / "state").string();
  open();
  write(1, 600);
  EXPECT_GE(writer_->stats().errors, 10U);
  EXPECT_LE(writer_->stats().errors, 20U);
  fs::create_directory(parent_ / "later");
  write(601, 662);
  EXPECT_EQ(writer_->stats().last_write_seconds, 662);
}

TEST_F(HistoryWriterTest, RecoversFromADiskThatWasFull) {
  if (!mount_small("size=3m")) GTEST_SKIP() << "only root can mount a small disk";
  open();
  write(1, 20);
  ASSERT_EQ(writer_->stats().last_write_seconds, 20);
  std::ofstream ballast(parent_ / "ballast", std::ios::binary);
  while (ballast.write(std::string(4096, 'x').data(), 4096) && ballast.flush()) continue;
  ballast.close();
  write(21, 220);  // far more than is left, and than the reserve gives
  const HistoryStats full = writer_->stats();
  EXPECT_LT(full.last_write_seconds, 220) << "the disk was to be full";
  EXPECT_GT(full.errors, 0U);
  fs::remove(parent_ / "ballast");
  write(300, 302);
  EXPECT_EQ(writer_->stats().last_write_seconds, 302) << "it is written again once there is room";
  open();
  EXPECT_EQ(writer_->stats().rows_rejected, 0U);
  EXPECT_EQ(model_seen_.at({RowKind::agent, 0}), row_of(RowKind::agent, 0, 302).bytes);
}

TEST_F(HistoryWriterTest, RecoversFromADiskThatCouldOnlyBeRead) {
  if (!mount_small("size=16m")) GTEST_SKIP() << "only root can mount a disk";
  open();
  write(1, 20);
  writer_.reset();
  ASSERT_EQ(mount(nullptr, parent_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "size=16m"), 0);
  open();
  EXPECT_FALSE(opened_);
  EXPECT_NE(opened_.error().kind, ErrorKind::denied) << "no reason to end";
  write(21, 30);
  EXPECT_EQ(writer_->stats().last_write_seconds, 0);
  ASSERT_EQ(mount(nullptr, parent_.c_str(), nullptr, MS_REMOUNT, "size=16m"), 0);
  write(200, 201);
  EXPECT_EQ(writer_->stats().last_write_seconds, 201);
}

TEST_F(HistoryWriterTest, RefusesTheDirectoryOfAnAgentThatLives) {
  open();
  HistoryWriter second(options());
  const Result<void> opened = second.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::denied);
}

}  // namespace
}  // namespace heapfloor
