#include "collectors/container_names.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/memory_host_root.h"

namespace heapfloor {
namespace {

using testing::MemoryHostRoot;

const std::string kId(64, 'a');
const std::string kOtherId(64, 'b');

// A host whose files a test may change; what begins with "refused" is closed.
class ContainerNamesTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string, std::less<>> files_;
  std::map<std::string, int, std::less<>> reads_;
  MemoryHostRoot root_{[this](std::string_view path) -> Result<std::string> {
    ++reads_[std::string(path)];
    const auto found = files_.find(path);
    if (found == files_.end())
      return failure(ErrorKind::unavailable, std::string(path), "no such file");
    if (found->second == "refused")
      return failure(ErrorKind::denied, std::string(path), "Permission denied");
    return found->second;
  }};
  ContainerNames names_{root_};
  CollectReport report_;

  // What is known of a container in one tick.
  ContainerFacts facts(std::string_view runtime, const std::string& id) {
    CgroupIdentity identity;
    identity.runtime = runtime;
    identity.container_id = id;
    const ContainerFacts* const found = names_.find(identity);
    ContainerFacts copy = found == nullptr ? ContainerFacts() : *found;
    finish();
    return copy;
  }
  void finish() {
    report_ = {};
    names_.finish_tick(report_);
  }
  static std::string docker_path(const std::string& id) {
    return "root/var/lib/docker/containers/" + id + "/config.v2.json";
  }
};

TEST_F(ContainerNamesTest, AContainerIsReadOnceAndForgottenWithItsCgroup) {
  files_[docker_path(kId)] = R"({"Name":"/web","Config":{"Image":"shop:1"}})";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(facts("docker", kId).image, "shop:1");
  EXPECT_EQ(reads_[docker_path(kId)], 1);
  ASSERT_EQ(report_.sources.size(), 1U);
  EXPECT_TRUE(report_.sources[0].is_accessible);
  finish();
  EXPECT_TRUE(report_.sources.empty()) << "no container, nothing that could be closed";
  files_[docker_path(kId)] = R"({"Name":"/web","Config":{"Image":"shop:2"}})";
  EXPECT_EQ(facts("docker", kId).image, "shop:2");
}

TEST_F(ContainerNamesTest, ARuntimeThatThePathDoesNotTellIsLookedForInAllPlaces) {
  files_["root/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json"] =
      R"({"annotations":{"io.kubernetes.cri.image-name":"shop:1"}})";
  files_["root/var/lib/containers/storage/overlay-containers/" + kOtherId +
         "/userdata/config.json"] = R"({"annotations":{"io.kubernetes.cri-o.ImageName":"shop:2"}})";
  EXPECT_EQ(facts("", kId).image, "shop:1");
  EXPECT_EQ(facts("", kOtherId).image, "shop:2");
  EXPECT_EQ(facts("docker", kId).image, "") << "not docker's file";
}

TEST_F(ContainerNamesTest, PodmansListIsReadOnceATickForAllOfItsContainers) {
  const std::string list =
      "root/run/containers/storage/overlay-containers/volatile-containers.json";
  files_[list] = R"([{"id":")" + kId + R"(","metadata":"{\"image-name\":\"shop:1\"}"},{"id":")" +
                 kOtherId + R"(","metadata":"{\"image-name\":\"shop:2\"}"}])";
  CgroupIdentity identity;
  identity.runtime = "podman";
  for (const auto& [id, image] : {std::pair(kId, "shop:1"), std::pair(kOtherId, "shop:2")}) {
    identity.container_id = id;
    const ContainerFacts* const found = names_.find(identity);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->image, image);
  }
  EXPECT_EQ(reads_[list], 1);
}

TEST_F(ContainerNamesTest, AnAgentInAContainerFindsTheFilesAtTheRootOfTheFirstProcess) {
  files_["proc/1/root/var/lib/docker/containers/" + kId + "/config.v2.json"] =
      R"({"Config":{"Image":"shop:1"}})";
  EXPECT_EQ(facts("docker", kId).image, "shop:1");
}

