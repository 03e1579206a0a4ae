// The fixtures are of OpenJDK 17.0.15 of Debian, of a program that keeps 13 MiB of what it
// allocates and asks for a collection now and then; tests/fixtures/hsperfdata/README.md says how
// they were made.
#include "collectors/parse/hsperfdata.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr std::size_t kUsedAt = 8, kFirstEntryAt = 24, kEntriesAt = 28;
constexpr std::size_t kLengthAt = 0, kNameAt = 4, kDataAt = 16;  // of an entry

std::vector<std::byte> fixture(const std::string& name) {
  std::ifstream file(std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/fixtures/hsperfdata/" + name,
                     std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

HsperfIndex index_of(const std::vector<std::byte>& bytes) {
  const Result<HsperfIndex> index = index_hsperf(bytes);
  EXPECT_TRUE(index) << (index ? "" : index.error().reason);
  return index.value_or(HsperfIndex{});
}

void put(std::vector<std::byte>& bytes, std::size_t at, std::int32_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void put_word(std::vector<std::byte>& bytes, std::size_t at, std::int64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::size_t place(const HsperfIndex& index, JvmCounter counter) {
  return index.offsets.at(static_cast<std::size_t>(counter));
}

std::size_t first_entry(const std::vector<std::byte>& bytes) {
  std::int32_t at = 0;
  std::memcpy(&at, bytes.data() + kFirstEntryAt, sizeof at);
  return static_cast<std::size_t>(at);
}

ErrorKind refusal(const std::vector<std::byte>& bytes) {
  const Result<HsperfIndex> index = index_hsperf(bytes);
  EXPECT_FALSE(index);
  return index ? ErrorKind::io : index.error().kind;
}

struct Collected {
  const char* file;
  JvmGc gc;
  bool has_young, has_full, has_cycle;
};

// A JVM that starts adds its counters one after the other.
TEST(Hsperfdata, ThatToolsMayAttachIsTheFirstOfItsCapabilities) {
  std::vector<std::byte> bytes = fixture("g1");
  EXPECT_EQ(index_of(bytes).can_attach, true);
  constexpr std::string_view kCapabilities = "1100000000";
  const auto text = std::as_bytes(std::span(kCapabilities));
  const auto place = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
  ASSERT_NE(place, bytes.end());
  *place = std::byte{'0'};
  EXPECT_EQ(index_of(bytes).can_attach, false);
}

TEST(Hsperfdata, WithoutTheFrequencyOfItsClockThereIsNothingToReadYet) {
  auto bytes = fixture("g1");
  const std::string_view name = "sun.os.hrt.frequency";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find(name);
  ASSERT_NE(at, std::string_view::npos);
  bytes[at + name.size() - 1] = std::byte{'?'};
  const Result<HsperfIndex> index = index_hsperf(bytes);
  ASSERT_TRUE(index) << index.error().reason;
  EXPECT_EQ(index->end, 0U);
}

class HsperfdataOfEachCollector : public ::testing::TestWithParam<Collected> {};

TEST_P(HsperfdataOfEachCollector, TellsTheHeapAndItsCollections) {
  const auto bytes = fixture(GetParam().file);
  const HsperfIndex index = index_of(bytes);
  EXPECT_EQ(index.gc, GetParam().gc);
  EXPECT_EQ(index.version, "17.0.15+6-Debian-1deb12u1");
  EXPECT_EQ(index.vendor, "Debian");
  EXPECT_EQ(index.ticks_per_second, 1e9);
  const JvmReading reading = read_hsperf(index, bytes);
  EXPECT_EQ(reading.of(JvmCollector::young).count.has_value(), GetParam().has_young);
  EXPECT_EQ(reading.of(JvmCollector::full).count.has_value(), GetParam().has_full);
  EXPECT_EQ(reading.of(JvmCollector::cycle).count.has_value(), GetParam().has_cycle);
  ASSERT_TRUE(reading.old.used);
  EXPECT_GT(*reading.old.used, 12 * kMiB);
  EXPECT_LT(*reading.old.used, 20 * kMiB);
  EXPECT_LE(*reading.old.used, reading.old.committed.value_or(0));
  EXPECT_EQ(reading.heap_limit, 64 * kMiB);
  EXPECT_GT(reading.metaspace.used.value_or(0), 50'000);
  EXPECT_GT(reading.classes.value_or(0), 390);
  EXPECT_EQ(reading.threads, 6);
}

INSTANTIATE_TEST_SUITE_P(
    OpenJdk17, HsperfdataOfEachCollector,
    ::testing::Values(Collected{"serial", JvmGc::serial, true, true, false},
                      Collected{"parallel", JvmGc::parallel, true, true, false},
                      Collected{"g1", JvmGc::g1, true, true, true},
                      Collected{"zgc", JvmGc::z, false, false, true},
                      Collected{"shenandoah", JvmGc::shenandoah, true, true, false}),
    [](const auto& of) { return std::string(of.param.file); });

TEST(Hsperfdata, CountsAndTimesOfCollectionsAreTheJvms) {
  const auto bytes = fixture("serial");
  const JvmReading reading = read_hsperf(index_of(bytes), bytes);
  EXPECT_EQ(reading.of(JvmCollector::young).count, 158);
  EXPECT_DOUBLE_EQ(*reading.of(JvmCollector::young).seconds, 0.024469034);
  EXPECT_EQ(reading.of(JvmCollector::full).count, 5);
  EXPECT_EQ(reading.old.used, 13571264);
}

TEST(Hsperfdata, ACollectionThatHasNotEndedIsSaidToBeRunning) {
  auto bytes = fixture("serial");
  const HsperfIndex index = index_of(bytes);
  EXPECT_FALSE(read_hsperf(index, bytes).of(JvmCollector::full).is_running);
  put_word(bytes, place(index, JvmCounter::full_entry), std::int64_t{1} << 60);
  EXPECT_TRUE(read_hsperf(index, bytes).of(JvmCollector::full).is_running);
}

TEST(Hsperfdata, SecretsInPropertiesAndArgumentsStayInTheFile) {
  const auto bytes = fixture("g1");
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ASSERT_NE(all.find("hunter2"), std::string_view::npos) << "the program was started with one";
  const HsperfIndex index = index_of(bytes);
  EXPECT_EQ((index.version + index.vendor).find("hunter2"), std::string::npos);
}

TEST(Hsperfdata, WhatIsCutAnywhereIsRefused) {
  const auto whole = fixture("zgc");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Result<HsperfIndex> index = index_hsperf(std::span(whole).first(length));
    ASSERT_FALSE(index) << length;
    ASSERT_EQ(index.error().kind, ErrorKind::malformed) << length;
  }
}

TEST(Hsperfdata, AnotherLayoutIsRefused) {
  for (const std::size_t at : {0U, 4U, 5U}) {  // magic, byte order, major version
    auto bytes = fixture("g1");
    bytes[at] = std::byte{0};
    EXPECT_EQ(refusal(bytes), ErrorKind::malformed) << at;
  }
}

TEST(Hsperfdata, CountersThatAreNotMadeYetAreUnavailable) {
  auto bytes = fixture("g1");
  bytes[7] = std::byte{0};
  EXPECT_EQ(refusal(bytes), ErrorKind::unavailable);
  std::ranges::fill(bytes, std::byte{0});
  EXPECT_EQ(refusal(bytes), ErrorKind::unavailable) << "mapped, and not written to yet";
}

TEST(Hsperfdata, NumbersOfAHostilePrologueAreRefused) {
  for (const std::size_t at : {kUsedAt, kFirstEntryAt, kEntriesAt}) {
    for (const std::int32_t value : {-1, INT32_MAX, INT32_MIN, 8193}) {
      auto bytes = fixture("zgc");  // of fewer bytes than the last of these
      put(bytes, at, value);
      if (at == kUsedAt && value == 8193) continue;  // fewer than there are: cut
      EXPECT_EQ(refusal(bytes), ErrorKind::malformed) << at << " " << value;
    }
  }
}

TEST(Hsperfdata, NumbersOfAHostileEntryAreRefused) {
  for (const std::size_t at : {kLengthAt, kNameAt}) {
    for (const std::int32_t value : {0, -1, 19, INT32_MAX, INT32_MIN}) {
      auto bytes = fixture("g1");
      put(bytes, first_entry(bytes) + at, value);
      EXPECT_EQ(refusal(bytes), ErrorKind::malformed) << at << " " << value;
    }
  }
}

TEST(Hsperfdata, ACounterWhoseDataLiesOutsideOfItsEntryIsNotThere) {
  const auto whole = fixture("serial");
  const HsperfIndex index = index_of(whole);
  // The entry whose data is the counter's: its field data_offset leads there.
  std::size_t entry = first_entry(whole);
  for (;;) {
    std::int32_t length = 0, data = 0;
    std::memcpy(&length, whole.data() + entry, sizeof length);
    std::memcpy(&data, whole.data() + entry + kDataAt, sizeof data);
    if (entry + static_cast<std::size_t>(data) == place(index, JvmCounter::old_used)) break;
    entry += static_cast<std::size_t>(length);
    ASSERT_LT(entry, whole.size());
  }
  for (const std::int32_t value : {-1, 0, 4096, INT32_MAX, INT32_MIN}) {
    auto bytes = whole;
    put(bytes, entry + kDataAt, value);
    const HsperfIndex found = index_of(bytes);
    EXPECT_EQ(place(found, JvmCounter::old_used), 0U) << value;
    EXPECT_EQ(read_hsperf(found, bytes).old.used, std::nullopt) << value;
  }
}

TEST(Hsperfdata, AmountsThatNoMachineHasAreAbsent) {
  auto bytes = fixture("serial");
  const HsperfIndex index = index_of(bytes);
  put_word(bytes, place(index, JvmCounter::old_used), -1);
  put_word(bytes, place(index, JvmCounter::eden_used), INT64_MAX);
  put_word(bytes, place(index, JvmCounter::full_count), INT64_MIN);
  const JvmReading reading = read_hsperf(index, bytes);
  EXPECT_EQ(reading.old.used, std::nullopt);
  EXPECT_EQ(reading.eden.used, std::nullopt);
  EXPECT_EQ(reading.of(JvmCollector::full).count, std::nullopt);
}

TEST(Hsperfdata, FewerBytesThanTheIndexReachesGiveNothing) {
  const auto bytes = fixture("serial");
  const HsperfIndex index = index_of(bytes);
  EXPECT_EQ(read_hsperf(index, std::span(bytes).first(index.end - 1)), JvmReading{});
}

TEST(Hsperfdata, ACollectorThatIsNotKnownTellsNoLimit) {
  auto bytes = fixture("zgc");
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t name = all.find("Z concurrent cycle");
  ASSERT_NE(name, std::string_view::npos);
  bytes[name] = std::byte{'Y'};
  const HsperfIndex index = index_of(bytes);
  EXPECT_EQ(index.gc, JvmGc::other);
  EXPECT_EQ(read_hsperf(index, bytes).heap_limit, std::nullopt);
}

}  // namespace
}  // namespace heapfloor
