#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "collectors/collector.h"
#include "tests/support/fixture_host.h"
#include "tests/support/memory_host_root.h"
#include "tests/support/recording_sink.h"

namespace heapfloor {

extern const CollectorEntry cgroup_collector;

namespace {

using testing::FixtureHost;
using testing::MemoryHostRoot;
using testing::RecordedEntity;
using testing::RecordingSink;

constexpr double kMiB = 1024 * 1024;
const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kPod =
    "/kubepods.slice/kubepods-burstable.slice/"
    "kubepods-burstable-pod12345678_9abc_def0_1234_56789abcdef0.slice";

struct Collected {
  RecordingSink sink;
  CollectReport report;
  [[nodiscard]] const RecordedEntity* find(std::string_view path) const {
    const auto found = std::ranges::find_if(sink.entities, [path](const RecordedEntity& entity) {
      return entity.kind == EntityKind::cgroup && entity.name == path;
    });
    return found == sink.entities.end() ? nullptr : &*found;
  }
  [[nodiscard]] const RecordedEntity& at(std::string_view path) const {
    const RecordedEntity* const found = find(path);
    if (found == nullptr) throw std::runtime_error("no cgroup " + std::string(path));
    return *found;
  }
  [[nodiscard]] std::vector<std::string> paths() const {
    std::vector<std::string> found;
    for (const RecordedEntity& entity : sink.entities) {
      if (entity.kind == EntityKind::cgroup) found.push_back(entity.name);
    }
    return found;
  }
  [[nodiscard]] std::optional<double> host(std::string_view metric) const {
    return sink.entities.back().value(metric);
  }
};

void collect(Collector& collector, Collected& into) {
  into.sink.entities.clear();
  auto report = collector.collect(into.sink);
  EXPECT_TRUE(report);
  into.report = report.value_or(CollectReport{});
}

std::uint64_t errors_of(const CollectReport& report, ErrorKind kind) {
  return report.errors.at(static_cast<std::size_t>(kind));
}

double component(const RecordedEntity& entity, std::string_view name) {
  return entity.value("heapfloor_cgroup_memory_component_bytes", name).value_or(-1);
}

// A host with one cgroup, "/a", whose files a test may change.
struct OneCgroup {
  std::map<std::string, std::string, std::less<>> files = {
      {"sys/fs/cgroup/cgroup.controllers", "memory\n"},
      {"sys/fs/cgroup/a/memory.current", "4096\n"},
      {"sys/fs/cgroup/a/memory.stat", "anon 4096\n"},
      {"sys/fs/cgroup/a/memory.max", "max\n"},
      {"sys/fs/cgroup/a/cgroup.procs", "1\n"}};
  std::function<void(std::string_view)> on_read = [](std::string_view) {};
  MemoryHostRoot root{[this](std::string_view path) -> Result<std::string> {
    on_read(path);
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    return failure(ErrorKind::unavailable, std::string(path), "no such file");
  }};
  bool has_a = true;
  bool has_hierarchy = true;

