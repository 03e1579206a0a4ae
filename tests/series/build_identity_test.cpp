#include "agent/series/build_identity.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

constexpr std::string_view kGnu = "0123456789abcdef0123456789abcdef01234567";
constexpr FileFacts kFile{7, 8, 41'231'234, 1'764'338'531'000'000'000};  // 2025-11-28 14:02:11

std::string go_name(const GoBuild& go) {
  ElfBuild elf;
  elf.build_id = std::string(kGnu);
  elf.go = go;
  return build_of_elf(elf, "shopd", kFile)->short_name();
}

TEST(BuildIdentityTest, IsTheLinkersIdThenGosThenTheFile) {
  ElfBuild elf{std::string(kGnu), "action/a/b/content-of-it", {}};
  const SharedBuild gnu = build_of_elf(elf, "shopd", kFile);
  ASSERT_TRUE(gnu);
  EXPECT_EQ(*gnu, (BuildIdentity{BuildKind::gnu, "shopd", std::string(kGnu), ""}));
  EXPECT_EQ(gnu->short_name(), "0123456789ab");
  elf.build_id.clear();
  const SharedBuild go = build_of_elf(elf, "shopd", kFile);
  EXPECT_EQ(go->kind, BuildKind::go);
  EXPECT_EQ(go->short_name(), "content-of-i");
  const SharedBuild file = build_of_elf(ElfBuild(), "shopd", kFile);
  EXPECT_EQ(file->kind, BuildKind::file);
  EXPECT_EQ(file->id, "shopd@20251128T140211Z+41231234");
  EXPECT_EQ(file->short_name(), "shopd@20251128T140211Z");
}

TEST(BuildIdentityTest, IsCalledByTheVersionThatItsMakerGave) {
  EXPECT_EQ(go_name({"go1.19", "v1.4.2", "abc", false}), "v1.4.2");
  EXPECT_EQ(go_name({"go1.19", "(devel)", "0123456789abcdef", false}), "0123456789ab");
  EXPECT_EQ(go_name({"go1.19", "(devel)", "0123456789abcdef", true}), "0123456789ab+dirty");
  EXPECT_EQ(go_name({"go1.24", "v1.4.3-0.2025+dirty", "abc", true}), "v1.4.3-0.2025+dirty");
  EXPECT_EQ(go_name({"go1.16", "(devel)", "", {}}), "0123456789ab");
}

TEST(BuildIdentityTest, ANameThatCannotBeShownIsNoBuild) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a\nb"),
                                  std::string("\xff"), std::string(65, 'a')}) {
    EXPECT_FALSE(build_of_file(name, kFile)) << name;
    EXPECT_FALSE(build_of_elf({std::string(kGnu), "", {}}, name, kFile)) << name;
  }
}

TEST(BuildIdentityTest, AnyTimeOfChangeIsADate) {
  for (const std::int64_t time : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
    const SharedBuild build = build_of_file("a", {1, 1, UINT64_MAX, time});
    ASSERT_TRUE(build);
    EXPECT_EQ(build->short_name().size(), std::string_view("a@20251128T140211Z").size()) << time;
  }
}

std::string image_name(const std::string& name, const std::string& id = {}) {
  const SharedBuild build = with_image(build_of_file("app", kFile), {name, id});
  return build->image_name();
}

TEST(BuildIdentityTest, AnImageIsCalledByItsRepositoryAndTagElseByItsDigest) {
  EXPECT_EQ(image_name("registry.example:5000/shop/payments:1.8.2"), "payments:1.8.2");
  EXPECT_EQ(image_name("payments:1.8.2@sha256:0123456789abcdef"), "payments:1.8.2");
  EXPECT_EQ(image_name("shop/payments@sha256:0123456789abcdef"), "payments@0123456789ab");
  EXPECT_EQ(image_name("registry.example:5000/payments", "sha256:fedcba9876543210"),
            "payments@fedcba987654");
  EXPECT_EQ(image_name("registry.example:5000/payments"), "payments");
  EXPECT_EQ(image_name("sha256:0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(image_name("", "sha256:0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(image_name("a b"), "") << "cannot be shown";
  EXPECT_EQ(image_name(""), "");
}

TEST(BuildIdentityTest, WhatHasNoBuildOfItsOwnHasThatOfItsImage) {
  const SharedBuild build = with_image(nullptr, {"shop/payments:1.8.2", "sha256:12"});
  ASSERT_TRUE(build);
  EXPECT_EQ(build->kind, BuildKind::image);
  EXPECT_EQ(build->program, "payments");
  EXPECT_EQ(build->id, "sha256:12");
  EXPECT_EQ(build->short_name(), "payments:1.8.2");
  EXPECT_EQ(with_image(nullptr, {"payments:1.8.2", ""})->id, "payments:1.8.2");
  EXPECT_FALSE(with_image(nullptr, {"", "sha256:12"})) << "nothing that all builds are called";
  EXPECT_FALSE(with_image(nullptr, {}));
}

TEST(BuildIdentityTest, ABuildIsOneOfAnImageByItsDigestElseByItsName) {
  const SharedBuild bare = build_of_file("app", kFile);
  const auto in = [&bare](const char* name, const char* id) {
    return with_image(bare, {name, id});
  };
  EXPECT_FALSE(in("app:1", "")->is_same_build(*in("app:2", "")));
  EXPECT_TRUE(in("app:1", "12")->is_same_build(*in("app:stable", "12")));
  EXPECT_FALSE(in("app:latest", "12")->is_same_build(*in("app:latest", "34")));
  EXPECT_TRUE(in("app:1", "")->is_same_build(*bare)) << "of one the image is not known (yet)";
  EXPECT_TRUE(in("app:1", "")->may_be_same_run(*in("app:2", ""))) << "moved, not started anew";
  EXPECT_TRUE(with_image(nullptr, {"app:1", ""})->may_be_same_run(*bare));
}

TEST(BuildIdentityTest, ARuntimeIsNoBuildOfWhatRunsInIt) {
  for (const char* const name : {"dotnet", "beam.smp", "php-fpm8.2", "uwsgi"})
    EXPECT_TRUE(runs_other_programs(name)) << name;
  for (const char* const name : {"", "shopd", "R2", "12"})
    EXPECT_EQ(runs_other_programs(name), std::string_view(name) == "R2") << name;
}

TEST(BuildIdentityTest, IsReadBackAsItWasWrittenAndWhatIsNoneIsRefused) {
  const auto written = [](const SharedBuild& build) {
    std::string bytes;
    ByteWriter out(bytes);
    save_build(out, build);
    return bytes;
  };
  const auto back = [](const std::string& bytes, bool expected) {
    ByteReader in(bytes);
    const SharedBuild build = take_build(in);
    EXPECT_EQ(in.finished(), expected);
    return build;
  };
  const SharedBuild build = build_of_file("app.jar", kFile);
  EXPECT_EQ(*back(written(build), true), *build);
  EXPECT_EQ(back(written(nullptr), true), nullptr);
  std::string hostile = written(build);
  hostile[hostile.size() - 5] = '\n';
  EXPECT_EQ(back(hostile, false), nullptr);
  EXPECT_EQ(back(written(build).substr(0, 20), false), nullptr);
}

}  // namespace
}  // namespace heapfloor
