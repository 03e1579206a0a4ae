// FNV-1a in 64 bits (Fowler, Noll, Vo): the same in every run and on every machine, which what is
// stored or shown needs. Not for hostile input that must not collide. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace heapfloor {

inline constexpr std::uint64_t kFnvOffset = 14695981039346656037ULL;
inline constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

constexpr std::uint64_t fnv1a(unsigned char byte, std::uint64_t hash) {
  return (hash ^ byte) * kFnvPrime;
}

// `hash`: of what came before.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnvOffset) {
  for (const char byte : text) hash = fnv1a(static_cast<unsigned char>(byte), hash);
  return hash;
}

}  // namespace heapfloor
