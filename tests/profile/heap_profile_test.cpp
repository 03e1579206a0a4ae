#include "agent/profile/heap_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "tests/profile/elf_writer.h"
#include "tests/profile/file_code.h"
#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using testing::ElfWriter;
using testing::FileCode;
using ::testing::HasSubstr;
using testing::SegmentWriter;

constexpr const char* kMapsOfApp =
    "400000-410000 r-xp 00000000 fd:01 7 /opt/app\n"
    "7f0000000000-7f0000010000 r-xp 00000000 fd:01 8 /lib/libstdc++.so.6\n"
    "7f0000100000-7f0000110000 rwxp 00000000 00:00 0 \n";

std::string app_with_symbols() {
  ElfWriter elf;
  elf.set_build_id("\x12\x34");
  elf.add_function("main", 0x1000, 0x100);
  elf.add_function("_ZN4shop3addEi", 0x2000, 0x100);
  return elf.bytes();
}

std::string library_with_symbols() {
  ElfWriter elf;
  elf.add_function(
      "_ZNSt6vectorIiSaIiEE17_M_realloc_insertIJiEEEvN9__gnu_cxx17__normal_iteratorIPiS1_"
      "EEDpOT_",
      0x3000, 0x100);
  elf.add_function("_Znwm", 0x4000, 0x100);
  return elf.bytes();
}

class HeapProfileTest : public ::testing::Test {
 protected:
  HeapProfileTest() {
    code_.add("/opt/app", app_with_symbols());
    code_.add("/lib/libstdc++.so.6", library_with_symbols());
  }

  Profile made(HeapView view = HeapView::heap) {
    const auto heap = heap_sites_of(segment_.bytes(), 100);
    EXPECT_TRUE(heap) << heap.error().reason;
    return heap_profile(*heap, parse_code_mappings(kMapsOfApp).value(), code_, symboliser_,
                        {.view = view, .time_unix_seconds = 1.7e9});
  }

  SegmentWriter segment_;
  FileCode code_;
  Symboliser symboliser_;
};

std::string stack_text(const Profile& profile, const ProfileSample& sample) {
  std::string text;
  for (const std::string_view function : functions_of(profile, sample))
    text += (text.empty() ? "" : " < ") + std::string(function);
  return text;
}

std::map<std::string, std::string> labels_of(const ProfileSample& sample) {
  std::map<std::string, std::string> labels;
  for (const ProfileLabel& label : sample.labels) labels[label.key] = label.text;
  return labels;
}

TEST_F(HeapProfileTest, EachSiteIsASampleWithItsStackAndLabelsTheLargestFirst) {
  const std::uint16_t structure = segment_.add_name("user_cache");
  const std::uint16_t phase = segment_.add_name("grow");
  segment_.add_site(1, {0x401010}, 5'000'000);
  const auto large = segment_.add_site(2, {0x7f0000003010, 0x402010, 0x401020}, 50'000'000);
  segment_.site(large).structure_name_index = structure;
  segment_.site(large).phase_name_index = phase;
  segment_.site(large).live_objects_q10 = 1'024'000;
  segment_.site(large).allocated_bytes = 70'000'000;
  const Profile profile = made();
  ASSERT_EQ(profile.samples.size(), 2U);
  const ProfileSample& first = profile.samples[0];
  EXPECT_EQ(first.values, (std::array<std::int64_t, 4>{0, 70'000'000, 1000, 50'000'000}));
  EXPECT_THAT(stack_text(profile, first), HasSubstr("_M_realloc_insert<int>"));
  EXPECT_THAT(stack_text(profile, first), HasSubstr(" < shop::add(int) < main"));
  EXPECT_EQ(labels_of(first), (std::map<std::string, std::string>{{"structure", "user_cache"},
                                                                  {"phase", "grow"},
                                                                  {"container", "vector"},
                                                                  {"element", "int"}}));
  EXPECT_EQ(stack_text(profile, profile.samples[1]), "main");
  EXPECT_TRUE(profile.samples[1].labels.empty());
  ASSERT_GE(profile.mappings.size(), 2U);
  EXPECT_EQ(profile.mappings[0].file, "/opt/app");
  EXPECT_EQ(profile.mappings[0].build_id, "1234");
  EXPECT_TRUE(profile.mappings[0].has_functions);
  EXPECT_EQ(profile.period_bytes, 524288);
  EXPECT_EQ(profile.default_type, "inuse_space");
  EXPECT_EQ(made(HeapView::allocs).default_type, "alloc_space");
  EXPECT_TRUE(decode_profile(encode_profile(profile)));
}

TEST_F(HeapProfileTest, AReturnAddressBelongsToTheCallBeforeIt) {
  segment_.add_site(1, {0x401100}, 1'000'000);  // behind the last byte of main
  EXPECT_EQ(stack_text(made(), made().samples.at(0)), "main");
}

