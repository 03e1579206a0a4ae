#include "agent/profile/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heapfloor {
namespace {

Profile small_profile() {
  Profile profile;
  profile.mappings = {
      {0x400000, 0x500000, 0, "/opt/app", "ab01", true, true, true, true},
      {0x7f0000000000, 0x7f0000100000, 0x1000, "/lib/libc.so.6", "", true, false, false, false}};
  profile.functions = {{"shop::add(int)", "_ZN4shop3addEi", "shop.cpp"}, {"main", "", ""}};
  profile.locations = {{0x401000, 0, {{0, 12}, {1, 40}}},
                       {0x7f0000000010, 1, {{1, 0}}},
                       {0, std::nullopt, {{1, 0}}}};
  profile.samples = {{{0, 1}, {10, 1000, 5, 500}, {{"structure", "user_cache"}, {"phase", "grow"}}},
                     {{2}, {1, 2, -3, -4}, {}}};
  profile.comments = {"one sample in 512 KiB", "another remark"};
  profile.drop_frames = "malloc|operator new";
  profile.period_bytes = 524288;
  profile.time_nanoseconds = 1'700'000'000'000'000'000;
  profile.duration_nanoseconds = 30'000'000'000;
  return profile;
}

TEST(Profile, WhatIsWrittenIsReadAgain) {
  const Profile profile = small_profile();
  const auto plain = decode_profile(encode_profile(profile));
  ASSERT_TRUE(plain) << plain.error().reason;
  EXPECT_EQ(*plain, profile);
  const auto packed = decode_profile(gzip(encode_profile(profile)));
  ASSERT_TRUE(packed) << packed.error().reason;
  EXPECT_EQ(*packed, profile);
}

TEST(Profile, NamesThatAreNoTextBecomeText) {
  Profile profile = small_profile();
  profile.functions[1].name = "evil\xff\xfename\xe2\x82";
  const auto read = decode_profile(encode_profile(profile));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->functions[1].name, "evil??name??");
}

TEST(Profile, ADifferenceSubtractsTheSameStacksWhereverTheyWereLoaded) {
  const Profile base = small_profile();
  Profile now = small_profile();
  constexpr std::uint64_t kMoved = 0x10000;
  now.mappings[1].start += kMoved;
  now.mappings[1].end += kMoved;
  now.locations[1].address += kMoved;
  now.samples[0].values = {30, 3000, 7, 400};
  now.time_nanoseconds += 5;
  const Profile changed = difference(now, base);
  ASSERT_EQ(changed.samples.size(), 1U);
  EXPECT_EQ(changed.samples[0].values, (std::array<std::int64_t, 4>{20, 2000, 2, -100}));
  EXPECT_EQ(changed.samples[0].labels, now.samples[0].labels);
  EXPECT_EQ(changed.duration_nanoseconds, 5);
  EXPECT_TRUE(decode_profile(encode_profile(changed)));
}

TEST(Profile, ADifferenceKeepsWhatOnlyOneOfTheTwoHas) {
  Profile now = small_profile();
  Profile base = small_profile();
  now.samples.erase(now.samples.begin() + 1);
  base.samples.erase(base.samples.begin());
  const Profile changed = difference(now, base);
  ASSERT_EQ(changed.samples.size(), 2U);
  EXPECT_EQ(changed.samples[0].values, (std::array<std::int64_t, 4>{10, 1000, 5, 500}));
  EXPECT_EQ(changed.samples[1].values, (std::array<std::int64_t, 4>{-1, -2, 3, 4}));
}

TEST(Profile, StacksWithOtherLabelsAreOtherStacks) {
  const Profile base = small_profile();
  Profile now = small_profile();
  now.samples[0].labels[1].text = "init";
  EXPECT_EQ(difference(now, base).samples.size(), 2U);
}

TEST(Profile, WhatIsCutOrChangedIsRefusedAndHarmsNobody) {
  const std::string whole = encode_profile(small_profile());
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size)
    accepted += decode_profile(whole.substr(0, size)).has_value();
  EXPECT_LT(accepted, whole.size() / 4);
  EXPECT_FALSE(decode_profile(""));
  EXPECT_FALSE(decode_profile("\x1f\x8b garbage"));
}

// Field `number` of type length-delimited.
std::string field(char number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

TEST(Profile, AReferenceToNothingIsRefused) {
  const std::string whole = encode_profile(small_profile());
  const auto with = [&](const std::string& more) { return decode_profile(whole + more); };
  EXPECT_TRUE(with(field(2, std::string("\x0a\x01\x01\x12\x04\x00\x00\x00\x00", 9))));
  EXPECT_FALSE(
      with(field(2, std::string("\x0a\x01\x63\x12\x04\x00\x00\x00\x00", 9))));       // location 99
  EXPECT_FALSE(with(field(2, std::string("\x0a\x01\x01\x12\x03\x00\x00\x00", 8))));  // three values
  EXPECT_FALSE(with(field(4, std::string("\x08\x01", 2))));          // an id for the second time
  EXPECT_FALSE(with(field(4, std::string("\x08\x00", 2))));          // no id
  EXPECT_FALSE(with(field(5, std::string("\x08\x63\x10\x7f", 4))));  // text 127
  EXPECT_FALSE(with(field(4, std::string("\x08\x63\x22\x02\x08\x63", 6))));  // function 99
}

TEST(Profile, MoreThanAReaderWantsIsTooLarge) {
  const auto reason = [](const std::string& bytes) {
    const auto read = decode_profile(bytes);
    return read ? std::string("read") : read.error().reason;
  };
  EXPECT_THAT(reason(std::string(ProfileBounds::kMostBytes + 1, '\0')),
              ::testing::HasSubstr("too large"));
  EXPECT_THAT(reason(gzip(std::string(std::size_t{64} << 20, '\0'))),
              ::testing::HasSubstr("too large"));
  Profile deep = small_profile();
  deep.samples[0].locations.assign(ProfileBounds::kMostStackDepth + 1, 0);
  EXPECT_THAT(reason(encode_profile(deep)), ::testing::HasSubstr("too large"));
  Profile many = small_profile();
  many.samples.assign(ProfileBounds::kMostThings + 1, many.samples[1]);
  EXPECT_THAT(reason(encode_profile(many)), ::testing::HasSubstr("too large"));
}

}  // namespace
}  // namespace heapfloor