TEST_F(ContainerNamesTest, AFileThatComesLateIsFoundAndOneThatNeverComesIsNotLookedForForEver) {
  EXPECT_EQ(facts("docker", kId).image, "");
  files_[docker_path(kId)] = R"({"Config":{"Image":"shop:1"}})";
  EXPECT_EQ(facts("docker", kId).image, "shop:1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(facts("docker", kOtherId).image, "");
  EXPECT_EQ(reads_[docker_path(kOtherId)], static_cast<int>(ContainerNames::kMostLooks));
}

TEST_F(ContainerNamesTest, WhatIsRefusedIsCountedOnceAndTheSourceIsClosed) {
  files_[docker_path(kId)] = "refused";
  EXPECT_EQ(facts("docker", kId).image, "");
  EXPECT_EQ(report_.errors.at(static_cast<std::size_t>(ErrorKind::denied)), 1U);
  ASSERT_EQ(report_.sources.size(), 1U);
  EXPECT_EQ(report_.sources[0].source, "container_files");
  EXPECT_FALSE(report_.sources[0].is_accessible);
  EXPECT_EQ(report_.sources[0].needs, "CAP_DAC_READ_SEARCH");
  EXPECT_EQ(facts("docker", kId).image, "");
  EXPECT_EQ(report_.errors.at(static_cast<std::size_t>(ErrorKind::denied)), 0U);
  EXPECT_FALSE(report_.sources.at(0).is_accessible);
  EXPECT_EQ(reads_[docker_path(kId)], 1);
}

TEST_F(ContainerNamesTest, WhatIsNonsenseOrTooLargeIsCountedOnceAndTheRestGoesOn) {
  files_[docker_path(kId)] = "no JSON";
  files_[docker_path(kOtherId)] = std::string(ContainerNames::kLargestFileBytes + 1, ' ');
  for (const std::string& id : {kId, kOtherId}) {
    EXPECT_EQ(facts("docker", id), ContainerFacts());
    EXPECT_EQ(report_.errors.at(static_cast<std::size_t>(ErrorKind::malformed)), 1U);
    ASSERT_TRUE(report_.first_error);
    EXPECT_NE(report_.first_error->path.find(id), std::string::npos);
    EXPECT_EQ(facts("docker", id), ContainerFacts());
    EXPECT_FALSE(report_.first_error);
  }
}

TEST_F(ContainerNamesTest, APodsOwnCgroupIsNamedByItsContainers) {
  files_["root/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json"] =
      R"({"annotations":{"io.kubernetes.cri.container-name":"app",)"
      R"("io.kubernetes.cri.sandbox-name":"shop-1","io.kubernetes.cri.sandbox-namespace":"prod"}})";
  CgroupIdentity pod;
  pod.pod_uid = "12-34";
  CgroupIdentity container = pod;
  container.container_id = kId;
  EXPECT_EQ(names_.find(pod), nullptr);
  ASSERT_NE(names_.find(container), nullptr);
  finish();
  ASSERT_NE(names_.find(pod), nullptr);
  EXPECT_EQ(*names_.find(pod), (ContainerFacts{"", "", "", "shop-1", "prod"}));
}

TEST_F(ContainerNamesTest, AHostWithManyNewContainersIsReadInPortions) {
  CgroupIdentity identity;
  identity.runtime = "docker";
  const auto id = [](std::size_t number) {
    return kId.substr(8) + std::to_string(10000000 + number);
  };
  constexpr std::size_t kContainers = ContainerNames::kReadsPerTick + 10;
  for (std::size_t i = 0; i < kContainers; ++i)
    files_[docker_path(id(i))] = R"({"Config":{"Image":"shop:1"}})";
  const auto named = [&] {
    std::size_t found = 0;
    for (std::size_t i = 0; i < kContainers; ++i) {
      identity.container_id = id(i);
      found += names_.find(identity) != nullptr;
    }
    finish();
    return found;
  };
  EXPECT_EQ(named(), ContainerNames::kReadsPerTick);
  EXPECT_EQ(named(), kContainers);
}

// On a real file system.
class RootFiles : public ::testing::Test {
 protected:
  RootFiles() {
    std::filesystem::create_directories(root_ / "disk/docker/containers" / kId);
    std::filesystem::create_directories(root_ / "var/lib");
    std::ofstream(root_ / "disk/docker/containers" / kId / "config.v2.json")
        << R"({"Config":{"Image":"shop:1"}})";
  }
  ~RootFiles() override { std::filesystem::remove_all(root_); }
  RootFiles(const RootFiles&) = delete;
  RootFiles& operator=(const RootFiles&) = delete;

  [[nodiscard]] std::string image() const {
    const DirectoryHostRoot host({root_ / "proc", root_ / "sys", root_});
    ContainerNames names(host);
    CgroupIdentity identity;
    identity.runtime = "docker";
    identity.container_id = kId;
    const ContainerFacts* const found = names.find(identity);
    return found == nullptr ? std::string() : found->image;
  }

  std::filesystem::path root_ = std::filesystem::temp_directory_path() /
                                ("heapfloor_container_names." + std::to_string(::getpid()));
};

TEST_F(RootFiles, ALinkIsFollowedInsideTheRootOfTheHost) {
  std::filesystem::create_symlink("/disk/docker", root_ / "var/lib/docker");
  EXPECT_EQ(image(), "shop:1");
}

TEST_F(RootFiles, ALinkThatLeadsOutOfItAndAPipeAreNotOpened) {
  std::filesystem::create_directories(root_ / "tree/var/lib");
  std::filesystem::create_symlink(root_ / "disk/docker", root_ / "tree/var/lib/docker");
  const DirectoryHostRoot inside({root_ / "proc", root_ / "sys", root_ / "tree"});
  const std::string path = "var/lib/docker/containers/" + kId + "/config.v2.json";
  const auto outside = inside.open_file(path);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().kind, ErrorKind::unavailable);
  std::filesystem::create_directories(root_ / "var/lib/docker/containers" / kId);
  ASSERT_EQ(::mkfifo((root_ / path).c_str(), 0600), 0);
  EXPECT_EQ(image(), "");
}

}  // namespace
}  // namespace heapfloor