TEST_F(HeapProfileTest, WhatHasNoNameSaysWhereItIs) {
  segment_.add_site(1, {0x403001, 0x7f0000100011, 0x10}, 1'000'000);
  const Profile profile = made();
  EXPECT_EQ(stack_text(profile, profile.samples.at(0)), "[app+0x3000] < [unknown] < [unknown]");
}

TEST_F(HeapProfileTest, WhatFoundNoPlaceInTheTableIsToldAsTheRest) {
  segment_.add_site(0, {}, 3'000'000);
  segment_.header().stacks_without_site = 7;
  const Profile profile = made();
  ASSERT_EQ(profile.samples.size(), 1U);
  EXPECT_EQ(stack_text(profile, profile.samples[0]), "[sites beyond the table]");
  ASSERT_EQ(profile.comments.size(), 2U);
  EXPECT_THAT(profile.comments[1], HasSubstr("7 samples"));
}

TEST_F(HeapProfileTest, TheSamplingErrorIsStated) {
  segment_.add_site(1, {0x401010}, 5'000'000);
  EXPECT_THAT(made().comments.at(0), HasSubstr("32 % of 5 MB, 10 % of 50 MB, 3.2 % of 500 MB"));
}

TEST_F(HeapProfileTest, TheAllocatorsFramesAreNamedToBeDroppedAndNoOthers) {
  const std::regex drop(made().drop_frames);
  for (const char* name :
       {"malloc", "operator new", "operator new[]", "__gnu_cxx::new_allocator<int>::allocate",
        "std::__new_allocator<std::pair<int, int> >::allocate"})
    EXPECT_TRUE(std::regex_match(name, drop)) << name;
  for (const char* name : {"main", "my_malloc", "shop::add", "std::vector<int>::push_back"})
    EXPECT_FALSE(std::regex_match(name, drop)) << name;
}

TEST_F(HeapProfileTest, ADifferenceOfTwoMomentsMayBeNegative) {
  const auto site = segment_.add_site(1, {0x401010}, 5'000'000);
  const auto before = heap_sites_of(segment_.bytes(), 100);
  segment_.site(site).live_bytes = 2'000'000;
  segment_.add_site(2, {0x402010}, 1'000'000);
  const auto after = heap_sites_of(segment_.bytes(), 110);
  ASSERT_TRUE(before && after);
  const HeapSites changed = difference(*after, *before);
  ASSERT_EQ(changed.sites.size(), 2U);
  EXPECT_EQ(changed.sites[0].live_bytes, -3'000'000);
  EXPECT_EQ(changed.sites[1].live_bytes, 1'000'000);
  EXPECT_EQ(changed.live_bytes, -2'000'000);
}

TEST_F(HeapProfileTest, AProbeThatTakesNoSamplesHasNoProfile) {
  segment_.header().flags = 0;
  const auto heap = heap_sites_of(segment_.bytes(), 100);
  ASSERT_FALSE(heap);
  EXPECT_EQ(heap.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(heap_sites_of({}, 100));
}

TEST_F(HeapProfileTest, TheAgesOfSamplesAreThoseOfTheirBirths) {
  const auto site = segment_.add_site(1, {0x401010}, 5'000'000);
  segment_.add_live(site, 1024, 0);    // 400 s old
  segment_.add_live(site, 1024, 300);  // 100 s old
  const auto heap = heap_sites_of(segment_.bytes(), 400);
  ASSERT_TRUE(heap);
  const double weight = 1024 / (1 - std::exp(-1024.0 / 524288));
  EXPECT_NEAR(heap->sites.at(0).older_bytes[0], 2 * weight, 1);
  EXPECT_NEAR(heap->sites.at(0).older_bytes[1], weight, 1);
  EXPECT_EQ(heap->sites.at(0).older_bytes[2], 0);
}

TEST_F(HeapProfileTest, TablesOfFilesThatAreGoneServeOn) {
  segment_.add_site(1, {0x401010}, 5'000'000);
  EXPECT_EQ(stack_text(made(), made().samples.at(0)), "main");
  code_.clear();
  EXPECT_EQ(stack_text(made(), made().samples.at(0)), "main");
  EXPECT_EQ(symboliser_.modules(), 1U);
}

TEST_F(HeapProfileTest, TablesAreKeptWithinTheirBytes) {
  Symboliser tight({.module_bytes = 1});
  segment_.add_site(1, {0x401010}, 5'000'000);
  const auto heap = heap_sites_of(segment_.bytes(), 100);
  const Profile profile =
      heap_profile(*heap, parse_code_mappings(kMapsOfApp).value(), code_, tight, {});
  EXPECT_EQ(stack_text(profile, profile.samples.at(0)), "main");
  EXPECT_EQ(tight.modules(), 0U);
  EXPECT_EQ(tight.module_bytes(), 0U);
}

}  // namespace
}  // namespace heapfloor
