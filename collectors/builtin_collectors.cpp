#include <array>

#include "collectors/collector.h"

namespace heapfloor {

// Each collector's file defines its entry; a file without one does not link.
#define HEAPFLOOR_COLLECTOR(name) extern const CollectorEntry name##_collector;
#include "collectors/builtin_collectors.def"
#undef HEAPFLOOR_COLLECTOR

namespace {

#define HEAPFLOOR_COLLECTOR(name) &name##_collector,
constexpr auto kBuiltin = std::to_array<const CollectorEntry*>({
#include "collectors/builtin_collectors.def"
});
#undef HEAPFLOOR_COLLECTOR

}  // namespace

std::span<const CollectorEntry* const> builtin_collectors() { return kBuiltin; }

}  // namespace heapfloor
