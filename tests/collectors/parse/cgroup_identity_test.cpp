#include "collectors/parse/cgroup_identity.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view kUid = "12345678-9abc-def0-1234-56789abcdef0";

CgroupIdentity of(const std::string& path) { return cgroup_identity(path); }

TEST(CgroupIdentity, ContainersAreKnownByTheirRuntimesNames) {
  const auto expect = [](const std::string& path, std::string_view runtime) {
    EXPECT_EQ(of(path).runtime, runtime) << path;
    EXPECT_EQ(of(path).container_id, kId) << path;
  };
  expect("/docker/" + kId, "docker");
  expect("/system.slice/docker-" + kId + ".scope", "docker");
  expect("/system.slice/nerdctl-" + kId + ".scope", "containerd");
  expect("/machine.slice/libpod-" + kId + ".scope", "podman");
  expect("/libpod_parent/libpod-" + kId, "podman");
  expect("/kubepods/besteffort/pod" + std::string(kUid) + "/crio-" + kId, "cri-o");
  expect("/system.slice/containerd.service/kubepods-pod.slice:cri-containerd:" + kId, "containerd");
  expect("/kubepods/burstable/pod" + std::string(kUid) + "/" + kId, "");
}

TEST(CgroupIdentity, APodHasAUidWithDashesAndAQualityOfService) {
  const auto burstable =
      of("/kubepods.slice/kubepods-burstable.slice/"
         "kubepods-burstable-pod12345678_9abc_def0_1234_56789abcdef0.slice/cri-containerd-" +
         kId + ".scope");
  EXPECT_EQ(burstable.pod_uid, kUid);
  EXPECT_EQ(burstable.qos, "burstable");
  EXPECT_EQ(burstable.runtime, "containerd");
  EXPECT_EQ(burstable.container_id, kId);
  const auto guaranteed = of("/kubepods/pod" + std::string(kUid) + "/" + kId);
  EXPECT_EQ(guaranteed.pod_uid, kUid);
  EXPECT_EQ(guaranteed.qos, "guaranteed");
  const auto nested =
      of("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
         "kubelet-kubepods-besteffort-pod12345678_9abc_def0_1234_56789abcdef0.slice");
  EXPECT_EQ(nested.pod_uid, kUid);
  EXPECT_EQ(nested.qos, "besteffort");
  EXPECT_EQ(of("/kubepods.slice/kubepods-burstable.slice").qos, "");
}

TEST(CgroupIdentity, UnitsAndSlicesAreTheInnermost) {
  const auto service = of("/system.slice/system-postgresql.slice/postgresql@15-main.service");
  EXPECT_EQ(service.unit, "postgresql@15-main.service");
  EXPECT_EQ(service.slice, "system-postgresql.slice");
  EXPECT_EQ(service.runtime, "systemd");
  const auto user = of("/user.slice/user-1000.slice/user@1000.service/app.slice/editor.service");
  EXPECT_EQ(user.unit, "editor.service");
  EXPECT_EQ(user.slice, "app.slice");
  EXPECT_EQ(of("/system.slice").unit, "");
}

TEST(CgroupIdentity, TheUnderscoreThatKeepsNamesApartIsNotPartOfAUnit) {
  EXPECT_EQ(of("/system.slice/_cgroup.service").unit, "cgroup.service");
  EXPECT_EQ(of("/system.slice/dev-disk-by\\x2duuid.swap").unit, "dev-disk-by\\x2duuid.swap");
}

TEST(CgroupIdentity, WhatOnlyLooksLikeAContainerIsNone) {
  for (const std::string& path :
       {std::string("/"), std::string(), "/machine.slice/libpod-conmon-" + kId + ".scope",
        std::string("/docker/short"), "/a/" + kId.substr(1), std::string("/docker-.scope"),
        std::string("/crio-0123456789ag")}) {
    EXPECT_EQ(of(path).container_id, "") << path;
  }
}

TEST(CgroupIdentity, AContainerInAContainerIsTheInnerOne) {
  const std::string inner = "f" + kId.substr(1);
  EXPECT_EQ(of("/docker/" + kId + "/docker/" + inner).container_id, inner);
}

}  // namespace
}  // namespace heapfloor
