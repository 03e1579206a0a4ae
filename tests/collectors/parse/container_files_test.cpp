#include "collectors/parse/container_files.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'd');

TEST(ContainerFiles, DockerTellsTheNameTheImageAndItsDigest) {
  const auto facts = parse_docker_config(
      R"({"StreamConfig":{},"State":{"Running":true,"Pid":7},"ID":"abc","Config":{"Hostname":"h",)"
      R"("Env":["PASSWORD=secret","Image=wrong:1"],"Cmd":["serve"],"Image":"payments:1.8.2",)"
      R"("Labels":{"com.docker.compose.service":"web"}},"Image":")" +
      kDigest +
      R"(","NetworkSettings":{"Networks":{"bridge":{"Name":"wrong"}}},"Name":"/shop_1"})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(*facts, (ContainerFacts{"shop_1", "payments:1.8.2", kDigest, "", ""}));
}

TEST(ContainerFiles, DockerBelowTheKubeletTellsThePodByLabels) {
  const auto facts = parse_docker_config(
      R"({"Name":"/k8s_app_shop-1_prod_uid_0","Config":{"Image":"payments@sha256:1","Labels":{)"
      R"("io.kubernetes.container.name":"app","io.kubernetes.pod.name":"shop-1",)"
      R"("io.kubernetes.pod.namespace":"prod"}}})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(*facts, (ContainerFacts{"app", "payments@sha256:1", "", "shop-1", "prod"}));
}

TEST(ContainerFiles, ContainerdAndCrioAnnotateTheBundle) {
  const auto containerd = parse_oci_config(
      R"({"ociVersion":"1.1.0","process":{"env":["TOKEN=secret"],"args":["serve"]},"annotations":{)"
      R"("io.kubernetes.cri.container-name":"app","io.kubernetes.cri.container-type":"container",)"
      R"("io.kubernetes.cri.image-name":"registry.example/payments:1.8.2",)"
      R"("io.kubernetes.cri.sandbox-name":"shop-1","io.kubernetes.cri.sandbox-namespace":"prod"}})");
  ASSERT_TRUE(containerd);
  EXPECT_EQ(*containerd,
            (ContainerFacts{"app", "registry.example/payments:1.8.2", "", "shop-1", "prod"}));
  const auto crio = parse_oci_config(
      R"({"annotations":{"io.kubernetes.cri-o.Image":"0123abcd",)"
      R"("io.kubernetes.cri-o.ImageName":"registry.example/payments:1.8.2",)"
      R"("io.kubernetes.cri-o.ImageRef":"4567","io.kubernetes.container.name":"app",)"
      R"("io.kubernetes.pod.name":"shop-1","io.kubernetes.pod.namespace":"prod"}})");
  ASSERT_TRUE(crio);
  EXPECT_EQ(*crio,
            (ContainerFacts{"app", "registry.example/payments:1.8.2", "4567", "shop-1", "prod"}));
}

TEST(ContainerFiles, NerdctlTellsTheName) {
  const auto facts = parse_oci_config(R"({"annotations":{"nerdctl/name":"web"}})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(*facts, (ContainerFacts{"web", "", "", "", ""}));
}

TEST(ContainerFiles, PodmansListHasTheImageInItsMetadata) {
  const auto list = parse_stored_containers(
      R"([{"id":"aa","names":["web","web-alias"],"image":"0123","layer":"l","metadata":)"
      R"("{\"image-name\":\"docker.io/library/shop:2\",\"image-id\":\"0123\",\"name\":\"web\"}",)"
      R"("flags":{"MountLabel":"x"}},{"names":["of-no-one"]},)"
      R"({"id":"bb","names":["plain"],"image":"4567","metadata":"no JSON"}])");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at("aa"), (ContainerFacts{"web", "docker.io/library/shop:2", "0123", "", ""}));
  EXPECT_EQ(list->at("bb"), (ContainerFacts{"plain", "", "4567", "", ""}));
}

TEST(ContainerFiles, WhatIsNoTextOrCannotBeShownIsNotSaid) {
  for (const char* const json :
       {R"({"Name":7,"Image":null})", R"({"Name":["a"],"Image":{"Image":"b"}})", R"([])", "7",
        R"({"Name":"/a b","Image":"x\u001b[31m"})",
        R"({"Name":"/\u00e9","Config":[{"Image":"b"}]})"}) {
    const auto facts = parse_docker_config(json);
    ASSERT_TRUE(facts) << json;
    EXPECT_EQ(*facts, ContainerFacts()) << json;
  }
  const auto facts =
      parse_docker_config(R"({"Image":")" + std::string(kMostContainerText + 1, 'i') + R"("})");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->image_id, "");
}

TEST(ContainerFiles, WhatIsNotJsonOrTooDeepIsRefusedWithoutQuotingIt) {
  for (const std::string& text : {std::string(), std::string(R"({"Env":["PASSWORD=secret)"),
                                  std::string(100000, '['), std::string(R"({"a":secret})")}) {
    for (const auto parse : {parse_docker_config, parse_oci_config}) {
      const auto facts = parse(text);
      ASSERT_FALSE(facts);
      EXPECT_EQ(facts.error().kind, ErrorKind::malformed);
      EXPECT_EQ(facts.error().reason.find("secret"), std::string::npos);
    }
    EXPECT_FALSE(parse_stored_containers(text));
  }
}

}  // namespace
}  // namespace heapfloor