  OneCgroup() {
    root.directories = [this](std::string_view path) -> std::vector<std::string> {
      if (path == "sys/fs" && has_hierarchy) return {"cgroup"};
      if (path == "sys/fs/cgroup" && has_a) return {"a"};
      return {};
    };
  }
};

TEST(CgroupCollector, VersionTwoIsReadFromTheRootDownAndTheRootIsTheHost) {
  const FixtureHost host("cgroup_v2");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  EXPECT_EQ(tick.paths(),
            (std::vector<std::string>{
                "/kubepods.slice", "/system.slice", "/kubepods.slice/kubepods-burstable.slice",
                "/system.slice/nginx.service", kPod, kPod + "/cri-containerd-" + kId + ".scope"}));
  EXPECT_EQ(tick.report.entities_read, 6U);
  EXPECT_FALSE(tick.report.first_error);
  EXPECT_EQ(tick.host("heapfloor_cgroups"), 6);
  EXPECT_EQ(tick.host("heapfloor_cgroups_skipped_total"), 0);
}

TEST(CgroupCollector, AServiceHasAllThatTheKernelSaysOfIt) {
  const FixtureHost host("cgroup_v2");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  const RecordedEntity& nginx = tick.at("/system.slice/nginx.service");
  const auto value = [&nginx](std::string_view name, std::string_view label = {}) {
    return nginx.value("heapfloor_cgroup_" + std::string(name), label);
  };
  EXPECT_EQ(value("memory_current_bytes"), 180 * kMiB);
  EXPECT_EQ(value("working_set_bytes"), 150 * kMiB);
  EXPECT_EQ(value("unreclaimable_memory_bytes"), (180 - 30 - 26 - 4) * kMiB);
  EXPECT_EQ(value("memory_peak_bytes"), 181 * kMiB);
  EXPECT_EQ(value("memory_limit_bytes"), 512 * kMiB);
  EXPECT_EQ(value("memory_effective_limit_bytes"), 512 * kMiB);
  EXPECT_EQ(value("memory_high_bytes"), 480 * kMiB);
  EXPECT_EQ(value("memory_low_bytes"), std::nullopt);
  EXPECT_EQ(value("memory_min_bytes"), std::nullopt);
  EXPECT_EQ(value("swap_current_bytes"), 2 * kMiB);
  EXPECT_EQ(value("swap_limit_bytes"), 64 * kMiB);
  EXPECT_EQ(value("swap_peak_bytes"), 3 * kMiB);
  EXPECT_EQ(value("memory_events_total", "high"), 3);
  EXPECT_EQ(value("memory_events_local_total", "oom_kill"), 1);
  EXPECT_EQ(value("memory_pressure_waiting_seconds_total"), 1.5);
  EXPECT_EQ(value("memory_pressure_stalled_seconds_total"), 0.5);
  EXPECT_EQ(value("workingset_refaults_total", "file"), 10);
  EXPECT_EQ(value("reclaim_scanned_pages_total"), 50);
  EXPECT_EQ(value("reclaim_reclaimed_pages_total"), 45);
  EXPECT_EQ(value("major_page_faults_total"), 9);
  EXPECT_EQ(value("file_memory_bytes", "inactive"), 30 * kMiB);
  EXPECT_EQ(value("processes"), 3);
}

TEST(CgroupCollector, ComponentsAreDisjointAndOtherKernelIsWhatNoOneNames) {
  const FixtureHost host("cgroup_v2");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  const RecordedEntity& nginx = tick.at("/system.slice/nginx.service");
  EXPECT_EQ(component(nginx, "anon"), 100 * kMiB);
  EXPECT_EQ(component(nginx, "shmem"), 8 * kMiB);
  EXPECT_EQ(component(nginx, "file"), 64 * kMiB - 8 * kMiB - 4096);
  EXPECT_EQ(component(nginx, "page_tables"), 2 * kMiB + 65536);
  EXPECT_EQ(component(nginx, "slab_unreclaimable"), 2 * kMiB);
  EXPECT_EQ(component(nginx, "sock"), 16384);
  EXPECT_EQ(component(nginx, "other_kernel"), 12288);
}

TEST(CgroupCollector, WhatIsCountedLaterThanItsSumIsNeverNegative) {
  const FixtureHost host("cgroup_nested");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  EXPECT_EQ(component(tick.at("/d"), "other_kernel"), 0);
}

TEST(CgroupCollector, IdentityIsSaidOnceInTheLifeOfACgroup) {
  const FixtureHost host("cgroup_v2");
  const auto collector = cgroup_collector.make(host.root(), {});
  Collected tick;
  collect(*collector, tick);
  const RecordedEntity scope = tick.at(kPod + "/cri-containerd-" + kId + ".scope");
  EXPECT_EQ(scope.attribute(Attribute::runtime), "containerd");
  EXPECT_EQ(scope.attribute(Attribute::container_id), kId);
  EXPECT_EQ(scope.attribute(Attribute::pod_uid), "12345678-9abc-def0-1234-56789abcdef0");
  EXPECT_EQ(scope.attribute(Attribute::qos), "burstable");
  EXPECT_EQ(scope.attribute(Attribute::image), std::nullopt);
  EXPECT_EQ(tick.at("/system.slice/nginx.service").attribute(Attribute::unit), "nginx.service");
  const std::uint64_t inode = tick.at("/system.slice/nginx.service").cgroup_id;
  EXPECT_NE(inode, 0U);
  collect(*collector, tick);
  EXPECT_TRUE(tick.at("/system.slice/nginx.service").attributes.empty());
  EXPECT_EQ(tick.at("/system.slice/nginx.service").cgroup_id, inode);
}

TEST(CgroupCollector, WhatItsRuntimeSaysOfAContainerIsSaidWhenItIsKnownAndThenNoMore) {
  OneCgroup host;
  const std::string scope = "docker-" + kId + ".scope";
  for (const std::string file : {"memory.current", "memory.stat", "memory.max", "cgroup.procs"})
    host.files["sys/fs/cgroup/" + scope + "/" + file] = host.files["sys/fs/cgroup/a/" + file];
  host.root.directories = [&scope](std::string_view path) -> std::vector<std::string> {
    if (path == "sys/fs") return {"cgroup"};
    return path == "sys/fs/cgroup" ? std::vector<std::string>{scope} : std::vector<std::string>();
  };
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::container_id), kId);
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::image), std::nullopt);
  host.files["root/var/lib/docker/containers/" + kId + "/config.v2.json"] =
      R"({"Name":"/web","Image":"sha256:12","Config":{"Image":"payments:1.8.2"}})";
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::container_id), kId) << "all is said anew";
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::container), "web");
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::image), "payments:1.8.2");
  EXPECT_EQ(tick.at("/" + scope).attribute(Attribute::image_id), "sha256:12");
  collect(*collector, tick);
  EXPECT_TRUE(tick.at("/" + scope).attributes.empty());
}

