// The memory profile of a Go 1.19 program as its runtime keeps it: from kBase on, three variables
// and a list of buckets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "collectors/runtime/go_layout.h"
#include "collectors/runtime/go_sites.h"

namespace heapfloor::testing {

// memRecordCycle.
struct GoCycle {
  std::uint64_t allocs = 0, frees = 0, alloc_bytes = 0, free_bytes = 0;
};

class GoProfileWriter {
 public:
  static constexpr std::uint64_t kBase = 0xc000000000;
  static constexpr GoProfilePlace kPlace = {kBase, kBase + 8, kBase + 16, 0};

  explicit GoProfileWriter(std::size_t most_bytes = std::size_t{1} << 20) : bytes_(most_bytes) {
    put(kPlace.rate, std::uint64_t{524288});
  }

  template <class Word>
  void put(std::uint64_t address, Word word) {
    std::memcpy(bytes_.data() + (address - kBase), &word, sizeof word);
  }
  void set_rate(std::int64_t rate) { put(kPlace.rate, rate); }
  // So many collections, of whose figures the last are in the active ones.
  void set_cycle(std::uint32_t cycle) { put(kPlace.cycle, cycle << 1U | 1U); }
  // The next bucket, which stands in front of those before it. Its address.
  std::uint64_t add(const std::vector<std::uint64_t>& stack, const GoCycle& active,
                    const std::array<GoCycle, GoBuckets::kFutures>& future = {}) {
    const std::uint64_t address = end_;
    put(address + 8, newest_);
    put(address + 16, std::uint64_t{1});
    put(address + 40, std::uint64_t{stack.size()});
    end_ += 48;
    for (const std::uint64_t frame : stack) put_next(frame);
    put_cycle(active);
    for (const GoCycle& cycle : future) put_cycle(cycle);
    newest_ = address;
    put(kPlace.buckets, newest_);
    return address;
  }

  [[nodiscard]] static GoBuckets layout() { return known_go_layout(19)->buckets.value(); }
  // Counts its reads.
  [[nodiscard]] GoMemory memory() {
    return [this](std::uint64_t address, std::span<std::byte> to) {
      ++reads;
      if (on_read) on_read();
      if (address < kBase || address - kBase > bytes_.size() ||
          to.size() > bytes_.size() - (address - kBase))
        return false;
      std::memcpy(to.data(), bytes_.data() + (address - kBase), to.size());
      return true;
    };
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

  std::size_t reads = 0;
  std::function<void()> on_read;

 private:
  void put_next(std::uint64_t word) {
    put(end_, word);
    end_ += sizeof word;
  }
  void put_cycle(const GoCycle& cycle) {
    put_next(cycle.allocs);
    put_next(cycle.frees);
    put_next(cycle.alloc_bytes);
    put_next(cycle.free_bytes);
  }

  std::vector<std::byte> bytes_;
  std::uint64_t end_ = kBase + 4096;
  std::uint64_t newest_ = 0;
};

}  // namespace heapfloor::testing
