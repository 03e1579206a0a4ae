#include "agent/external/prometheus_target.h"

namespace heapfloor {

// FNV-1a (Fowler, Noll, Vo): the same in every run, since it is part of what is stored.
std::uint64_t PrometheusTarget::identity() const {
  constexpr std::uint64_t kOffset = 14695981039346656037ULL;
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t hash = kOffset;
  const auto take = [&hash](std::string_view text) {
    for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
    hash *= kPrime;  // where one text ends
  };
  take(name);
  take(query);
  take(epoch_query);
  take(external_unit_name(unit));
  return hash;
}

}  // namespace heapfloor