TEST(CgroupCollector, TheNextTickHasNewValuesAndACgroupThatIsGoneIsNotThere) {
  FixtureHost host("cgroup_v2");
  const auto collector = cgroup_collector.make(host.root(), {});
  Collected tick;
  collect(*collector, tick);
  host.show(1);
  collect(*collector, tick);
  EXPECT_EQ(component(tick.at("/system.slice/nginx.service"), "anon"), 110 * kMiB);
  EXPECT_EQ(tick.at("/system.slice/nginx.service")
                .value("heapfloor_cgroup_memory_events_local_total", "oom_kill"),
            2);
  EXPECT_EQ(tick.find(kPod + "/cri-containerd-" + kId + ".scope"), nullptr);
  EXPECT_NE(tick.find(kPod), nullptr);
  EXPECT_FALSE(tick.report.first_error);
}

TEST(CgroupCollector, TheEffectiveLimitIsTheSmallestOfAllAboveAndTheHost) {
  const FixtureHost host("cgroup_nested");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  const auto effective = [&tick](std::string_view path) {
    return tick.at(path).value("heapfloor_cgroup_memory_effective_limit_bytes").value_or(0) / kMiB;
  };
  // In a namespace the root is a cgroup itself.
  EXPECT_EQ(effective("/"), 1024);
  EXPECT_EQ(effective("/a"), 600);
  EXPECT_EQ(effective("/a/b"), 600);
  EXPECT_EQ(effective("/a/b/c"), 256);
  EXPECT_EQ(effective("/d"), 1024);
  EXPECT_EQ(tick.at("/d").value("heapfloor_cgroup_memory_limit_bytes"), std::nullopt);
  const FixtureHost free_host("cgroup_v2");
  collect(*cgroup_collector.make(free_host.root(), {}), tick);
  EXPECT_EQ(effective("/system.slice"), 16384);
  EXPECT_EQ(effective(kPod + "/cri-containerd-" + kId + ".scope"), 400);
}

