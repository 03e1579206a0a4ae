// GoBoard: the Go programs that are watched, and where their allocation sites are read from; and
// why others are not.
//
// Written by the Go collector alone. Thread rule: every member may be called by any thread; sites
// are read by the thread that asks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_target.h"
#include "collectors/sample.h"

namespace heapfloor {

class GoBoard {
 public:
  GoBoard() = default;
  GoBoard(const GoBoard&) = delete;
  GoBoard& operator=(const GoBoard&) = delete;
  ~GoBoard() = default;

  struct Entry {
    ProcessId id;
    std::shared_ptr<const GoSiteSource> source;  // null where it is refused
    std::optional<GoRefusal> refusal;
  };
  // Of those that are read, ascending by id.
  [[nodiscard]] std::vector<std::shared_ptr<const GoSiteSource>> sources() const;
  // Of all, ascending by id.
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] std::optional<Entry> find(const ProcessId& id) const;
  // Of the processes that had this pid the latest.
  [[nodiscard]] std::optional<Entry> find(std::int32_t pid) const;

  // The collector's side.
  void put(std::shared_ptr<const GoSiteSource> source);
  void refuse(const ProcessId& id, GoRefusal refusal);
  void drop(const ProcessId& id);

 private:
  mutable std::mutex mutex_;
  std::map<ProcessId, Entry> entries_;
};

}  // namespace heapfloor
