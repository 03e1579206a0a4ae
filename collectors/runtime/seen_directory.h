// SeenDirectory: the directory of a process of the board, to read more of it. Thread rule: one
// thread.
#pragma once

#include <span>

#include "collectors/host_root.h"
#include "collectors/process_board.h"
#include "collectors/result.h"

namespace heapfloor {

class SeenDirectory {
 public:
  // The kept one, else one that is opened for now. `root` and what the board holds outlive this.
  [[nodiscard]] static Result<SeenDirectory> open(const HostRoot& root, const SeenProcess& seen);

  [[nodiscard]] const ProcessDir& get() const { return kept_ == nullptr ? opened_ : *kept_; }
  // After the last read: that it was still the process that was seen, else `gone`.
  [[nodiscard]] Result<void> confirm(std::span<char> buffer) const;

 private:
  explicit SeenDirectory(const SeenProcess& seen) : id_(seen.id), kept_(seen.directory) {}
  ProcessId id_;
  const ProcessDir* kept_;
  ProcessDir opened_;
};

}  // namespace heapfloor
