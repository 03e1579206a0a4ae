// Anonymous memory that is really resident, and really gone when it is given back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heapfloor::e2e {

// Owns private mappings of one block each. Every page is written when a block is mapped, so RssAnon
// follows size_bytes() exactly; blocks are unmapped one by one, so it also follows downwards. Not
// thread-safe.
class ResidentMemory {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;

  ResidentMemory() = default;
  ResidentMemory(const ResidentMemory&) = delete;
  ResidentMemory& operator=(const ResidentMemory&) = delete;
  ResidentMemory(ResidentMemory&&) = delete;
  ResidentMemory& operator=(ResidentMemory&&) = delete;
  ~ResidentMemory();

  // Grows or shrinks to `bytes`, rounded down to whole blocks. False when the kernel gives no more.
  bool resize(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t size_bytes() const { return blocks_.size() * kBlockBytes; }

 private:
  std::vector<void*> blocks_;
};

}  // namespace heapfloor::e2e
