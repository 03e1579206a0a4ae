#include "collectors/parse/probe_segment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/segment_writer.h"

namespace heapfloor {
namespace {

using testing::SegmentWriter;

// Everything that can be read of a segment's bytes.
struct Everything {
  ProbeHeader header;
  Result<ProbeAllocator> allocator = failure(ErrorKind::unavailable, {}, {});
  std::vector<ProbeArena> arenas;
  std::vector<std::string> names;
  ProbeStructures structures;
  ProbeSites sites;
  std::vector<std::vector<std::uint64_t>> stacks;
  std::vector<ProbeAges> ages;
};

Result<Everything> read_all(std::span<const std::byte> bytes) {
  Everything all;
  const auto header = parse_probe_header(bytes, bytes.size());
  if (!header) return Failure(header.error());
  all.header = *header;
  const auto part = [&](heapfloor_section_type type) {
    return probe_section_bytes(bytes, all.header.section(type));
  };
  all.allocator = parse_probe_allocator(part(HEAPFLOOR_SECTION_ALLOCATOR));
  all.arenas = parse_probe_arenas(part(HEAPFLOOR_SECTION_ARENAS),
                                  all.header.section(HEAPFLOOR_SECTION_ARENAS));
  all.names =
      parse_probe_names(part(HEAPFLOOR_SECTION_NAMES), all.header.section(HEAPFLOOR_SECTION_NAMES));
  all.structures = parse_probe_structures(
      part(HEAPFLOOR_SECTION_STRUCTURES), all.header.section(HEAPFLOOR_SECTION_STRUCTURES),
      part(HEAPFLOOR_SECTION_INSTANCES), all.header.section(HEAPFLOOR_SECTION_INSTANCES),
      all.names);
  all.sites = parse_probe_sites(part(HEAPFLOOR_SECTION_SITES), all.header);
  std::vector<std::uint32_t> indices;
  for (const ProbeSite& site : all.sites.sites) {
    all.stacks.push_back(probe_frames(part(HEAPFLOOR_SECTION_FRAMES), site));
    indices.push_back(site.index);
  }
  all.ages = parse_probe_ages(part(HEAPFLOOR_SECTION_LIVE), all.header, indices, 4'000'000'000'000);
  return all;
}

// A segment with something of everything.
void fill(SegmentWriter& writer) {
  writer.header().pid = 42;
  writer.header().start_ticks = 777;
  writer.header().live_bytes = 5'000'000;
  writer.header().allocated_bytes = 9'000'000;
  writer.header().allocated_objects_q10 = 2048;
  writer.set_allocator(6'000'000, 1'000'000, 3);
  auto& cache = writer.add_structure("user_cache", HEAPFLOOR_KIND_UNORDERED_MAP);
  std::memcpy(cache.element, "std::string", 12);
  std::memcpy(cache.file, "cache.cpp", 10);
  cache.line = 88;
  cache.insertions = 1000;
  cache.epochs = 4;
  cache.instances_started = 12;
  cache.instances_ended = 10;
  cache.last_clear_boottime_ns = 5'000'000'000;
  writer.add_structure("jobs", HEAPFLOOR_KIND_DEQUE);
  auto& first = writer.add_instance(1, 100, 6400);
  first.insertions = 50;
  first.hash_buckets = 128;
  writer.add_instance(1, 10, 640, 2);
  writer.add_instance(2, 7, 700);
  const std::uint32_t site = writer.add_site(0xabcd, {0x401000, 0x402000}, 3'000'000);
  writer.site(site).structure_name_index = 1;
  writer.add_site(0xef01, {0x401000, 0x403000, 0x404000}, 2'000'000);
  writer.add_live(site, 1 << 20, 3990);
  writer.add_live(site, 1 << 20, 100);
}

std::vector<std::byte> filled() {
  SegmentWriter writer;
  fill(writer);
  return writer.copy();
}

TEST(ProbeSegment, TheHeaderSaysWhoseItIsAndWhatTheSamplerKnows) {
  const auto all = read_all(filled());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->header.pid, 42);
  EXPECT_EQ(all->header.start_ticks, 777U);
  EXPECT_EQ(all->header.sampler.live_bytes, 5'000'000);
  EXPECT_EQ(all->header.sampler.allocated_objects, 2);
}

TEST(ProbeSegment, WithoutSamplingNothingIsSaidOfSamples) {
  SegmentWriter writer;
  writer.header().flags = 0;
  const auto header = parse_probe_header(writer.bytes(), writer.bytes().size());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sampler, ProbeSampler());
}

