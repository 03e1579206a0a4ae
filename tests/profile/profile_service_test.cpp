#include "agent/profile/profile_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/profile/elf_writer.h"
#include "tests/support/fake_clock.h"
#include "tests/support/go_profile_writer.h"
#include "tests/support/go_site_source.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using testing::ElfWriter;
using testing::GoProfileWriter;
using ::testing::HasSubstr;
using testing::MemoryHostRoot;
using testing::SegmentWriter;

constexpr const char* kMaps = "400000-410000 r-xp 00000000 fd:01 7 /opt/app\n";
constexpr ProcessId kTarget{4711, 77};

std::string app() {
  ElfWriter elf;
  elf.add_function("_ZN4shop4leakEv", 0x1000, 0x100);
  elf.add_function("_ZNSt6vectorIiSaIiEE9push_backEOi", 0x2000, 0x100);
  return elf.bytes();
}

class WrittenSource final : public ProbeSource {
 public:
  explicit WrittenSource(const SegmentWriter& segment) : segment_(segment) {}
  [[nodiscard]] Result<ProbeSegmentBytes> read() const override { return segment_.copy(); }

 private:
  const SegmentWriter& segment_;
};

// What waits for seconds is told to go on at once; meanwhile the test changes the segment.
class ProfileServiceTest : public ::testing::Test {
 protected:
  ProfileServiceTest() {
    site_ = segment_.add_site(1, {0x402010, 0x401010}, 50'000'000);
    segment_.header().created_boottime_ns = 1'000'000'000'000;
    board_.put({kTarget, "app", kMaps, 4711, std::nullopt},
               std::make_shared<WrittenSource>(segment_));
  }

  Profile read(const ProfileAnswer& answer) {
    EXPECT_TRUE(answer) << answer.error().reason;
    return answer ? decode_profile(*answer).value() : Profile();
  }

  MemoryHostRoot root_{testing::files({
      {"proc/4711/stat",
       "4711 (app) S 1 1 1 0 -1 4194304 1 1 1 1 1 1 1 1 20 0 1 0 77 1 1 1 1 1 1 1 "
       "1 1 1 1 1 1 1 1 1 17 1 0 0 0 0 0 1 1 1 1 1 1 1 0"},
      {"proc/4711/map_files/400000-410000", app()},
      {"proc/4712/stat",
       "4712 (cat) S 1 1 1 0 -1 4194304 1 1 1 1 1 1 1 1 20 0 1 0 88 1 1 1 1 1 1 1 "
       "1 1 1 1 1 1 1 1 1 17 1 0 0 0 0 0 1 1 1 1 1 1 1 0"},
  })};
  SegmentWriter segment_;
  std::uint32_t site_ = 0;
  ProbeBoard board_;
  FakeClock clock_;
  ProfileService service_{root_, board_, clock_};
};

TEST_F(ProfileServiceTest, AProfileIsServedByPidAndBySubject) {
  for (const ProfileRequest& request :
       {ProfileRequest{.target = 4711}, ProfileRequest{.target = kTarget}}) {
    const Profile profile = read(service_.profile(request));
    ASSERT_EQ(profile.samples.size(), 1U);
    EXPECT_EQ(functions_of(profile, profile.samples[0]).back(), "shop::leak()");
  }
}

TEST_F(ProfileServiceTest, AProcessWithoutAProbeIsToldWhatToDo) {
  const ProfileAnswer none = service_.profile({.target = 4712});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ProfileRefusal::Kind::not_found);
  EXPECT_THAT(none.error().reason,
              HasSubstr("no probe in process 4712: start it with `heapfloor run"));
  const ProfileAnswer reused = service_.profile({.target = ProcessId{4711, 78}});
  ASSERT_FALSE(reused);
  EXPECT_EQ(reused.error().kind, ProfileRefusal::Kind::not_found);
}

TEST_F(ProfileServiceTest, NothingSampledYetIsAnErrorAndNoEmptyProfile) {
  segment_.site(site_).live_bytes = segment_.site(site_).allocated_bytes = 0;
  const ProfileAnswer none = service_.profile({.target = 4711});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ProfileRefusal::Kind::unavailable);
  EXPECT_THAT(none.error().reason, HasSubstr("every 524288 bytes"));
}

