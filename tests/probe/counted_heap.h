// What the program really holds: every operator new and delete of this test program, counted while
// somebody looks. Included by one file of a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "heapfloor/probe.h"

namespace counted_heap {

// In front of each block: its size, or 0 where nobody looked when it was allocated.
inline constexpr std::size_t kPrefix = alignof(std::max_align_t);

inline thread_local bool is_looking = false;
inline std::int64_t live_bytes = 0;
// What the last block that was counted was for.
inline thread_local heapfloor_labels last_label = {0, 0};

// Counts what is allocated in its life; frees are counted at any time.
class Look {
 public:
  Look() { is_looking = true; }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;
  ~Look() { is_looking = false; }
};

inline void* allocate(std::size_t bytes) {
  auto* block = static_cast<char*>(std::malloc(bytes + kPrefix));
  if (block == nullptr) throw std::bad_alloc();
  const std::size_t counted = is_looking ? bytes : 0;
  *reinterpret_cast<std::size_t*>(block) = counted;
  if (counted != 0) {
    __atomic_fetch_add(&live_bytes, static_cast<std::int64_t>(counted), __ATOMIC_RELAXED);
    last_label = heapfloor_label;
  }
  return block + kPrefix;
}

inline void release(void* pointer) noexcept {
  if (pointer == nullptr) return;
  char* block = static_cast<char*>(pointer) - kPrefix;
  const auto counted = static_cast<std::int64_t>(*reinterpret_cast<std::size_t*>(block));
  if (counted != 0) __atomic_fetch_sub(&live_bytes, counted, __ATOMIC_RELAXED);
  std::free(block);
}

}  // namespace counted_heap

// NOLINTBEGIN(misc-definitions-in-headers): one file of a program
void* operator new(std::size_t bytes) { return counted_heap::allocate(bytes); }
void* operator new[](std::size_t bytes) { return counted_heap::allocate(bytes); }
// No test allocates what is aligned to more than malloc() aligns to.
void* operator new(std::size_t bytes, std::align_val_t /*at*/) {
  return counted_heap::allocate(bytes);
}
void operator delete(void* pointer, std::align_val_t /*at*/) noexcept {
  counted_heap::release(pointer);
}
void operator delete(void* pointer, std::size_t /*bytes*/, std::align_val_t /*at*/) noexcept {
  counted_heap::release(pointer);
}
void operator delete(void* pointer) noexcept { counted_heap::release(pointer); }
void operator delete[](void* pointer) noexcept { counted_heap::release(pointer); }
void operator delete(void* pointer, std::size_t /*bytes*/) noexcept {
  counted_heap::release(pointer);
}
void operator delete[](void* pointer, std::size_t /*bytes*/) noexcept {
  counted_heap::release(pointer);
}
// NOLINTEND(misc-definitions-in-headers)