TEST(ProbeSegment, LiveBytesALittleBelowZeroAreZero) {
  SegmentWriter writer;
  writer.header().live_bytes = std::uint64_t{0} - 4096;
  const auto header = parse_probe_header(writer.bytes(), writer.bytes().size());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sampler.live_bytes, 0);
}

TEST(ProbeSegment, AnAllocatorsAccountIsReadAndWhatItDoesNotHaveIsAbsent) {
  const auto all = read_all(filled());
  ASSERT_TRUE(all && all->allocator);
  EXPECT_EQ(all->allocator->name, "glibc");
  EXPECT_EQ(all->allocator->version, "2.36");
  EXPECT_EQ(all->allocator->in_use, 6'000'000);
  EXPECT_EQ(all->allocator->trims, 3);
  EXPECT_EQ(all->allocator->resident, std::nullopt);
  EXPECT_EQ(all->allocator->free_bytes(), 1'000'000);
}

TEST(ProbeSegment, AnAccountThatIsBeingWrittenIsRefused) {
  SegmentWriter writer;
  fill(writer);
  ++writer.allocator().sequence;
  const auto all = read_all(writer.copy());
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->allocator);
}

TEST(ProbeSegment, AnAccountThatWasNeverTakenHasNoValues) {
  SegmentWriter writer;
  const auto all = read_all(writer.copy());
  ASSERT_TRUE(all && all->allocator);
  EXPECT_EQ(all->allocator->in_use, std::nullopt);
  EXPECT_EQ(all->allocator->trims, std::nullopt);
}

TEST(ProbeSegment, ArenasStandInTheirOrderAndImpossibleAmountsAreNothing) {
  SegmentWriter writer;
  EXPECT_TRUE(read_all(writer.copy())->arenas.empty());
  writer.add_arena(100, 20);
  writer.add_arena(std::uint64_t{1} << 60, 7);
  EXPECT_EQ(read_all(writer.copy())->arenas,
            (std::vector<ProbeArena>{{100, 20}, {std::nullopt, 7}}));
}

TEST(ProbeSegment, InstancesAddUpByNameEachTimesItsWeight) {
  const auto all = read_all(filled());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->structures.structures.size(), 2U);
  EXPECT_EQ(all->structures.structures[0].name, "jobs");
  const ProbeStructure& cache = all->structures.structures[1];
  EXPECT_EQ(cache.name, "user_cache");
  EXPECT_EQ(cache.kind, "unordered_map");
  EXPECT_EQ(cache.element, "std::string");
  EXPECT_EQ(cache.file, "cache.cpp:88");
  EXPECT_EQ(cache.instances, 1 + 4);
  EXPECT_EQ(cache.elements, 100 + 4 * 10);
  EXPECT_EQ(cache.bytes, 6400 + 4 * 640);
  EXPECT_EQ(cache.insertions, 1000 + 50);
  EXPECT_EQ(cache.hash_buckets, 128);
  EXPECT_EQ(cache.capacity_elements, std::nullopt);
  EXPECT_EQ(cache.epochs, 4);
  EXPECT_EQ(cache.last_clear_since_boot_seconds, 5);
  EXPECT_EQ(all->structures.dropped, 0U);
}

TEST(ProbeSegment, InstancesOfNoStructureAndStructuresOfNoNameAreDroppedAndCounted) {
  SegmentWriter writer;
  fill(writer);
  writer.add_instance(31, 1, 1);
  writer.add_instance(1, std::uint64_t{1} << 60, 1);
  writer.add_instance(1, 1, 1, 200);
  writer.add_structure("x", 0).name_index = 50'000;
  const auto all = read_all(writer.copy());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->structures.dropped, 4U);
  EXPECT_EQ(all->structures.structures[1].elements, 140);
}

