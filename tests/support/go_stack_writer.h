// Goroutines of a Go 1.19 program as its runtime keeps them: from kBase on, the count and the list,
// then each g with its stack behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "collectors/runtime/go_layout.h"
#include "collectors/runtime/go_stacks.h"

namespace heapfloor::testing {

class GoStackWriter {
 public:
  static constexpr std::uint64_t kBase = 0xc000000000;
  static constexpr std::uint64_t kList = kBase + 0x100;
  static constexpr GoStackPlace kPlace = {kBase, kBase + 8, 0};
  static constexpr std::uint64_t kFirst = kBase + 0x2000;
  static constexpr std::uint64_t kStackBytes = 0x800;
  static constexpr std::uint64_t kGBytes = 0x200;
  static constexpr std::uint64_t kRoom = 0x400;  // of a stack, above what is saved of it

  explicit GoStackWriter(std::size_t most_bytes = std::size_t{1} << 20) : bytes_(most_bytes) {
    put(kPlace.list, kList);
  }

  template <class Word>
  void put(std::uint64_t address, Word word) {
    std::memcpy(bytes_.data() + (address - kBase), &word, sizeof word);
  }
  struct Goroutine {
    std::uint32_t status = 4;  // it waits
    std::uint8_t reason = 14;  // for a channel receive
    std::uint64_t code = 0;
    std::vector<std::uint64_t> stack = {};  // words, from its pointer on
    std::uint64_t made_at = 0, started = 0;
  };
  // Its address.
  std::uint64_t add(const Goroutine& goroutine) {
    const std::uint64_t address = kFirst + count_ * (kGBytes + kStackBytes);
    const std::uint64_t low = address + kGBytes;
    const std::uint64_t pointer = low + kStackBytes - kRoom;
    put(address, low);
    put(address + 8, low + kStackBytes);
    const bool is_in_syscall = goroutine.status == 3;
    put(address + (is_in_syscall ? 112 : 56), pointer);
    put(address + (is_in_syscall ? 120 : 64), goroutine.code);
    put(address + 144, goroutine.status);
    put(address + 176, goroutine.reason);
    put(address + 296, goroutine.made_at);
    put(address + 312, goroutine.started);
    for (std::size_t i = 0; i < goroutine.stack.size(); ++i)
      put(pointer + i * 8, goroutine.stack[i]);
    put(kList + count_ * 8, address);
    put(kPlace.count, std::uint64_t{++count_});
    return address;
  }
  // The list says that there are so many: all of them the one at this address.
  void repeat(std::uint64_t address, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) put(kList + i * 8, address);
    put(kPlace.count, count);
  }

  [[nodiscard]] static GoGoroutines layout() { return known_go_layout(19)->goroutines.value(); }
  // Counts its reads.
  [[nodiscard]] GoMemory memory() {
    return [this](std::uint64_t address, std::span<std::byte> to) {
      ++reads;
      if (address < kBase || address - kBase > bytes_.size() ||
          to.size() > bytes_.size() - (address - kBase))
        return false;
      std::memcpy(to.data(), bytes_.data() + (address - kBase), to.size());
      return true;
    };
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

  std::size_t reads = 0;

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t count_ = 0;
};

}  // namespace heapfloor::testing
