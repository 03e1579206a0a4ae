#include "collectors/parse/elf_build.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/elf_maker.h"

namespace heapfloor {
namespace {

using testing::elf_note;
using testing::ElfMaker;
using testing::go_info;
using testing::go_info_by_address;
using testing::little_endian;

constexpr std::string_view kModules =
    "path\tgithub.com/acme/shop/cmd/shopd\n"
    "mod\tgithub.com/acme/shop\tv1.4.2\th1:abc=\n"
    "dep\tgithub.com/lib/pq\tv1.10.9\th1:def=\n"
    "build\t-compiler=gc\n"
    "build\tCGO_CFLAGS=\"-O2 -g\"\n"
    "build\tvcs=git\n"
    "build\tvcs.revision=0123456789abcdef0123456789abcdef01234567\n"
    "build\tvcs.modified=true\n";

Result<ElfBuild> parse(const std::string& file) {
  return parse_elf_build(testing::reader_of(file));
}

ElfBuild build_of(const ElfMaker& maker) {
  const Result<ElfBuild> build = parse(maker.make());
  EXPECT_TRUE(build) << (build ? "" : build.error().reason);
  return build.value_or(ElfBuild());
}

TEST(ElfBuildTest, TellsTheBuildIdOfTheLinker) {
  ElfMaker maker{.notes = testing::gnu_build_id_note("\x01\xab\xff")};
  EXPECT_EQ(build_of(maker).build_id, "01abff");
  maker.is_64_bit = false;
  EXPECT_EQ(build_of(maker).build_id, "01abff");
  EXPECT_FALSE(build_of(maker).go);
}

TEST(ElfBuildTest, FindsItBehindOtherNotes) {
  const ElfMaker maker{.notes = elf_note(std::string_view("GNU\0", 4), 1, std::string(16, 'a')) +
                                testing::go_build_id_note("abc/def") +
                                testing::gnu_build_id_note("\x42")};
  EXPECT_EQ(build_of(maker).build_id, "42");
  EXPECT_EQ(build_of(maker).go_build_id, "abc/def");
}

TEST(ElfBuildTest, FindsItInASectionThatNoSegmentHas) {
  EXPECT_EQ(
      build_of({.notes = testing::gnu_build_id_note("1"), .has_note_segment = false}).build_id,
      "31");
}

TEST(ElfBuildTest, TheFirstBuildIdCountsAndOneThatIsTooLongIsNone) {
  const std::string first = testing::gnu_build_id_note("1");
  EXPECT_EQ(build_of({.notes = first + testing::gnu_build_id_note("2")}).build_id, "31");
  EXPECT_EQ(build_of({.notes = testing::gnu_build_id_note(std::string(65, 'x'))}).build_id, "");
  EXPECT_EQ(build_of({.notes = testing::gnu_build_id_note("")}).build_id, "");
}

TEST(ElfBuildTest, TellsWhatGoWroteInBothOfItsForms) {
  const GoBuild expected{"go1.19.8", "v1.4.2", "0123456789abcdef0123456789abcdef01234567", true};
  ElfMaker maker{.data = go_info("go1.19.8", kModules)};
  EXPECT_EQ(build_of(maker).go, expected);
  maker.data = go_info_by_address("go1.19.8", kModules);
  EXPECT_EQ(build_of(maker).go, expected);
  maker.data = go_info_by_address("go1.19.8", kModules, 4);
  maker.is_64_bit = false;
  EXPECT_EQ(build_of(maker).go, expected);
}

TEST(ElfBuildTest, FindsWhatGoWroteWithoutATableOfSections) {
  ElfMaker maker{.data = std::string(48, 'x') + go_info("go1.22.1", kModules),
                 .has_section = false};
  EXPECT_EQ(build_of(maker).go->module_version, "v1.4.2");
  maker.data.insert(0, 8, 'x');  // not where Go aligns it
  EXPECT_FALSE(build_of(maker).go);
}

TEST(ElfBuildTest, AGoProgramWithoutModulesIsToldByItsToolchain) {
  const ElfBuild build = build_of({.data = go_info("go1.16 X:regabi", "")});
  ASSERT_TRUE(build.go);
  EXPECT_EQ(*build.go, (GoBuild{"go1.16", "", "", {}}));
}

TEST(ElfBuildTest, BelievesNoAddressOrLengthThatLeadsOutOfTheFile) {
  const std::string sound = go_info_by_address("go1.17", kModules);
  for (const std::size_t place : {16U, 24U, 32U, 40U, 48U, 56U}) {
    std::string data = sound;
    data.replace(place, 8, little_endian(UINT64_MAX - 7, 8));
    const ElfBuild build = build_of({.data = data});
    const bool is_of_version = place == 16 || place == 32 || place == 40;
    EXPECT_EQ(build.go.has_value(), !is_of_version) << place;
    if (build.go) {
      EXPECT_EQ(build.go->module_version, "") << place;
    }
  }
}

TEST(ElfBuildTest, KeepsNoTextThatIsNotPlain) {
  const GoBuild build = parse_go_modules(
      "mod\tx\tv1\x1b[31m\th1:\nbuild\tvcs.revision=a b\nbuild\tvcs.modified=maybe\n");
  EXPECT_EQ(build, GoBuild());
  EXPECT_EQ(parse_go_modules("mod\tx\t" + std::string(129, 'v')).module_version, "");
  EXPECT_EQ(parse_go_modules("mod\tx\tv2").module_version, "v2");
}

TEST(ElfBuildTest, RefusesWhatIsNoElfFile) {
  for (const std::string& file : {std::string(), std::string("#!/bin/sh\n"), std::string(100, '\0'),
                                  std::string("\x7f"
                                              "ELF\2\2") +
                                      std::string(100, '\0'),
                                  std::string("\x7f"
                                              "ELF\3\1") +
                                      std::string(100, '\0'),
                                  std::string("\x7f"
                                              "ELF\2\1") +
                                      std::string(50, '\0')}) {
    const Result<ElfBuild> build = parse(file);
    ASSERT_FALSE(build) << file.size();
    EXPECT_EQ(build.error().kind, ErrorKind::malformed);
  }
}

TEST(ElfBuildTest, EveryCutOfAFileIsABuildOrARefusal) {
  const std::string whole =
      ElfMaker{.notes = testing::gnu_build_id_note("12345678"), .data = go_info("go1.20", kModules)}
          .make();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Result<ElfBuild> build = parse(whole.substr(0, size));
    if (!build) continue;
    EXPECT_TRUE(build->build_id.empty() || build->build_id == "3132333435363738") << size;
    EXPECT_TRUE(!build->go || build->go->go_version == "go1.20") << size;
  }
}

TEST(ElfBuildTest, ReadsTheProgramThatRunsThisTest) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const Result<ElfBuild> build = parse(bytes);
  ASSERT_TRUE(build);
  EXPECT_FALSE(build->go);
}

}  // namespace
}  // namespace heapfloor