TEST(CgroupCollector, VersionOneHasTheSameMeasuresUnderOtherNames) {
  const FixtureHost host("cgroup_v1");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  EXPECT_EQ(tick.paths(), (std::vector<std::string>{"/docker", "/docker/" + kId}));
  const RecordedEntity& docker = tick.at("/docker/" + kId);
  EXPECT_EQ(docker.attribute(Attribute::runtime), "docker");
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_current_bytes"), 200 * kMiB);
  EXPECT_EQ(docker.value("heapfloor_cgroup_working_set_bytes"), 150 * kMiB);
  EXPECT_EQ(docker.value("heapfloor_cgroup_unreclaimable_memory_bytes"), 120 * kMiB);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_limit_bytes"), 256 * kMiB);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_events_local_total", "oom_kill"), 2);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_events_local_total", "max"), 7);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_events_total", "oom_kill"), std::nullopt);
  EXPECT_EQ(docker.value("heapfloor_cgroup_swap_current_bytes"), 8192);
  EXPECT_EQ(docker.value("heapfloor_cgroup_processes"), 2);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_pressure_waiting_seconds_total"), std::nullopt);
  EXPECT_EQ(component(docker, "anon"), 100 * kMiB);
  EXPECT_EQ(component(docker, "file"), 80 * kMiB);
  EXPECT_EQ(component(docker, "other_kernel"), 3 * kMiB);
  EXPECT_EQ(component(docker, "sock"), 8192);
  EXPECT_EQ(component(docker, "slab_unreclaimable"), -1);
  EXPECT_EQ(tick.at("/docker").value("heapfloor_cgroup_memory_limit_bytes"), std::nullopt);
}

TEST(CgroupCollector, AHybridHostHasItsPressureFromVersionTwo) {
  const FixtureHost host("cgroup_hybrid");
  Collected tick;
  collect(*cgroup_collector.make(host.root(), {}), tick);
  const RecordedEntity& docker = tick.at("/docker/" + kId);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_current_bytes"), 200 * kMiB);
  EXPECT_EQ(docker.value("heapfloor_cgroup_memory_pressure_waiting_seconds_total"), 2);
  EXPECT_EQ(docker.value("heapfloor_cgroup_processes"), 2);
}

TEST(CgroupCollector, AboveTheCapTheDeepestAreLeftOutAndCounted) {
  const FixtureHost host("cgroup_v2");
  CollectorOptions options;
  options.cgroup_limit = 4;
  const auto collector = cgroup_collector.make(host.root(), options);
  Collected tick;
  collect(*collector, tick);
  // The fourth is user.slice, which has no memory controller.
  EXPECT_EQ(tick.paths(), (std::vector<std::string>{"/kubepods.slice", "/system.slice",
                                                    "/kubepods.slice/kubepods-burstable.slice"}));
  EXPECT_EQ(tick.host("heapfloor_cgroups_skipped_total"), 2);
  collect(*collector, tick);
  EXPECT_EQ(tick.host("heapfloor_cgroups_skipped_total"), 4);
}

TEST(CgroupCollector, WhatIsRemovedWhileItIsReadIsGoneAndNoError) {
  OneCgroup host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  EXPECT_NE(tick.find("/a"), nullptr);
  host.on_read = [&host](std::string_view path) {
    if (path.ends_with("memory.stat")) host.has_a = false;
  };
  collect(*collector, tick);
  EXPECT_EQ(tick.find("/a"), nullptr);
  EXPECT_EQ(errors_of(tick.report, ErrorKind::gone), 1U);
  EXPECT_FALSE(tick.report.first_error);
}

TEST(CgroupCollector, WhatIsMadeAnewUnderTheSameNameWhileItIsReadIsNotMixedUp) {
  OneCgroup host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  host.on_read = [&host](std::string_view path) {
    if (path.ends_with("memory.stat")) host.root.replace_directory("sys/fs/cgroup/a");
  };
  collect(*collector, tick);
  EXPECT_EQ(tick.find("/a"), nullptr);
  host.on_read = [](std::string_view) {};
  collect(*collector, tick);
  const std::uint64_t first = tick.at("/a").cgroup_id;
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_current_bytes"), 4096);
  host.root.replace_directory("sys/fs/cgroup/a");
  collect(*collector, tick);
  EXPECT_NE(tick.at("/a").cgroup_id, first);
}

