// A segment as a probe would write it, made by a test: in memory, or in a sealed memfd as a target
// has it.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/probe/include/heapfloor/segment.h"

namespace heapfloor::testing {

class SegmentWriter {
 public:
  enum class Where { memory, memfd };
  struct Room {
    std::uint64_t names = 64, structures = 32, instances = 64, sites = 128, frames = 1024,
                  live = 512;
  };

  explicit SegmentWriter(Where where = Where::memory) : SegmentWriter(where, Room()) {}
  SegmentWriter(Where where, const Room& room) {
    struct Section {
      std::uint32_t type, stride;
      std::uint64_t count;
    };
    const std::array<Section, 8> sections = {{
        {HEAPFLOOR_SECTION_ALLOCATOR, sizeof(heapfloor_allocator), 1},
        {HEAPFLOOR_SECTION_ARENAS, sizeof(heapfloor_arena), 4},
        {HEAPFLOOR_SECTION_NAMES, sizeof(heapfloor_name), room.names},
        {HEAPFLOOR_SECTION_STRUCTURES, sizeof(heapfloor_structure), room.structures},
        {HEAPFLOOR_SECTION_INSTANCES, sizeof(heapfloor_instance), room.instances},
        {HEAPFLOOR_SECTION_SITES, sizeof(heapfloor_site), room.sites},
        {HEAPFLOOR_SECTION_FRAMES, sizeof(std::uint64_t), room.frames},
        {HEAPFLOOR_SECTION_LIVE, sizeof(heapfloor_live), room.live},
    }};
    std::uint64_t total = HEAPFLOOR_HEADER_BYTES;
    for (const Section& section : sections)
      total += (section.count * section.stride + 63) / 64 * 64;
    total = (total + 4095) / 4096 * 4096;
    allocate(where, total);
    std::uint64_t offset = HEAPFLOOR_HEADER_BYTES;
    for (const Section& section : sections) {
      header().sections[header().section_count++] = {section.type, section.stride, offset,
                                                     section.count, 0};
      offset += (section.count * section.stride + 63) / 64 * 64;
    }
    header().abi_major = HEAPFLOOR_ABI_MAJOR;
    header().abi_minor = HEAPFLOOR_ABI_MINOR;
    header().header_bytes = HEAPFLOOR_HEADER_BYTES;
    header().total_bytes = total;
    header().start_ticks = HEAPFLOOR_ABSENT;
    header().flags = HEAPFLOOR_FLAG_SAMPLING | HEAPFLOOR_FLAG_OPERATOR_NEW;
    header().sample_interval_bytes = header().initial_sample_interval_bytes = 524288;
    section(HEAPFLOOR_SECTION_ALLOCATOR).used = 1;
    std::memset(&allocator().in_use, 0xff,
                offsetof(heapfloor_allocator, reserved_1) - offsetof(heapfloor_allocator, in_use));
    section(HEAPFLOOR_SECTION_NAMES).used = 1;
    section(HEAPFLOOR_SECTION_STRUCTURES).used = 1;
    publish();
  }
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter() {
    if (is_mapped_) ::munmap(bytes_, size_);
  }

  // Of a memfd: pages that the kernel has allocated for it.
  [[nodiscard]] std::uint64_t resident_pages() const {
    std::vector<unsigned char> is_resident((size_ + 4095) / 4096);
    if (::mincore(bytes_, size_, is_resident.data()) != 0) throw std::runtime_error("no mincore");
    return static_cast<std::uint64_t>(
        std::count_if(is_resident.begin(), is_resident.end(),
                      [](unsigned char page) { return (page & 1U) != 0; }));
  }

