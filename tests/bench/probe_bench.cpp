// What a tick costs for each program that carries a probe.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "collectors/host_root.h"
#include "collectors/probe_finder.h"
#include "collectors/probe_target.h"
#include "tests/support/probed_child.h"

namespace heapfloor {
namespace {

using testing::ProbedChild;
using testing::SegmentWriter;

// A child whose segment has so many structures of one instance each, and its target.
class Probed {
 public:
  explicit Probed(int structures) {
    child_.writer().set_allocator(1, 1, 1);
    for (int i = 1; i <= structures; ++i) {
      child_.writer().add_structure("structure" + std::to_string(i), HEAPFLOOR_KIND_MAP);
      child_.writer().add_instance(static_cast<std::uint16_t>(i), 10, 640);
    }
    directory_ = std::move(root_.open_process(child_.pid()).value());
    std::vector<char> buffer(65536);
    ProbeMaps maps;
    if (!read_probe_maps(directory_, buffer, maps)) throw std::runtime_error("no maps");
    auto bytes = open_probe_segment(directory_, maps.segments.at(0));
    target_ = std::make_unique<ProbeTarget>(
        ProcessId{child_.pid(), 1}, std::make_shared<const MappedProbe>(std::move(bytes.value())));
  }
  ProbeTarget& target() { return *target_; }
  SegmentWriter& writer() { return child_.writer(); }

 private:
  DirectoryHostRoot root_;
  ProbedChild child_;
  ProcessDir directory_;
  std::unique_ptr<ProbeTarget> target_;
};

void tick(benchmark::State& state) {
  Probed probed(static_cast<int>(state.range(0)));
  for (auto step : state) {
    (void)step;
    if (probed.target().read()) state.SkipWithError("not believed");
  }
}
BENCHMARK(tick)->Arg(0)->Arg(1)->Arg(4)->Arg(16);

void sites(benchmark::State& state) {
  Probed probed(0);
  for (int i = 0; i < state.range(0); ++i)
    probed.writer().add_site(static_cast<std::uint64_t>(i) + 1, {0x1000, 0x2000}, 4096);
  if (probed.target().read()) state.SkipWithError("not believed");
  for (auto step : state) {
    (void)step;
    benchmark::DoNotOptimize(probed.target().read_sites());
  }
}
BENCHMARK(sites)->Arg(8)->Arg(100);

}  // namespace
}  // namespace heapfloor
