// SnapshotMaker: makes the snapshots of all ticks, and gives the memory of the processes' rows of
// one that nobody reads any more to the next. They are the largest table of a tick: to have the
// kernel map its pages anew in each costs more than to fill it.
//
// Thread rule: one thread makes; whoever holds a snapshot last, on any thread, gives it back. They
// may outlive their maker.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/exposition/snapshot.h"

namespace heapfloor {

class SnapshotMaker {
 public:
  [[nodiscard]] std::shared_ptr<Snapshot> make() {
    std::shared_ptr<Snapshot> made(new Snapshot, GiveBack{spare_});
    const std::scoped_lock lock(spare_->mutex);
    made->processes = std::exchange(spare_->rows, {});
    return made;
  }

 private:
  // Empty rows, with room.
  struct Spare {
    std::mutex mutex;
    std::vector<ProcessRow> rows;
  };
  struct GiveBack {
    std::shared_ptr<Spare> spare;
    void operator()(Snapshot* ended) const {
      const std::unique_ptr<Snapshot> owned(ended);
      std::vector<ProcessRow> rows = std::move(owned->processes);
      // After a burst of processes the room for it goes.
      if (rows.size() < rows.capacity() / 2) return;
      rows.clear();
      const std::scoped_lock lock(spare->mutex);
      if (rows.capacity() > spare->rows.capacity()) spare->rows.swap(rows);
    }
  };

  std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

}  // namespace heapfloor