TEST_F(ProfileServiceTest, ASegmentThatIsNoneIsAnError) {
  segment_.header().magic = 0;
  const ProfileAnswer none = service_.profile({.target = 4711});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ProfileRefusal::Kind::unavailable);
}

TEST_F(ProfileServiceTest, ADifferenceOverSecondsHoldsOnlyWhatChanged) {
  const ProfileAnswer none = service_.profile({.target = 4711, .seconds = 5});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().reason, HasSubstr("nothing that was sampled changed"));
}

TEST_F(ProfileServiceTest, WhatWasCapturedIsTakenOff) {
  const Profile before = read(service_.profile({.target = 4711}));
  segment_.site(site_).live_bytes = 80'000'000;
  const Profile changed = read(service_.profile({.target = 4711, .base = before}));
  ASSERT_EQ(changed.samples.size(), 1U);
  EXPECT_EQ(changed.samples[0].values[3], 30'000'000);
}

TEST_F(ProfileServiceTest, AStoppedServiceEndsWhoWaits) {
  service_.stop();
  const ProfileAnswer none = service_.profile({.target = 4711, .seconds = 5});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().reason, HasSubstr("stopping"));
}

TEST_F(ProfileServiceTest, ADeadTargetsLastStateIsServedWithItsNames) {
  service_.look();  // while its files can be opened
  EXPECT_TRUE(board_.end(kTarget, clock_.steady_seconds()));
  root_.replace_process(4711);
  const Profile profile = read(service_.profile({.target = 4711}));
  ASSERT_EQ(profile.samples.size(), 1U);
  EXPECT_EQ(functions_of(profile, profile.samples[0]).back(), "shop::leak()");
}

TEST_F(ProfileServiceTest, ASiteThatGrowsIsNamedByTheProgramsOwnFrame) {
  constexpr double kBytesOfMinute = 6e6;
  for (int minute = 0; minute < 90; ++minute) {
    segment_.site(site_).live_bytes += static_cast<std::uint64_t>(kBytesOfMinute);
    for (int sample = 0; sample < 3; ++sample)
      segment_.add_live(site_, 2'000'000, static_cast<std::uint32_t>(minute * 60));
    service_.look();
    clock_.advance(60);
  }
  const auto known = service_.sites();
  ASSERT_TRUE(known->contains(kTarget));
  ASSERT_EQ(known->at(kTarget).size(), 1U);
  const KnownSite& site = known->at(kTarget).front();
  EXPECT_EQ(site.stack_hash, 1U);
  EXPECT_EQ(site.function, "shop::leak()");
  EXPECT_EQ(site.container, "vector");
  EXPECT_EQ(site.element, "int");
  ASSERT_TRUE(site.growth);
  EXPECT_NEAR(site.growth->bytes_per_second, kBytesOfMinute / 60, 1000);
  EXPECT_LT(site.growth->low_bytes_per_second, site.growth->bytes_per_second);
  EXPECT_GT(site.growth->high_bytes_per_second, site.growth->bytes_per_second);
  EXPECT_EQ(site.growth->share, 1.0);
  board_.drop(kTarget);
  service_.look();
  EXPECT_TRUE(service_.sites()->empty());
}

TEST_F(ProfileServiceTest, ALargeSiteThatDoesNotGrowHasANameAndNoGrowth) {
  segment_.add_site(2, {0x401010}, 90'000'000);
  segment_.add_site(0, {}, 900'000'000);  // what found no place has no name
  service_.look();
  const auto known = service_.sites();
  ASSERT_EQ(known->at(kTarget).size(), 2U);
  EXPECT_EQ(known->at(kTarget)[0].stack_hash, 2U);
  EXPECT_EQ(known->at(kTarget)[1].stack_hash, 1U);
  EXPECT_EQ(known->at(kTarget)[1].function, "shop::leak()");
  EXPECT_FALSE(known->at(kTarget)[1].growth);
}

