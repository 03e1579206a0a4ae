// Profiles that Go programs tell over HTTP.
#include "agent/profile/endpoint_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A profile in which each function is at one address of its own, in service.go.
class Stacks {
 public:
  // `functions`: innermost first.
  void add(const std::vector<std::string>& functions, std::int64_t value) {
    ProfileSample sample;
    for (const std::string& name : functions) sample.locations.push_back(location_of(name));
    sample.values = {value, value, value, value};
    profile.samples.push_back(std::move(sample));
  }
  Profile profile;

 private:
  std::uint32_t location_of(const std::string& name) {
    for (std::uint32_t i = 0; i < profile.functions.size(); ++i) {
      if (profile.functions[i].name == name) return i;
    }
    const auto place = static_cast<std::uint32_t>(profile.functions.size());
    profile.functions.push_back({name, "", "/src/service.go"});
    ProfileLocation location;
    location.address = 0x400000 + place;
    location.lines.push_back({place, 30 + place});
    profile.locations.push_back(std::move(location));
    return place;
  }
};

TEST(GoroutineWaitsOfAnEndpoint, AreWhereTheProgramsOwnFunctionWaitsAndWhatFor) {
  Stacks stacks;
  stacks.add({"runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1", "main.leak", "main.run"},
             12400);
  stacks.add({"runtime.gopark", "runtime.netpollblock", "internal/poll.(*FD).Accept",
              "net/http.(*Server).Serve", "main.main"},
             1);
  const GoroutineWaits waits = goroutine_waits_of(stacks.profile);
  EXPECT_EQ(waits.source, "endpoint");
  EXPECT_EQ(waits.goroutines, 12401);
  EXPECT_EQ(waits.seen, 12401);
  ASSERT_THAT(waits.waits, SizeIs(2));
  EXPECT_EQ(waits.waits[0].at, (GoPlace{"main.leak", "/src/service.go", 33}));
  EXPECT_EQ(waits.waits[0].reason, "chan receive");
  EXPECT_EQ(waits.waits[0].goroutines, 12400);
  EXPECT_EQ(waits.waits[1].at.function, "main.main");
  EXPECT_EQ(waits.waits[1].reason, "IO wait");
  EXPECT_EQ(goroutine_waits_text(waits),
            "12401 goroutines\n12400 in main.leak (/src/service.go:33): chan receive\n"
            "1 in main.main (/src/service.go:38): IO wait\n");
}

TEST(GoroutineWaitsOfAnEndpoint, OfLibrariesAloneAreWhereThesesInnermostFunctionWaits) {
  Stacks stacks;
  stacks.add({"runtime.gopark", "time.Sleep", "net/http.(*Transport).loop", "runtime.goexit"}, 3);
  const GoroutineWaits waits = goroutine_waits_of(stacks.profile);
  ASSERT_THAT(waits.waits, SizeIs(1));
  EXPECT_EQ(waits.waits[0].at.function, "time.Sleep");
  EXPECT_EQ(waits.waits[0].reason, "sleep");
}

TEST(GoroutineWaitsOfAnEndpoint, ThatDifferElsewhereStandTogether) {
  Stacks stacks;
  stacks.add({"runtime.gopark", "runtime.selectgo", "main.wait", "main.a"}, 5);
  stacks.add({"runtime.gopark", "runtime.selectgo", "main.wait", "main.b"}, 7);
  const GoroutineWaits waits = goroutine_waits_of(stacks.profile);
  ASSERT_THAT(waits.waits, SizeIs(1));
  EXPECT_EQ(waits.waits[0].goroutines, 12);
}

TEST(GoroutineWaitsOfAnEndpoint, AreNeverMoreThanAFew) {
  Stacks stacks;
  for (int i = 0; i < 100; ++i) stacks.add({"main.f" + std::to_string(i)}, i);
  const GoroutineWaits waits = goroutine_waits_of(stacks.profile);
  ASSERT_THAT(waits.waits, SizeIs(GoroutineWaits::kMost));
  EXPECT_EQ(waits.waits[0].at.function, "main.f99");
}

TEST(GoroutineWaitsOfAnEndpoint, AreNoneWhereNumbersAreNone) {
  Stacks stacks;
  stacks.add({}, 5);
  stacks.add({"main.f"}, -5);
  const GoroutineWaits waits = goroutine_waits_of(stacks.profile);
  EXPECT_EQ(waits.goroutines, 5);
  ASSERT_THAT(waits.waits, SizeIs(1));
  EXPECT_EQ(waits.waits[0].goroutines, 0);
}

TEST(HeapSitesOfAnEndpoint, HaveOnePlaceInEveryProfileOfAProcess) {
  Stacks before, now;
  before.add({"main.hold", "main.main"}, 100);
  before.add({"main.other", "main.main"}, 10);
  now.add({"main.hold", "main.main"}, 300);
  now.profile.samples.push_back(now.profile.samples.front());  // a block of another size
  now.profile.period_bytes = 524288;
  const HeapSites first = heap_sites_of(before.profile);
  const HeapSites second = heap_sites_of(now.profile);
  EXPECT_TRUE(second.is_go);
  EXPECT_EQ(second.interval_bytes, 524288);
  EXPECT_EQ(second.live_bytes, 600);
  ASSERT_THAT(first.sites, SizeIs(2));
  ASSERT_THAT(second.sites, SizeIs(1));
  EXPECT_LT(first.sites[0].index, first.sites[1].index) << "ascending, as they are looked up";
  const std::uint64_t hash = stack_hash_of(now.profile, now.profile.samples.front());
  EXPECT_EQ(second.sites[0].stack_hash, hash);
  EXPECT_EQ(second.sites[0].live_bytes, 600);
  EXPECT_EQ(hash, stack_hash_of(before.profile, before.profile.samples.front()));
}

TEST(GoroutineProfiles, AreNoProfilesOfAHeapAndTheOtherWayRound) {
  EXPECT_FALSE(decode_profile("\n\x04\x08\x01\x10\x02")) << "one value alone";
  Stacks heap;
  heap.add({"main.hold"}, 5);
  const std::string bytes = encode_profile(heap.profile);
  EXPECT_TRUE(decode_profile(bytes));
  EXPECT_FALSE(decode_goroutine_profile(bytes));
  EXPECT_FALSE(decode_goroutine_profile(""));
}

}  // namespace
}  // namespace heapfloor
