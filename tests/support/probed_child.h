// A real process that maps a segment, which the test writes.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "collectors/parse/pid_stat.h"
#include "tests/support/live_child.h"
#include "tests/support/segment_writer.h"

namespace heapfloor::testing {

// The child inherits the mapping; the header names it as its owner. The test's own process maps the
// segment too, and is not its owner.
class ProbedChild {
 public:
  ProbedChild() : writer_(std::make_unique<SegmentWriter>(SegmentWriter::Where::memfd)) {
    child_ = std::make_unique<LiveChild>("probed-child");
    std::ifstream file("/proc/" + std::to_string(child_->pid()) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    writer_->header().pid = child_->pid();
    writer_->header().start_ticks = parse_pid_stat(text).value().start_ticks;
  }

  [[nodiscard]] SegmentWriter& writer() { return *writer_; }
  [[nodiscard]] LiveChild& child() { return *child_; }
  [[nodiscard]] int pid() const { return child_->pid(); }
  // From now on nobody but the child maps the segment.
  void unmap_here() { writer_.reset(); }

 private:
  std::unique_ptr<SegmentWriter> writer_;
  std::unique_ptr<LiveChild> child_;
};

}  // namespace heapfloor::testing
