#include "agent/external/prometheus_target.h"

#include "collectors/fnv_hash.h"

namespace heapfloor {

// The same in every run, since it is part of what is stored.
std::uint64_t PrometheusTarget::identity() const {
  std::uint64_t hash = kFnvOffset;
  const auto take = [&hash](std::string_view text) {
    hash = fnv1a(text, hash) * kFnvPrime;  // where one text ends
  };
  take(name);
  take(query);
  take(epoch_query);
  take(external_unit_name(unit));
  return hash;
}

}  // namespace heapfloor
