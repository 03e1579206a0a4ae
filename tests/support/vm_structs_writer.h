// The memory of a JVM as far as the table of its structures leads to its counters.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "collectors/parse/vm_structs.h"
#include "tests/support/go_writer.h"

namespace heapfloor::testing {

class VmStructsWriter {
 public:
  static constexpr std::uint64_t kBase = 0x100000;  // where the library is mapped
  static constexpr std::uint64_t kVariables = kBase + 0x1000;
  static constexpr std::uint64_t kStart = kBase + 0x1080;
  static constexpr std::uint64_t kCapacity = kBase + 0x1088;
  static constexpr std::uint64_t kHeapPointer = kBase + 0x1090;
  static constexpr std::uint64_t kTable = kBase + 0x1100;
  static constexpr std::uint64_t kHeap = kBase + 0x1e00;
  static constexpr std::uint64_t kCounters = kBase + 0x2000;
  static constexpr std::uint64_t kStride = 48;
  static constexpr std::size_t kBytes = 0x8000;

  VmStructsWriter() {
    constexpr std::array<std::uint64_t, 7> kNumbers = {kTable, kStride, 0, 8, 24, 32, 40};
    for (std::size_t i = 0; i < kNumbers.size(); ++i) put(kVariables + 8 * i, kNumbers.at(i));
  }

  void put(std::uint64_t address, std::uint64_t word) {
    std::memcpy(bytes_.data() + (address - kBase), &word, sizeof word);
  }
  void put(std::uint64_t address, std::string_view text) {
    bytes_.replace(address - kBase, text.size(), text);
  }
  // `place` is the address of a static field, the offset of another.
  void add(std::string_view type, std::string_view field, bool is_static, std::uint64_t place) {
    const std::uint64_t entry = kTable + kStride * entries_++;
    put(entry, text(type));
    put(entry + 8, text(field));
    put(entry + 24, is_static ? 1 : 0);
    put(entry + (is_static ? 40 : 32), place);
  }
  // As OpenJDK 17 has it, among others.
  void add_perf_memory() {
    add("Klass", "_start", true, 1);
    add("PerfMemory", "_start", true, kStart);
    add("PerfMemory", "_end", true, 2);
    add("PerfMemory", "_capacity", true, kCapacity);
    put(kStart, kCounters);
    put(kCapacity, kBytes - (kCounters - kBase));
  }
  // And of ZGC; its heap uses so much.
  void add_z_heap(std::uint64_t used) {
    add("Universe", "_collectedHeap", true, kHeapPointer);
    add("ZCollectedHeap", "_heap", false, 0x10);
    add("ZHeap", "_page_allocator", false, 0x20);
    add("ZPageAllocator", "_used", false, 0x8);
    put(kHeapPointer, kHeap);
    put(kHeap + 0x38, used);
  }
  void set_counters(std::span<const std::byte> counters) {
    put(kCounters,
        std::string_view(reinterpret_cast<const char*>(counters.data()), counters.size()));
  }

  [[nodiscard]] static VmStructsAddresses symbols() {
    VmStructsAddresses addresses = {};
    for (std::size_t i = 0; i < addresses.size(); ++i) addresses.at(i) = kVariables + 8 * i;
    return addresses;
  }
  // The file of the library; its first page is put into the memory, too.
  std::string library() {
    GoFileWriter file;
    file.version.clear();
    file.is_movable = true;
    file.is_library = true;
    for (std::size_t i = 0; i < kVmStructsSymbols.size(); ++i)
      file.add_variable(kVmStructsSymbols.at(i), symbols().at(i) - kBase);
    std::string bytes = file.bytes();
    constexpr std::size_t kPage = 4096;
    bytes.resize(std::max(bytes.size(), kPage));
    put(kBase, std::string_view(bytes).substr(0, kPage));
    return bytes;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::span<const std::byte> memory() const {
    return std::as_bytes(std::span(bytes_));
  }

 private:
  std::uint64_t text(std::string_view text) {
    const std::uint64_t at = texts_;
    put(at, text);
    texts_ += text.size() + 1;
    return at;
  }

  std::string bytes_ = std::string(kBytes, '\0');
  std::uint64_t texts_ = kBase + 0x1800;
  std::uint64_t entries_ = 0;
};

// Memory that begins at an address.
class MovedSource final : public ByteSource {
 public:
  MovedSource(std::string_view bytes, std::uint64_t begin) : bytes_(bytes), begin_(begin) {}
  [[nodiscard]] std::uint64_t size() const override { return begin_ + bytes_.size(); }
  [[nodiscard]] bool read_at(std::uint64_t offset, std::span<char> buffer) const override {
    return offset >= begin_ && bytes_.read_at(offset - begin_, buffer);
  }

 private:
  MemorySource bytes_;
  std::uint64_t begin_;
};

}  // namespace heapfloor::testing
