// Memory, threads and page faults of every process, from /proc/PID/{stat,status,statm}; every
// kernel since 2.6.
//
// Sources: proc(5) and Documentation/filesystems/proc.rst, section 1.1. Cost: see process_table.h.
// Needs no capability; with hidepid the processes of other users are not listed, or listed and
// counted as errors.
//
// Kernel threads have no memory and are not samples. A zombie has none either, but it is a process:
// it is counted, with its threads and faults and without sizes.
#include "collectors/collector.h"
#include "collectors/process_metrics.h"
#include "collectors/process_table.h"

namespace heapfloor {
namespace {

class ProcessCollector final : public Collector {
 public:
  ProcessCollector(const HostRoot& root, const CollectorOptions& options) : table_(root, options) {}
  [[nodiscard]] Result<CollectReport> collect(SampleSink& sink) override {
    return table_.tick(sink);
  }

 private:
  ProcessTable table_;
};

std::unique_ptr<Collector> make(const HostRoot& root, const CollectorOptions& options) {
  return std::make_unique<ProcessCollector>(root, options);
}

}  // namespace

extern constinit const CollectorEntry process_collector = {
    .name = "process",
    .summary = "resident, virtual and swapped memory, threads and page faults of every process",
    .enabled_by_default = true,
    .metrics = kProcessMetrics,
    .make = make,
};

}  // namespace heapfloor
