// A day of the whole agent, with its clock wound on: processes, groups, cgroups and suspects come
// and go all the time, every tick is written down and every page is rendered. What an agent keeps
// of the dead shows here, hours of running before an operator would see it.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <system_error>

#include "agent/app.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_proc.h"
#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

constexpr double kIntervalSeconds = 15;
constexpr int kTicksAnHour = 240;
constexpr int kHours = 24;
constexpr int kWarmUpHours = 2;  // the finest levels of those that stay are full
constexpr int kStanding = 120;
constexpr int kPassing = 40;       // alive at once
constexpr int kReplacedATick = 5;  // 28,800 processes a day
constexpr int kCgroups = 20;       // alive at once, one replaced at each fourth tick
constexpr double kMostGrowthBytes = 2.0 * 1024 * 1024;
constexpr std::uint64_t kMiBInKiB = 1024;

struct Footprint {
  double heap_bytes = 0;      // allocated and not freed
  double resident_bytes = 0;  // anonymous pages
};

Footprint footprint() {
  const struct mallinfo2 info = mallinfo2();
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return {static_cast<double>(info.uordblks + info.hblkhd),
          static_cast<double>((resident - shared) * static_cast<std::uint64_t>(getpagesize()))};
}

class Soak : public ::testing::Test {
 protected:
  // A disk cannot be wound on: a day's worth of its waits is no part of the test.
  static void SetUpTestSuite() {
    constexpr std::uintmax_t kRoomBytes = std::uintmax_t{512} * 1024 * 1024;
    std::error_code none;
    const fs::space_info room = fs::space("/dev/shm", none);
    if (!none && room.available >= kRoomBytes) setenv("TMPDIR", "/dev/shm", 1);
  }

  Soak() {
    Config config;
    config.path.procfs = proc_.path();
    config.path.sysfs = (folder_ / "sys").string();
    config.path.rootfs = (folder_ / "root").string();
    config.collectors["kmsg"] = false;
    config.web.listen_address = "127.0.0.1:0";
    config.storage.path = (folder_ / "state").string();
    config.log.level = LogLevel::error;
    app_ = std::make_unique<App>(
        config, [config] { return Result<Config>(config); }, clock_);
    testing::write_file(folder_ / "sys/fs/cgroup/cgroup.controllers", "memory\n");
    for (int i = 0; i < kStanding; ++i) set_standing(i, 0);
    for (int i = 0; i < kPassing; ++i) replace_process();
    for (int i = 0; i < kCgroups; ++i) replace_cgroup();
    app_->start();
  }
  ~Soak() override {
    app_.reset();
    fs::remove_all(folder_);
  }

  // Some stay, some breathe, one in forty leaks 24 MiB an hour and starts anew every five hours.
  void set_standing(int index, int tick) {
    constexpr std::uint64_t kLifeTicks = std::uint64_t{5} * kTicksAnHour;
    const auto step = static_cast<std::uint64_t>(tick);
    std::uint64_t mib = 20 + static_cast<std::uint64_t>(index);
    std::uint64_t generation = 0;
    if (index % 40 == 0) {
      generation = step / kLifeTicks;
      mib += step % kLifeTicks / 10;
    } else if (index % 3 == 0) {
      mib += (step + static_cast<std::uint64_t>(index)) % 7;
    }
    proc_.set(100 + index, 100 + generation, "service-" + std::to_string(index % 60),
              mib * kMiBInKiB);
  }

  // The oldest of those that pass ends and another one comes: half of them have names of their own.
  void replace_process() {
    const int number = next_process_++;
    if (number >= kPassing) proc_.end(pid_of(number - kPassing));
    const std::string name = number % 2 == 0 ? "job" : "job-" + std::to_string(number);
    proc_.set(pid_of(number), 1000 + static_cast<std::uint64_t>(number), name,
              (10 + static_cast<std::uint64_t>(number % 30)) * kMiBInKiB);
  }
  static int pid_of(int number) { return 1000 + number % 20000; }

  void replace_cgroup() {
    const int number = next_cgroup_++;
    if (number >= kCgroups) fs::remove_all(cgroup(number - kCgroups));
    const std::string anon = std::to_string((20 + number % 50) * 1024 * 1024);
    testing::write_file(cgroup(number) / "memory.current", anon + "\n");
    testing::write_file(cgroup(number) / "memory.stat",
                        "anon " + anon + "\nfile 0\ninactive_file 0\nshmem 0\n");
    testing::write_file(cgroup(number) / "memory.max", "1073741824\n");
    testing::write_file(cgroup(number) / "memory.events",
                        "oom_kill " + std::to_string(number % 2) + "\n");
    testing::write_file(cgroup(number) / "cgroup.procs", "");
  }
  [[nodiscard]] fs::path cgroup(int number) const {
    return folder_ / "sys/fs/cgroup/system.slice" /
           ("batch-" + std::to_string(number) + ".service");
  }

  void tick(int number) {
    for (int i = 0; i < kStanding; i += (number % 20 == 0 ? 1 : 3)) set_standing(i, number);
    for (int i = 0; i < kReplacedATick; ++i) replace_process();
    if (number % 4 == 0) replace_cgroup();
    clock_.advance(kIntervalSeconds);
    page_bytes_ = app_->collect_once().size();
  }

  // The lowest of a quarter of an hour: what is on its way to the disk does not count.
  Footprint floor_after(int first_tick) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Footprint floor = {kInfinity, kInfinity};
    for (int i = 0; i < kTicksAnHour / 4; ++i) {
      tick(first_tick + i);
      const Footprint now = footprint();
      floor.heap_bytes = std::min(floor.heap_bytes, now.heap_bytes);
      floor.resident_bytes = std::min(floor.resident_bytes, now.resident_bytes);
    }
    return floor;
  }

  fs::path folder_ = testing::make_temporary_directory();
  testing::FakeProc proc_;
  FakeClock clock_;
  std::unique_ptr<App> app_;
  int next_process_ = 0;
  int next_cgroup_ = 0;
  std::size_t page_bytes_ = 0;
};

TEST_F(Soak, ADayOfComingAndGoingDoesNotGrowTheAgent) {
  if (footprint().heap_bytes == 0) GTEST_SKIP() << "a sanitizer's allocator does not count";
  int now = 0;
  while (now < kWarmUpHours * kTicksAnHour) tick(now++);
  const Footprint early = floor_after(now);
  now += kTicksAnHour / 4;
  while (now < kHours * kTicksAnHour - kTicksAnHour / 4) tick(now++);
  const Footprint late = floor_after(now);
  RecordProperty("heap_growth_bytes", std::to_string(late.heap_bytes - early.heap_bytes));
  RecordProperty("resident_growth_bytes",
                 std::to_string(late.resident_bytes - early.resident_bytes));
  EXPECT_GT(page_bytes_, 0U);
  EXPECT_LE(late.heap_bytes - early.heap_bytes, kMostGrowthBytes)
      << early.heap_bytes << " to " << late.heap_bytes;
  EXPECT_LE(late.resident_bytes - early.resident_bytes, kMostGrowthBytes)
      << early.resident_bytes << " to " << late.resident_bytes;
}

}  // namespace
}  // namespace heapfloor