TEST(CgroupCollector, LimitsAreReadAgainEveryFewTicks) {
  OneCgroup host;
  CollectorOptions options;
  options.refresh_ticks = 3;
  const auto collector = cgroup_collector.make(host.root, options);
  Collected tick;
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_limit_bytes"), std::nullopt);
  host.files["sys/fs/cgroup/a/memory.max"] = "8192\n";
  int reads = 0;
  host.on_read = [&reads](std::string_view path) { reads += path.ends_with("memory.max"); };
  for (int i = 0; i < 3; ++i) collect(*collector, tick);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_limit_bytes"), 8192);
  EXPECT_EQ(reads, 1);
}

TEST(CgroupCollector, AFileThatIsRefusedOrNonsenseIsCountedAndTheRestIsRead) {
  OneCgroup host;
  host.files["sys/fs/cgroup/a/memory.events"] = "oom_kill many\n";
  Collected tick;
  collect(*cgroup_collector.make(host.root, {}), tick);
  EXPECT_EQ(errors_of(tick.report, ErrorKind::malformed), 1U);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_current_bytes"), 4096);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_events_total", "oom_kill"), std::nullopt);
}

// "/a" with "/a/b" in it, and "/c".
struct NestedCgroups : OneCgroup {
  NestedCgroups() {
    for (const std::string path : {"a/b", "c"}) {
      files["sys/fs/cgroup/" + path + "/memory.current"] = "4096\n";
      files["sys/fs/cgroup/" + path + "/memory.stat"] = "anon 4096\n";
    }
    files["sys/fs/cgroup/a/memory.max"] = "16384\n";
    root.directories = [this](std::string_view path) -> std::vector<std::string> {
      if (path == "sys/fs" && has_hierarchy) return {"cgroup"};
      if (path == "sys/fs/cgroup" && has_a) return {"a", "c"};
      if (path == "sys/fs/cgroup/a") return {"b"};
      return {};
    };
  }
};
const std::vector<std::string> kNested = {"/a", "/c", "/a/b"};

TEST(CgroupCollector, ACgroupThatIsRefusedIsThereWithoutValuesAndWhatIsBelowItIsRead) {
  NestedCgroups host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  const std::uint64_t inode = tick.at("/a").cgroup_id;
  const std::string text = std::exchange(host.files["sys/fs/cgroup/a/memory.current"], "no number");
  for (int i = 0; i < 2; ++i) {
    collect(*collector, tick);
    EXPECT_EQ(tick.paths(), kNested);
    EXPECT_TRUE(tick.at("/a").values.empty());
    EXPECT_EQ(tick.at("/a").cgroup_id, inode);
    EXPECT_EQ(tick.at("/a/b").value("heapfloor_cgroup_memory_effective_limit_bytes"), 16384)
        << "the limit above is the one that was read last";
    EXPECT_EQ(errors_of(tick.report, ErrorKind::malformed), 1U);
    EXPECT_EQ(tick.host("heapfloor_cgroups"), 2);
  }
  host.files["sys/fs/cgroup/a/memory.current"] = text;
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_current_bytes"), 4096);
  EXPECT_TRUE(tick.at("/a").attributes.empty()) << "it was known all the time";
}

TEST(CgroupCollector, ACgroupThatIsRefusedWhenItIsNewHasItsLimitsReadWithItsFirstValues) {
  NestedCgroups host;
  const std::string text = std::exchange(host.files["sys/fs/cgroup/a/memory.current"], "no number");
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  EXPECT_TRUE(tick.at("/a").values.empty());
  host.files["sys/fs/cgroup/a/memory.current"] = text;
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_limit_bytes"), 16384);
}