TEST_F(ProfileServiceTest, OnlyAFewAreMadeAtOnce) {
  class StuckClock final : public Clock {
   public:
    [[nodiscard]] double steady_seconds() const override { return 1000; }
    [[nodiscard]] double wall_seconds() const override { return 1.7e9; }
    [[nodiscard]] bool wait_until(double /*deadline*/, const std::stop_token& stop) const override {
      ++waiting;
      waiting.notify_all();
      std::atomic<bool> stopped = false;
      const std::stop_callback tell(stop, [&stopped] {
        stopped = true;
        stopped.notify_all();
      });
      stopped.wait(false);
      return false;
    }
    mutable std::atomic<int> waiting = 0;
  } clock;
  ProfileService service(root_, board_, clock);
  std::vector<std::thread> waiters;
  for (int i = 0; i < ProfileService::kMostAtOnce; ++i)
    waiters.emplace_back(
        [&service] { EXPECT_FALSE(service.profile({.target = 4711, .seconds = 9})); });
  for (int now = 0; (now = clock.waiting) < ProfileService::kMostAtOnce;) clock.waiting.wait(now);
  const ProfileAnswer refused = service.profile({.target = 4711});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ProfileRefusal::Kind::unavailable);
  service.stop();
  for (std::thread& waiter : waiters) waiter.join();
}

// A Go program whose memory profile is in this process's memory.
class GoProfileServiceTest : public ProfileServiceTest {
 protected:
  static constexpr ProcessId kGo{4712, 88};

  GoProfileServiceTest() {
    programs_.put(testing::own_site_source(host_, memory_, kGo));
    service_.set_go_programs(programs_);
    memory_.set_cycle(3);
    record_ = memory_.add({0x402010, 0x401010}, {50, 0, 50 << 20, 0}) + 48 + 2 * 8;
  }
  // So many MiB live, in objects of 1 MiB each.
  void set_live(std::uint64_t mebibytes) {
    memory_.put(record_, mebibytes);
    memory_.put(record_ + 16, mebibytes << 20U);
  }

  DirectoryHostRoot host_;
  GoProfileWriter memory_;
  GoBoard programs_;
  std::uint64_t record_ = 0;
};

TEST_F(GoProfileServiceTest, ItsProfileIsThatOfItsRuntime) {
  EXPECT_TRUE(service_.knows(kGo));
  for (const ProfileRequest& request : {ProfileRequest{.target = 4712}, {.target = kGo}}) {
    const Profile profile = read(service_.profile(request));
    ASSERT_EQ(profile.samples.size(), 1U);
    const double scale = 1 / (1 - std::exp(-2.0));  // 1 MiB by a rate of 512 KiB
    EXPECT_NEAR(static_cast<double>(profile.samples[0].values[3]), (50 << 20) * scale, 100);
    EXPECT_EQ(profile.period_bytes, 524288);
    EXPECT_TRUE(profile.drop_frames.empty());
  }
}

TEST_F(GoProfileServiceTest, ADifferenceOverSecondsIsEmptyWhereNothingWasAllocated) {
  const ProfileAnswer none = service_.profile({.target = 4712, .seconds = 1});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().reason, HasSubstr("nothing that was sampled changed"));
}

TEST_F(GoProfileServiceTest, ASiteThatGrowsIsKnownUntilItsProgramEnds) {
  board_.drop(kTarget);
  for (std::uint64_t minute = 0; minute < 30; ++minute) {
    set_live(50 + 2 * minute);
    service_.look();
    clock_.advance(60);
  }
  const auto known = service_.sites();
  ASSERT_TRUE(known->contains(kGo));
  ASSERT_EQ(known->at(kGo).size(), 1U);
  const auto& growth = known->at(kGo).front().growth;
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->bytes_per_second, 2.313 * (1 << 20) / 60, 2000);
  EXPECT_EQ(growth->share, 1.0);
  programs_.drop(kGo);
  service_.look();
  EXPECT_TRUE(service_.sites()->empty());
  EXPECT_FALSE(service_.knows(kGo));
}

