#include "tests/e2e/programs/resident_memory.h"

#include <sys/mman.h>

#include <cstring>

namespace heapfloor::e2e {

ResidentMemory::~ResidentMemory() { resize(0); }

bool ResidentMemory::resize(std::uint64_t bytes) {
  const std::size_t wanted = bytes / kBlockBytes;
  while (blocks_.size() > wanted) {
    munmap(blocks_.back(), kBlockBytes);
    blocks_.pop_back();
  }
  while (blocks_.size() < wanted) {
    void* block =
        mmap(nullptr, kBlockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return false;
    // Neighbouring mappings merge; a huge page across several blocks would make RSS move in steps
    // of 2 MiB.
    madvise(block, kBlockBytes, MADV_NOHUGEPAGE);
    std::memset(block, static_cast<int>(blocks_.size() % 251 + 1), kBlockBytes);
    blocks_.push_back(block);
  }
  return true;
}

}  // namespace heapfloor::e2e
