#include "agent/history/history_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/history/history_rows.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

class HistoryStoreTest : public ::testing::Test {
 protected:
  HistoryStoreTest() { open(); }
  ~HistoryStoreTest() override {
    store_.reset();
    fs::remove_all(directory_);
  }

  void open(const HistoryLimits& limits = kRoomyLimits, const std::string& identity = "ours") {
    store_.reset();
    auto opened = HistoryStore::open(path(), identity, limits);
    ASSERT_TRUE(opened) << opened.error().reason;
    store_ = std::move(*opened);
  }
  [[nodiscard]] std::string path() const { return (directory_ / "history.db").string(); }

  fs::path directory_ = testing::make_temporary_directory();
  std::unique_ptr<HistoryStore> store_;
};

TEST_F(HistoryStoreTest, HoldsAfterEveryBatchWhatAModelInMemoryHolds) {
  Rows model;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    const HistoryBatch batch = batch_of(number, 4327);
    ASSERT_TRUE(store_->write(batch));
    put_into(model, batch);
    if (number % 37 == 0) open();
    ASSERT_EQ(rows_in(*store_), model) << "after batch " << number << " of seed 4327";
  }
  EXPECT_EQ(store_->rejected(), 0U);
}

TEST_F(HistoryStoreTest, GivesRowsInTheOrderOfTheirNumbers) {
  HistoryBatch batch;
  for (const std::uint64_t number : {300U, 2U, 1U, 70000U}) {
    batch.rows.push_back(row_of(RowKind::tick, number, 1));
  }
  ASSERT_TRUE(store_->write(batch));
  std::vector<std::uint64_t> numbers;
  ASSERT_TRUE(store_->visit(
      RowKind::tick, [&numbers](const HistoryRow& row) { numbers.push_back(row.id.number); }));
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 2, 300, 70000}));
}

TEST_F(HistoryStoreTest, ForgetsTransitionsByAgeButNeverTheNewestThousand) {
  const HistoryLimits short_memory = {3600, 64.0 * 1024 * 1024};
  open(short_memory);
  const std::uint64_t many = HistoryStore::kKeptWhateverTheirAge + 200;
  HistoryBatch old;
  for (std::uint64_t number = 1; number <= many; ++number) {
    old.rows.push_back(row_of(RowKind::transition, number, number));
    old.rows.back().unix_seconds = 1000;
  }
  ASSERT_TRUE(store_->write(old));
  open(short_memory);  // the first write after opening cleans up
  HistoryBatch late;
  late.unix_seconds = 4e9;  // the date has jumped to 2096
  ASSERT_TRUE(store_->write(late));
  std::size_t kept = 0;
  ASSERT_TRUE(store_->visit(RowKind::transition, [&kept](const HistoryRow&) { ++kept; }));
  EXPECT_EQ(kept, HistoryStore::kKeptWhateverTheirAge);
}

TEST_F(HistoryStoreTest, StaysWithinItsSizeByForgettingTheOldestTransitions) {
  const double limit = 8.0 * 1024 * 1024;
  open({86400.0 * 365, limit});
  HistoryBatch batch;
  for (std::uint64_t number = 1; number <= 40000; ++number) {
    batch.rows.push_back(row_of(RowKind::transition, number, number));
    batch.rows.back().bytes.resize(600);
    if (batch.rows.size() < 40) continue;
    Result<void> done = store_->write(batch);
    if (!done && done.error().kind == ErrorKind::unavailable) {
      ASSERT_TRUE(store_->make_room());
      done = store_->write(batch);
    }
    ASSERT_TRUE(done) << done.error().reason;
    batch.rows.clear();
  }
  EXPECT_LE(static_cast<double>(store_->size_bytes()), 1.05 * limit);
  std::uint64_t newest = 0;
  ASSERT_TRUE(store_->visit(RowKind::transition,
                            [&newest](const HistoryRow& row) { newest = row.id.number; }));
  EXPECT_EQ(newest, 40000U);
}

TEST_F(HistoryStoreTest, ServesNoRowsOfAnotherStore) {
  ASSERT_TRUE(store_->write(batch_of(1)));
  store_.reset();
  const auto opened = HistoryStore::open(path(), "theirs", kRoomyLimits);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::malformed);
}

TEST_F(HistoryStoreTest, RescuesEveryWholeRowIntoANewStore) {
  Rows model;
  for (std::uint64_t number = 1; number <= 30; ++number) {
    ASSERT_TRUE(store_->write(batch_of(number)));
    put_into(model, batch_of(number));
  }
  store_.reset();
  fs::rename(path(), path() + ".old");
  open();
  const auto rejected = store_->rescue_from(path() + ".old");
  ASSERT_TRUE(rejected);
  EXPECT_EQ(*rejected, 0U);
  EXPECT_EQ(rows_in(*store_), model);
}

}  // namespace
}  // namespace heapfloor
