#include "agent/evidence/evidence_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::make_temporary_directory;
using testing::write_file;

constexpr double kNow = 1796019545;

EvidenceDraft draft(double wall_seconds = kNow, std::int32_t pid = 7,
                    EvidenceOccasion occasion = EvidenceOccasion::leaking) {
  return {occasion,     "process:" + std::to_string(pid) + ":700",
          "payments",   {pid, 700},
          wall_seconds, {{"suspect.json", "{}"}, {"heap.pb.gz", std::string(1000, 'h')}}};
}

std::vector<std::string> ids(const EvidenceStore& store) {
  std::vector<std::string> ids;
  const auto list = store.list();
  for (const EvidenceRecord& record : list->records) ids.push_back(record.id);
  return ids;
}

class EvidenceStoreTest : public ::testing::Test {
 protected:
  EvidenceStoreTest() : directory_(make_temporary_directory()) {}
  void TearDown() override { fs::remove_all(directory_); }
  [[nodiscard]] std::string path() const { return (directory_ / "evidence").string(); }

  // The store of the next run of the agent.
  std::unique_ptr<EvidenceStore> opened(const EvidenceLimits& limits = {}, double now = kNow) {
    auto store = std::make_unique<EvidenceStore>(limits);
    const auto done = store->open(path(), now);
    EXPECT_TRUE(done) << done.error().path << ": " << done.error().reason;
    return store;
  }

  fs::path directory_;
};

TEST_F(EvidenceStoreTest, WhatWasPutIsThereAfterARestart) {
  const std::string id = opened()->put(draft());
  EXPECT_EQ(id, "20261130T061905Z-7-leaking");
  const auto store = opened();
  const auto record = store->find(id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->occasion, EvidenceOccasion::leaking);
  EXPECT_EQ(record->subject, "process:7:700");
  EXPECT_EQ(record->name, "payments");
  EXPECT_EQ(record->process, (ProcessId{7, 700}));
  EXPECT_EQ(record->wall_seconds, kNow);
  EXPECT_EQ(store->read(id, "heap.pb.gz"), std::string(1000, 'h'));
  EXPECT_EQ(store->read(id, "suspect.json"), "{}");
  EXPECT_EQ(store->list()->stats.captures, 1U);
  EXPECT_EQ(store->list()->stats.bytes, 1002U);
  EXPECT_EQ(store->list()->stats.taken.at(1), 0U) << "not by this run";
}

TEST_F(EvidenceStoreTest, NobodyElseMayReadIt) {
  const std::string id = opened()->put(draft());
  for (const std::string& file : {path(), path() + "/" + id, path() + "/" + id + "/heap.pb.gz"}) {
    const auto others =
        fs::status(file).permissions() & (fs::perms::group_all | fs::perms::others_all);
    EXPECT_EQ(others, fs::perms::none) << file;
  }
}

TEST_F(EvidenceStoreTest, WhatIsNotThereIsUnavailable) {
  const auto store = opened();
  const std::string id = store->put(draft());
  for (const auto& [capture, file] :
       std::vector<std::pair<std::string, std::string>>{{"none", "heap.pb.gz"},
                                                        {id, "record.json"},
                                                        {id, "../" + id + "/heap.pb.gz"},
                                                        {"", ""}}) {
    const auto bytes = store->read(capture, file);
    ASSERT_FALSE(bytes) << file;
    EXPECT_EQ(bytes.error().kind, ErrorKind::unavailable);
  }
  EXPECT_FALSE(store->find("none"));
}

TEST_F(EvidenceStoreTest, SeveralOfOneSecondHaveIdsOfTheirOwn) {
  const auto store = opened();
  store->put(draft());
  store->put(draft());
  store->put(draft(kNow + 1));
  EXPECT_THAT(ids(*store), ElementsAre("20261130T061906Z-7-leaking", "20261130T061905Z-7-leaking-2",
                                       "20261130T061905Z-7-leaking"));
  EXPECT_EQ(ids(*opened()), ids(*store));
}

TEST_F(EvidenceStoreTest, TheLastOfAProcessIsFound) {
  const auto store = opened();
  store->put(draft());
  const std::string last = store->put(draft(kNow + 5, 7, EvidenceOccasion::ended));
  EvidenceDraft without = draft(kNow + 9);
  without.files.pop_back();
  store->put(without);
  EXPECT_EQ(store->find_last({7, 700}, "heap.pb.gz")->id, last);
  EXPECT_EQ(store->find_last({7, 0}, "heap.pb.gz")->id, last);
  EXPECT_FALSE(store->find_last({7, 701}, "heap.pb.gz"));
  EXPECT_FALSE(store->find_last({8, 0}, "heap.pb.gz"));
}