// The structures of a segment by a parser that may have parsed others before.
ProbeStructures structures_by(ProbeStructureParser& parser, SegmentWriter& writer,
                              ProbeWords words) {
  const std::span<const std::byte> bytes = writer.bytes();
  const auto header = parse_probe_header(bytes, bytes.size());
  const auto part = [&](heapfloor_section_type type) {
    return probe_section_bytes(bytes, header->section(type));
  };
  return parser.parse(
      part(HEAPFLOOR_SECTION_STRUCTURES), header->section(HEAPFLOOR_SECTION_STRUCTURES),
      part(HEAPFLOOR_SECTION_INSTANCES), header->section(HEAPFLOOR_SECTION_INSTANCES),
      parse_probe_names(part(HEAPFLOOR_SECTION_NAMES), header->section(HEAPFLOOR_SECTION_NAMES)),
      words);
}

TEST(ProbeSegment, WhatAParserParsedBeforeChangesNothing) {
  SegmentWriter more, other_order, doubled, none;
  fill(more);
  more.add_structure("a_new_one", HEAPFLOOR_KIND_LIST);
  more.add_instance(3, 7, 70);
  for (const char* const name : {"user_cache", "jobs", "a_new_one"})
    other_order.add_structure(name, HEAPFLOOR_KIND_MAP);
  other_order.add_instance(2, 5, 50);
  for (const char* const name : {"jobs", "jobs", "user_cache"})
    doubled.add_structure(name, HEAPFLOOR_KIND_SET);
  doubled.add_instance(2, 3, 30);
  SegmentWriter first;
  fill(first);
  ProbeStructureParser used;
  for (const ProbeWords words : {ProbeWords::told, ProbeWords::left_out}) {
    for (SegmentWriter* const writer :
         {&first, &more, &first, &other_order, &more, &doubled, &other_order, &none, &first}) {
      ProbeStructureParser fresh;
      EXPECT_EQ(structures_by(used, *writer, words), structures_by(fresh, *writer, words));
    }
  }
}

TEST(ProbeSegment, SitesHaveTheirStacksAndTheirLabels) {
  const auto all = read_all(filled());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->sites.sites.size(), 2U);
  EXPECT_EQ(all->sites.sites[0].stack_hash, 0xabcdU);
  EXPECT_EQ(all->names.at(all->sites.sites[0].structure_name_index), "user_cache");
  EXPECT_EQ(all->stacks[1], (std::vector<std::uint64_t>{0x401000, 0x403000, 0x404000}));
}

TEST(ProbeSegment, ASiteWhoseFramesAreNoneIsDroppedAndCounted) {
  SegmentWriter writer;
  fill(writer);
  writer.site(0).first_frame = 0xffffffff;
  writer.site(1).phase_name_index = 60'000;
  const auto all = read_all(writer.copy());
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->sites.sites.empty());
  EXPECT_EQ(all->sites.dropped, 2U);
}

TEST(ProbeSegment, SamplesStandForMoreThanTheyAreByAge) {
  const auto all = read_all(filled());
  ASSERT_TRUE(all);
  const double one = (1 << 20) / -std::expm1(-2.0);
  EXPECT_DOUBLE_EQ(all->ages[0].live_bytes[0], one) << "born 10 s ago";
  EXPECT_DOUBLE_EQ(all->ages[0].live_bytes[4], one) << "born 65 min ago";
  EXPECT_EQ(all->ages[1], ProbeAges());
}

struct Spoiled {
  std::string what;
  std::function<void(SegmentWriter&)> spoil;
};

