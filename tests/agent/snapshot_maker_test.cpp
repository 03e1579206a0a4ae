#include "agent/snapshot_maker.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <thread>

namespace heapfloor {
namespace {

constexpr std::size_t kProcesses = 5000;

std::shared_ptr<Snapshot> filled(SnapshotMaker& maker, std::size_t processes) {
  auto snapshot = maker.make();
  snapshot->processes.resize(processes);
  return snapshot;
}

TEST(SnapshotMaker, RowsStandWhereThoseOfASnapshotStoodThatNobodyReads) {
  SnapshotMaker maker;
  auto first = filled(maker, kProcesses);
  first->processes[7].comm = "a name that is too long to be kept in the row itself";
  const ProcessRow* const place = first->processes.data();
  first.reset();
  const auto second = filled(maker, kProcesses);
  EXPECT_EQ(second->processes.data(), place);
  EXPECT_EQ(second->processes[7].comm, "") << "nothing of the rows themselves is left";
}

TEST(SnapshotMaker, ASnapshotThatIsReadKeepsItsRows) {
  SnapshotMaker maker;
  const std::shared_ptr<const Snapshot> published = filled(maker, kProcesses);
  const auto next = filled(maker, kProcesses);
  EXPECT_NE(next->processes.data(), published->processes.data());
  EXPECT_EQ(published->processes.size(), kProcesses);
}

TEST(SnapshotMaker, TheRoomOfABurstOfProcessesIsGivenUp) {
  SnapshotMaker maker;
  filled(maker, 10 * kProcesses).reset();
  filled(maker, kProcesses).reset();
  EXPECT_EQ(maker.make()->processes.capacity(), 0U);
}

TEST(SnapshotMaker, TheLastReaderMayBeAnotherThreadAndOutliveTheMaker) {
  auto maker = std::make_unique<SnapshotMaker>();
  std::shared_ptr<const Snapshot> kept = filled(*maker, kProcesses);
  std::thread reader([held = filled(*maker, kProcesses)]() mutable { held.reset(); });
  const auto beside = filled(*maker, 1);
  reader.join();
  EXPECT_NE(beside->processes.data(), kept->processes.data());
  maker.reset();
  EXPECT_EQ(kept->processes.size(), kProcesses);
  kept.reset();
}

}  // namespace
}  // namespace heapfloor