TEST(CgroupCollector, WhatIsBelowADirectoryThatCannotBeListedIsStillThereAndTheRefusalIsCounted) {
  NestedCgroups host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  host.root.refused_listings = {"sys/fs/cgroup/a"};
  collect(*collector, tick);
  EXPECT_EQ(tick.paths(), (std::vector<std::string>{"/a", "/a/b", "/c"}));
  EXPECT_FALSE(tick.at("/a").values.empty());
  EXPECT_TRUE(tick.at("/a/b").values.empty());
  EXPECT_EQ(errors_of(tick.report, ErrorKind::io), 1U);
  host.root.refused_listings = {"sys/fs/cgroup"};
  collect(*collector, tick);
  EXPECT_EQ(tick.paths(), (std::vector<std::string>{"/a", "/a/b", "/c"})) << "what is above first";
  host.root.refused_listings.clear();
  collect(*collector, tick);
  EXPECT_EQ(tick.paths(), kNested);
  EXPECT_FALSE(tick.at("/a/b").values.empty());
}

TEST(CgroupCollector, ADirectoryThatCannotBeLookedAtIsStillThereWithWhatIsBelowIt) {
  NestedCgroups host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  for (const char* path : {"sys/fs/cgroup/a", "sys/fs/cgroup"}) {
    host.root.refused_looks = {path};
    collect(*collector, tick);
    EXPECT_NE(tick.find("/a"), nullptr) << path;
    EXPECT_NE(tick.find("/a/b"), nullptr) << path;
    EXPECT_NE(tick.find("/c"), nullptr) << path;
    EXPECT_GE(errors_of(tick.report, ErrorKind::io), 1U) << path;
  }
}

TEST(CgroupCollector, WithoutAHierarchyAllThatWasKnownIsStillThereUntilOneIsFound) {
  NestedCgroups host;
  const auto collector = cgroup_collector.make(host.root, {});
  Collected tick;
  collect(*collector, tick);
  host.has_hierarchy = false;
  const std::string controllers = std::exchange(host.files["sys/fs/cgroup/cgroup.controllers"], "");
  for (int i = 0; i < 2; ++i) {
    collect(*collector, tick);
    EXPECT_EQ(tick.paths(), (std::vector<std::string>{"/a", "/a/b", "/c"}));
    EXPECT_TRUE(tick.at("/a").values.empty());
    EXPECT_EQ(errors_of(tick.report, ErrorKind::unavailable), i == 0 ? 1U : 0U) << "said once";
  }
  host.has_hierarchy = true;
  host.files["sys/fs/cgroup/cgroup.controllers"] = controllers;
  collect(*collector, tick);
  EXPECT_EQ(tick.at("/a").value("heapfloor_cgroup_memory_current_bytes"), 4096);
  host.has_a = false;
  collect(*collector, tick);
  EXPECT_TRUE(tick.paths().empty()) << "what is gone is gone";
}

TEST(CgroupCollector, AHostWithoutTheControllerIsSaidOnceAndHasNoValues) {
  MemoryHostRoot root(testing::files({}));
  const auto collector = cgroup_collector.make(root, {});
  Collected tick;
  collect(*collector, tick);
  EXPECT_TRUE(tick.sink.entities.empty());
  EXPECT_EQ(errors_of(tick.report, ErrorKind::unavailable), 1U);
  for (int i = 0; i < 8; ++i) {
    collect(*collector, tick);
    EXPECT_FALSE(tick.report.first_error);
  }
}

TEST(CgroupCollector, AHierarchyThatIsMountedLaterIsFound) {
  OneCgroup host;
  host.files.erase("sys/fs/cgroup/cgroup.controllers");
  CollectorOptions options;
  options.refresh_ticks = 2;
  const auto collector = cgroup_collector.make(host.root, options);
  Collected tick;
  collect(*collector, tick);
  host.files["sys/fs/cgroup/cgroup.controllers"] = "memory\n";
  for (int i = 0; i < 2; ++i) collect(*collector, tick);
  EXPECT_NE(tick.find("/a"), nullptr);
}

}  // namespace
}  // namespace heapfloor