TEST_F(GoProfileServiceTest, WhyAProgramCannotBeReadIsSaid) {
  programs_.refuse(kGo, GoRefusal::no_symbols);
  EXPECT_FALSE(service_.knows(kGo));
  const ProfileAnswer stripped = service_.profile({.target = 4712});
  ASSERT_FALSE(stripped);
  EXPECT_EQ(stripped.error().kind, ProfileRefusal::Kind::unavailable);
  EXPECT_THAT(stripped.error().reason, HasSubstr("-ldflags=-s"));
}

TEST_F(GoProfileServiceTest, AProgramThatTakesNoSamplesSaysSo) {
  memory_.set_rate(0);
  const ProfileAnswer none = service_.profile({.target = 4712});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().reason, HasSubstr("runtime.MemProfile"));
}

// A Go program without symbols that tells its profiles over HTTP.
class EndpointProfileServiceTest : public ProfileServiceTest {
 protected:
  static constexpr ProcessId kGo{4712, 88};

  EndpointProfileServiceTest() {
    board_.drop(kTarget);
    programs_.refuse(kGo, GoRefusal::no_symbols);
    service_.set_go_programs(programs_);
    service_.set_suspect_source([this] { return suspects_; });
    service_.set_endpoint_profiles(
        {[this](const ProcessId& id) { return has_endpoint_ && id == kGo; },
         [this](const ProcessId&, std::string_view name, const std::stop_token&) {
           asked_.emplace_back(name);
           return answer(name);
         }});
  }
  Result<std::string> answer(std::string_view name) const {
    if (name == "goroutine") return failure(ErrorKind::unavailable, {}, "status 404");
    Profile profile;
    profile.functions.push_back({"main.hold", "", "/src/service.go"});
    profile.locations.push_back({0x401000, std::nullopt, {{0, 33}}});
    profile.samples.push_back({{0}, {live_bytes_, live_bytes_, live_bytes_, live_bytes_}, {}});
    profile.period_bytes = 524288;
    return is_hostile_ ? "no profile" : gzip(encode_profile(profile));
  }

  GoBoard programs_;
  std::vector<ProcessId> suspects_;
  std::vector<std::string> asked_;
  std::int64_t live_bytes_ = 50 << 20;
  bool has_endpoint_ = true;
  bool is_hostile_ = false;
};

TEST_F(EndpointProfileServiceTest, ItsProfileIsThatOfItsEndpoint) {
  EXPECT_TRUE(service_.knows(kGo));
  const Profile profile = read(service_.profile({.target = 4712}));
  ASSERT_EQ(profile.samples.size(), 1U);
  EXPECT_EQ(profile.samples[0].values[3], 50 << 20);
  EXPECT_EQ(profile.functions.at(0).name, "main.hold");
}

TEST_F(EndpointProfileServiceTest, WhatIsNoProfileIsRefusedWithTheReason) {
  is_hostile_ = true;
  const ProfileAnswer none = service_.profile({.target = kGo});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().reason, HasSubstr("no profile of a heap"));
}

TEST_F(EndpointProfileServiceTest, IsNotAskedUnlessItIsSuspected) {
  service_.look();
  EXPECT_TRUE(asked_.empty());
  has_endpoint_ = false;
  suspects_ = {kGo};
  service_.look();
  EXPECT_TRUE(asked_.empty());
}

TEST_F(EndpointProfileServiceTest, ASiteOfASuspectThatGrowsIsKnownByItsFunctionAndLine) {
  suspects_ = {kGo};
  for (int minute = 0; minute < 30; ++minute, live_bytes_ += 2 << 20) {
    service_.look();
    clock_.advance(60);
  }
  const auto known = service_.sites();
  ASSERT_TRUE(known->contains(kGo));
  ASSERT_EQ(known->at(kGo).size(), 1U);
  const KnownSite& site = known->at(kGo).front();
  EXPECT_EQ(site.function, "main.hold");
  EXPECT_EQ(site.file, "/src/service.go");
  EXPECT_EQ(site.line, 33);
  ASSERT_TRUE(site.growth);
  EXPECT_NEAR(site.growth->bytes_per_second, 2.0 * (1 << 20) / 60, 2000);
}

}  // namespace
}  // namespace heapfloor