TEST(ProbeSegment, ATableOfContentsThatPointsOutsideIsRefused) {
  const std::vector<Spoiled> cases = {
      {"no magic", [](SegmentWriter& w) { w.header().magic = 1; }},
      {"another layout", [](SegmentWriter& w) { w.header().abi_major = 2; }},
      {"header size", [](SegmentWriter& w) { w.header().header_bytes = 64; }},
      {"larger than the file", [](SegmentWriter& w) { w.header().total_bytes += 4096; }},
      {"too many sections", [](SegmentWriter& w) { w.header().section_count = 17; }},
      {"twice", [](SegmentWriter& w) { w.header().sections[1].type = 1; }},
      {"offset", [](SegmentWriter& w) { w.header().sections[5].offset = UINT64_MAX - 63; }},
      {"inside the header", [](SegmentWriter& w) { w.header().sections[5].offset = 64; }},
      {"crooked", [](SegmentWriter& w) { w.header().sections[5].offset += 8; }},
      {"stride 0", [](SegmentWriter& w) { w.header().sections[5].stride = 0; }},
      {"stride", [](SegmentWriter& w) { w.header().sections[5].stride = 1 << 20; }},
      {"wide frames", [](SegmentWriter& w) { w.header().sections[6].stride = 16; }},
      {"count", [](SegmentWriter& w) { w.header().sections[7].count = UINT64_MAX / 32; }},
      {"used", [](SegmentWriter& w) { w.header().sections[4].used = 65; }},
  };
  for (const Spoiled& spoiled : cases) {
    SegmentWriter writer;
    fill(writer);
    spoiled.spoil(writer);
    const auto header = parse_probe_header(writer.bytes(), writer.bytes().size());
    ASSERT_FALSE(header) << spoiled.what;
    EXPECT_EQ(header.error().kind, ErrorKind::malformed) << spoiled.what;
  }
}

TEST(ProbeSegment, SectionsOfALaterVersionAreSkippedAndLongerRecordsAreReadInTheirStride) {
  SegmentWriter writer;
  fill(writer);
  heapfloor_header& header = writer.header();
  header.sections[header.section_count++] = {99, 1, 1, UINT64_MAX, UINT64_MAX};
  ASSERT_TRUE(read_all(writer.copy()));
  // The instances' records have grown to twice their size: each second one is what they were.
  writer.section(HEAPFLOOR_SECTION_INSTANCES).stride = 2 * sizeof(heapfloor_instance);
  writer.section(HEAPFLOOR_SECTION_INSTANCES).count = 32;
  writer.section(HEAPFLOOR_SECTION_INSTANCES).used = 2;
  const auto all = read_all(writer.copy());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->structures.structures[0].elements, 7) << "jobs, the third instance";
  EXPECT_EQ(all->structures.structures[1].elements, 100) << "user_cache, the first";
}

TEST(ProbeSegment, AnotherMajorVersionIsToldApartFromNone) {
  SegmentWriter writer;
  writer.header().abi_major = 7;
  EXPECT_EQ(probe_major_version(writer.bytes()), 7);
  writer.header().magic = 0;
  EXPECT_EQ(probe_major_version(writer.bytes()), std::nullopt);
  EXPECT_EQ(probe_major_version({}), std::nullopt);
}

ProbeRead reader_of(const std::vector<std::byte>& bytes) {
  return [&bytes](std::uint64_t offset, std::span<std::byte> to) {
    if (offset > bytes.size() || to.size() > bytes.size() - offset) return false;
    std::memcpy(to.data(), bytes.data() + offset, to.size());
    return true;
  };
}

TEST(ProbeSegment, ACopyOfTheUsedPartsSaysTheSameInLessBytes) {
  const std::vector<std::byte> whole = filled();
  const auto copy = copy_probe_segment(reader_of(whole), whole.size());
  ASSERT_TRUE(copy);
  EXPECT_LT(copy->size(), 8192U);
  const auto from_whole = read_all(whole);
  const auto from_copy = read_all(*copy);
  ASSERT_TRUE(from_whole && from_copy);
  EXPECT_EQ(from_copy->structures, from_whole->structures);
  EXPECT_EQ(from_copy->sites, from_whole->sites);
  EXPECT_EQ(from_copy->stacks, from_whole->stacks);
  EXPECT_EQ(from_copy->ages, from_whole->ages);
  EXPECT_EQ(*from_copy->allocator, *from_whole->allocator);
  EXPECT_EQ(copy_probe_segment(reader_of(*copy), copy->size()).value(), *copy)
      << "a copy of the copy";
}

