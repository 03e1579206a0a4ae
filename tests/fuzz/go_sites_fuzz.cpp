// The memory profile of a Go program, as a hostile one may fill it: its memory from
// GoProfileWriter::kBase on.
#include "collectors/runtime/go_sites.h"

#include <cmath>
#include <cstring>

#include "tests/fuzz/property.h"
#include "tests/support/go_profile_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::GoProfileWriter;
  using heapfloor::testing::require;
  std::size_t reads = 0;
  const GoMemory memory = [&](std::uint64_t address, std::span<std::byte> to) {
    ++reads;
    constexpr std::uint64_t kBase = GoProfileWriter::kBase;
    std::memset(to.data(), 0, to.size());
    if (address < kBase || address - kBase >= size) return false;
    std::memcpy(to.data(), data + (address - kBase),
                std::min<std::size_t>(to.size(), size - (address - kBase)));
    return true;
  };
  constexpr GoSiteBounds kBounds = {.most_sites = 16};
  const auto sites =
      read_go_sites(GoProfileWriter::layout(), GoProfileWriter::kPlace, memory, kBounds);
  require(reads <= GoSiteBounds::kMostReads + 16, "reads are bounded");
  if (!sites) return 0;
  require(sites->sites.size() <= kBounds.most_sites, "so many sites one by one");
  double live = sites->rest.live_bytes;
  std::int64_t before = -1;
  for (const GoSite& site : sites->sites) {
    require(std::isfinite(site.live_bytes) && site.live_bytes >= 0, "an amount is one");
    require(std::isfinite(site.allocated_bytes) && site.allocated_bytes >= 0, "an amount is one");
    require(site.frames.size() <= GoSiteBounds::kMostDepth, "a stack is bounded");
    require(std::int64_t{site.index} > before, "sites ascend");
    before = site.index;
    live += site.live_bytes;
  }
  require(std::abs(live - sites->live_bytes) <= 1e-6 * (1 + live), "the parts are the whole");
  return 0;
}