TEST_F(EvidenceStoreTest, TheOldestMakeRoomOnTheDiskToo) {
  {
    const auto store = opened({.captures = 2});
    for (int i = 0; i < 4; ++i) store->put(draft(kNow + i));
    EXPECT_THAT(ids(*store),
                ElementsAre("20261130T061908Z-7-leaking", "20261130T061907Z-7-leaking"));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(path()), fs::directory_iterator()), 2);
  EXPECT_EQ(opened({.bytes = 1500})->list()->records.size(), 1U) << "by bytes";
  EXPECT_EQ(opened({.seconds = 60}, kNow + 3600)->list()->records.size(), 1U)
      << "the newest stays however old it is";
}

TEST_F(EvidenceStoreTest, WhatWasNotFinishedIsTakenAway) {
  fs::create_directories(path() + "/.new-20261130T061905Z-7-leaking");
  write_file(path() + "/.new-20261130T061905Z-7-leaking/heap.pb.gz", "half");
  const auto store = opened();
  EXPECT_THAT(ids(*store), IsEmpty());
  EXPECT_EQ(store->list()->stats.damaged, 0U);
  EXPECT_TRUE(fs::is_empty(path()));
}

TEST_F(EvidenceStoreTest, DamagedOnesAreLeftOutCountedAndNotTouched) {
  std::vector<std::string> put;
  for (int i = 0; i < 6; ++i) put.push_back(path() + "/" + opened()->put(draft(kNow + i)));
  write_file(put[0] + "/record.json", "{");
  fs::remove(put[1] + "/heap.pb.gz");
  write_file(put[2] + "/heap.pb.gz", "cut");
  fs::remove(put[3] + "/heap.pb.gz");
  fs::create_symlink("/dev/zero", put[3] + "/heap.pb.gz");
  fs::copy_file(put[5] + "/record.json", put[4] + "/record.json",
                fs::copy_options::overwrite_existing);
  write_file(path() + "/stray", "not a capture");
  const auto store = opened();
  EXPECT_THAT(ids(*store), ElementsAre("20261130T061910Z-7-leaking"));
  EXPECT_EQ(store->list()->stats.damaged, 6U);
  EXPECT_TRUE(fs::exists(put[2] + "/heap.pb.gz"));
}

TEST_F(EvidenceStoreTest, AFileThatIsCutLaterIsAnError) {
  const auto store = opened();
  const std::string id = store->put(draft());
  fs::remove(path() + "/" + id + "/heap.pb.gz");
  const auto bytes = store->read(id, "heap.pb.gz");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::io);
  EXPECT_EQ(store->list()->stats.failures, 1U);
}

TEST_F(EvidenceStoreTest, WithoutADirectoryItIsInMemoryWithinABound) {
  EvidenceStore store({});
  const std::string id = store.put(draft());
  EXPECT_EQ(store.read(id, "suspect.json"), "{}");
  for (int i = 1; i <= 6; ++i) {
    EvidenceDraft large = draft(kNow + i);
    large.files[1].bytes.assign(std::size_t{4} << 20, 'x');
    store.put(std::move(large));
  }
  EXPECT_LE(store.list()->stats.bytes, EvidenceStore::kMostBytesInMemory);
  EXPECT_EQ(store.list()->stats.captures, 3U);
  EXPECT_EQ(store.list()->stats.failures, 0U);
}

TEST_F(EvidenceStoreTest, WhatTheDiskRefusesIsKeptInMemory) {
  const auto store = opened();
  fs::remove_all(path());
  write_file(path(), "a file in the way");
  const std::string id = store->put(draft());
  EXPECT_EQ(store->read(id, "heap.pb.gz"), std::string(1000, 'h'));
  EXPECT_EQ(store->list()->stats.failures, 1U);
}

TEST_F(EvidenceStoreTest, ADirectoryThatCannotBeMadeIsToldAndMemoryServes) {
  EvidenceStore store({});
  const auto done = store.open(path() + "/none/evidence", kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::io);
  EXPECT_TRUE(store.find(store.put(draft())));
}

TEST_F(EvidenceStoreTest, IsReadWhileItIsWritten) {
  const auto store = opened({.captures = 4});
  std::thread writer([&store] {
    for (int i = 0; i < 50; ++i) store->put(draft(kNow + i));
  });
  std::size_t seen = 0;
  while (seen < 4) {
    seen = 0;
    const auto list = store->list();
    for (const EvidenceRecord& record : list->records) {
      const auto bytes = store->read(record.id, "suspect.json");
      EXPECT_EQ(bytes.value_or("{}"), "{}") << "forgotten meanwhile, or whole";
      ++seen;
    }
  }
  writer.join();
  EXPECT_EQ(store->list()->stats.taken.at(1), 50U);
}

}  // namespace
}  // namespace heapfloor