// What the rest of the agent relies on, whatever the bytes.
void expect_in_bounds(const Everything& all) {
  constexpr double kMost = 1e25;  // 2^24 weights of 2^62 in 2^15 instances would be more
  const auto require = [](double value) {
    ASSERT_TRUE(std::isfinite(value) && value >= 0 && value < kMost) << value;
  };
  for (const ProbeStructure& structure : all.structures.structures) {
    ASSERT_FALSE(structure.name.empty());
    ASSERT_LE(structure.name.size(), std::size_t{HEAPFLOOR_NAME_BYTES});
    for (const double value : {structure.elements, structure.bytes, structure.insertions,
                               structure.instances, structure.moved_bytes, structure.epochs})
      require(value);
  }
  for (const ProbeSite& site : all.sites.sites) {
    require(site.live_bytes);
    require(site.allocated_bytes);
    ASSERT_TRUE(site.structure_name_index == 0 || site.structure_name_index < all.names.size());
  }
  for (const ProbeAges& ages : all.ages) {
    for (const double value : ages.live_bytes) require(value);
  }
  if (!all.allocator) return;
  for (const auto& value : {all.allocator->in_use, all.allocator->free_bytes(),
                            all.allocator->trims, all.allocator->sample_duration_seconds})
    require(value.value_or(0));
}

// Values that find the edges of checks more often than chance would.
std::uint64_t nasty(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return random() % 70;
    case 1:
      return UINT64_MAX - random() % 3;
    case 2:
      return std::uint64_t{1} << random() % 64;
    case 3:
      return (random() % 4096) * 64;
    default:
      return random();
  }
}

TEST(ProbeSegment, AHundredThousandHostileSegmentsAndTruncationsAreReadInBounds) {
  SegmentWriter::Room room;
  room.names = room.structures = 8;
  room.instances = room.sites = room.frames = room.live = 16;
  SegmentWriter writer(SegmentWriter::Where::memory, room);
  fill(writer);
  const std::vector<std::byte> good = writer.copy();
  std::mt19937_64 random(20);
  std::size_t read = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::vector<std::byte> bytes = good;
    const std::size_t changes = random() % 8;
    for (std::size_t change = 0; change < changes; ++change) {
      const std::uint64_t value = nasty(random);
      // Half of them in the header and its table of contents.
      const std::size_t room_bytes = random() % 2 == 0 ? 1536 : bytes.size();
      const std::size_t at = random() % (room_bytes / 8) * 8;
      std::memcpy(bytes.data() + at, &value, std::size_t{1} << random() % 4);
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto all = read_all(bytes);
    if (!all) continue;
    ++read;
    expect_in_bounds(*all);
    if (::testing::Test::HasFatalFailure()) return;
    const auto copy = copy_probe_segment(reader_of(bytes), bytes.size());
    ASSERT_TRUE(copy) << copy.error().reason;
    ASSERT_TRUE(read_all(*copy));
  }
  EXPECT_GT(read, 20'000U) << "most of them must get past the header";
}

TEST(ProbeSegment, AWriterThatChangesItWhileItIsReadDoesNoHarm) {
  SegmentWriter writer(SegmentWriter::Where::memfd);
  fill(writer);
  const std::vector<std::byte> good = writer.copy();
  const std::span<std::byte> shared = writer.bytes();
  std::atomic<bool> is_over = false;
  std::thread mutator([&] {
    std::mt19937_64 random(7);
    while (!is_over) {
      for (int change = 0; change < 16; ++change) {
        const std::uint64_t value = nasty(random);
        const std::size_t at = random() % (random() % 2 == 0 ? 192 : shared.size() / 8) * 8;
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(shared.data() + at), value,
                         __ATOMIC_RELAXED);
      }
      for (std::size_t at = 0; at < 4096; at += 8) {
        std::uint64_t value = 0;
        std::memcpy(&value, good.data() + at, sizeof value);
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(shared.data() + at), value,
                         __ATOMIC_RELAXED);
      }
    }
  });
  // Bytes are copied one by one, as the kernel does for a reader of the file.
  const ProbeRead read = [shared](std::uint64_t offset, std::span<std::byte> to) {
    if (offset > shared.size() || to.size() > shared.size() - offset) return false;
    const auto* const from = reinterpret_cast<const unsigned char*>(shared.data()) + offset;
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = std::byte{__atomic_load_n(from + i, __ATOMIC_RELAXED)};
    return true;
  };
  std::size_t good_reads = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto copy = copy_probe_segment(read, shared.size());
    if (!copy) continue;
    const auto all = read_all(*copy);
    ASSERT_TRUE(all);
    expect_in_bounds(*all);
    if (HasFatalFailure()) break;
    ++good_reads;
  }
  is_over = true;
  mutator.join();
  EXPECT_GT(good_reads, 0U);
}

}  // namespace
}  // namespace heapfloor
