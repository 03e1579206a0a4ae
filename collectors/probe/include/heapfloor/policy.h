// How a structure counts.
#pragma once

#include <cstdint>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HEAPFLOOR_THREAD_SANITIZER
#endif
#endif

namespace heapfloor {

// For what one thread changes at a time, as standard containers demand anyway: plain loads and
// stores of aligned words, each at once, so that the agent may read them. Volatile, as compilers
// take atomic ones for barriers and write the container itself to memory before each: that made
// push_back() six times as dear. The thread sanitizer sees atomic ones.
struct single_writer {
  static void add(std::uint64_t& word, std::uint64_t amount) noexcept {
    store(word, load(word) + amount);
  }
  // Never below 0: what was taken out of a container may be freed twice in the books.
  static void subtract(std::uint64_t& word, std::uint64_t amount) noexcept {
    const std::uint64_t before = load(word);
    store(word, before > amount ? before - amount : 0);
  }
  static std::uint64_t load(const std::uint64_t& word) noexcept {
#if defined(__SANITIZE_THREAD__) || defined(HEAPFLOOR_THREAD_SANITIZER)
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
#else
    return *static_cast<const volatile std::uint64_t*>(&word);
#endif
  }
  static void store(std::uint64_t& word, std::uint64_t value) noexcept {
#if defined(__SANITIZE_THREAD__) || defined(HEAPFLOOR_THREAD_SANITIZER)
    __atomic_store_n(&word, value, __ATOMIC_RELAXED);
#else
    *static_cast<volatile std::uint64_t*>(&word) = value;
#endif
  }
  static void raise(std::uint64_t& word, std::uint64_t value) noexcept {
    if (load(word) < value) store(word, value);
  }
};

// For what several threads change at once: an allocator that containers of several threads share,
// or a container behind a lock whose nodes are freed outside of it. One atomic addition for each
// allocation and each free.
struct shared {
  static void add(std::uint64_t& word, std::uint64_t amount) noexcept {
    __atomic_fetch_add(&word, amount, __ATOMIC_RELAXED);
  }
  static void subtract(std::uint64_t& word, std::uint64_t amount) noexcept {
    __atomic_fetch_sub(&word, amount, __ATOMIC_RELAXED);
  }
  static void raise(std::uint64_t& word, std::uint64_t value) noexcept {
    std::uint64_t known = __atomic_load_n(&word, __ATOMIC_RELAXED);
    while (known < value && !__atomic_compare_exchange_n(&word, &known, value, true,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }
};

}  // namespace heapfloor
