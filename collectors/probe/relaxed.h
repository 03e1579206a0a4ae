// Words of the segment, which other threads write and other processes read at any time: each is
// loaded and stored at once, without order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapfloor::probe {

template <class T>
T load_relaxed(const T& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

template <class T>
void store_relaxed(T& word, T value) {
  __atomic_store_n(&word, value, __ATOMIC_RELAXED);
}

template <class T>
T load_acquire(const T& word) {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

template <class T>
void store_release(T& word, T value) {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}

template <class T>
T add_relaxed(T& word, T value) {
  return __atomic_fetch_add(&word, value, __ATOMIC_RELAXED);
}

// True: `word` was `expected` and is `desired` now. Otherwise `expected` is what it was.
template <class T>
bool exchange_if(T& word, T& expected, T desired) {
  return __atomic_compare_exchange_n(&word, &expected, desired, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}

// Both multiples of 8 and aligned to 8.
inline void copy_words(void* to, const void* from, std::size_t bytes) {
  auto* target = static_cast<std::uint64_t*>(to);
  const auto* source = static_cast<const std::uint64_t*>(from);
  for (std::size_t i = 0; i < bytes / sizeof(std::uint64_t); ++i) {
    store_relaxed(target[i], load_relaxed(source[i]));
  }
}

}  // namespace heapfloor::probe
