// What a build without clang or libbpf's headers says instead.
#include "collectors/bpf/task_iterator.h"

namespace heapfloor {
namespace {

class NoTaskIterator final : public TaskSource {
 public:
  [[nodiscard]] Result<void> look(std::vector<TaskVisit>&) override {
    return failure(ErrorKind::unavailable, "BPF task iterator", "not part of this build");
  }
};

}  // namespace

bool has_bpf_task_iterator() { return false; }

std::unique_ptr<TaskSource> make_bpf_task_iterator(const HostRoot&) {
  return std::make_unique<NoTaskIterator>();
}

}  // namespace heapfloor