  void publish() { header().magic = HEAPFLOOR_SEGMENT_MAGIC; }

  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_, size_}; }
  [[nodiscard]] std::vector<std::byte> copy() const { return {bytes_, bytes_ + size_}; }
  heapfloor_header& header() { return *reinterpret_cast<heapfloor_header*>(bytes_); }
  heapfloor_section& section(heapfloor_section_type type) {
    for (heapfloor_section& section : header().sections) {
      if (section.type == type) return section;
    }
    throw std::logic_error("no such section");
  }
  heapfloor_allocator& allocator() {
    return at<heapfloor_allocator>(HEAPFLOOR_SECTION_ALLOCATOR, 0);
  }

  // The allocator's account as of `boottime_ns`.
  void set_allocator(std::uint64_t in_use, std::uint64_t free_bins, std::uint64_t trims,
                     std::uint64_t boottime_ns = 1'000'000'000) {
    ++allocator().sequence;
    allocator().kind = HEAPFLOOR_ALLOCATOR_GLIBC;
    std::memcpy(allocator().version, "2.36", 5);
    allocator().sampled_boottime_ns = boottime_ns;
    allocator().in_use = in_use;
    allocator().free_bins = free_bins;
    allocator().trims = trims;
    ++allocator().sequence;
  }

  void add_arena(std::uint64_t used_bytes, std::uint64_t free_bytes) {
    at<heapfloor_arena>(HEAPFLOOR_SECTION_ARENAS, take(HEAPFLOOR_SECTION_ARENAS)) = {used_bytes,
                                                                                     free_bytes};
  }
  std::uint16_t add_name(std::string_view text) {
    const std::uint64_t index = take(HEAPFLOOR_SECTION_NAMES);
    auto& name = at<heapfloor_name>(HEAPFLOOR_SECTION_NAMES, index);
    std::memcpy(name.text, text.data(), std::min<std::size_t>(text.size(), sizeof name.text));
    return static_cast<std::uint16_t>(index);
  }
  heapfloor_structure& add_structure(std::string_view name, std::uint32_t kind) {
    const std::uint64_t index = take(HEAPFLOOR_SECTION_STRUCTURES);
    auto& structure = this->structure(index);
    structure.name_index = add_name(name);
    structure.kind = kind;
    structure.state = HEAPFLOOR_RECORD_READY;
    return structure;
  }
  heapfloor_structure& structure(std::uint64_t index) {
    return at<heapfloor_structure>(HEAPFLOOR_SECTION_STRUCTURES, index);
  }
  heapfloor_instance& add_instance(std::uint16_t structure_index, std::uint64_t elements,
                                   std::uint64_t bytes, std::uint8_t weight_log2 = 0) {
    auto& instance =
        at<heapfloor_instance>(HEAPFLOOR_SECTION_INSTANCES, take(HEAPFLOOR_SECTION_INSTANCES));
    instance.structure_index = structure_index;
    instance.weight_log2 = weight_log2;
    instance.elements = elements;
    instance.bytes = bytes;
    instance.capacity_elements = instance.hash_buckets = HEAPFLOOR_ABSENT;
    instance.state = HEAPFLOOR_RECORD_READY;
    return instance;
  }
  heapfloor_instance& instance(std::uint64_t index) {
    return at<heapfloor_instance>(HEAPFLOOR_SECTION_INSTANCES, index);
  }
  std::uint32_t add_site(std::uint64_t hash, const std::vector<std::uint64_t>& stack,
                         std::uint64_t live_bytes) {
    const std::uint64_t index = take(HEAPFLOOR_SECTION_SITES);
    auto& site = this->site(index);
    site.stack_hash = hash;
    site.first_frame = static_cast<std::uint32_t>(section(HEAPFLOOR_SECTION_FRAMES).used);
    site.depth = static_cast<std::uint16_t>(stack.size());
    for (const std::uint64_t address : stack)
      at<std::uint64_t>(HEAPFLOOR_SECTION_FRAMES, take(HEAPFLOOR_SECTION_FRAMES)) = address;
    site.live_bytes = site.allocated_bytes = live_bytes;
    site.state = HEAPFLOOR_RECORD_READY;
    return static_cast<std::uint32_t>(index);
  }
  heapfloor_site& site(std::uint64_t index) {
    return at<heapfloor_site>(HEAPFLOOR_SECTION_SITES, index);
  }
  heapfloor_live& add_live(std::uint32_t site_index, std::uint64_t size,
                           std::uint32_t birth_seconds, unsigned interval_log2 = 19) {
    const std::uint64_t index = take(HEAPFLOOR_SECTION_LIVE);
    auto& live = at<heapfloor_live>(HEAPFLOOR_SECTION_LIVE, index);
    live.size_bytes = size;
    live.site_index = site_index;
    live.birth_seconds = birth_seconds;
    live.word = (index + 1) * HEAPFLOOR_LIVE_MARK_BYTES | std::uint64_t{interval_log2} * 2 | 1U;
    return live;
  }

 private:
  void allocate(Where where, std::uint64_t total) {
    size_ = total;
    if (where == Where::memory) {
      memory_.resize(total);
      bytes_ = memory_.data();
      return;
    }
    const int file = ::memfd_create(HEAPFLOOR_SEGMENT_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(total)) != 0 ||
        ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
      throw std::runtime_error("no memfd");
    void* const mapped = ::mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (mapped == MAP_FAILED) throw std::runtime_error("cannot map");
    bytes_ = static_cast<std::byte*>(mapped);
    is_mapped_ = true;
  }
  std::uint64_t take(heapfloor_section_type type) {
    heapfloor_section& table = section(type);
    if (table.used == table.count) throw std::length_error("the test's segment is full");
    return table.used++;
  }
  template <class Record>
  Record& at(heapfloor_section_type type, std::uint64_t index) {
    heapfloor_section& table = section(type);
    return *reinterpret_cast<Record*>(bytes_ + table.offset + index * table.stride);
  }

  std::vector<std::byte> memory_;
  std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
  bool is_mapped_ = false;
};

}  // namespace heapfloor::testing
