// The allocator behind the hooks: what malloc() would be without the probe.
#pragma once

#include <cstddef>

namespace heapfloor::probe {

// The next definitions in the order of symbol lookup. Each is callable from the first allocation of
// the process on.
struct NextAllocator {
  void* (*malloc)(std::size_t);
  void (*free)(void*);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*valloc)(std::size_t);       // null: this allocator has none
  void* (*pvalloc)(std::size_t);      // the same
  std::size_t (*usable_size)(void*);  // the same
};
extern NextAllocator next_allocator;

// Whether aligned blocks come from the allocator that malloc() is of, and free() takes them:
// without that none can be marked.
bool next_allocator_is_whole();

// Whether calls of malloc() in this process reach the hooks; an allocator inside the program, or
// before the probe in the order of lookup, keeps them.
bool hooks_are_reached();

}  // namespace heapfloor::probe
