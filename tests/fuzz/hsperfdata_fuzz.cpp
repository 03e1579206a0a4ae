// The counters of a JVM, as a hostile target may write them.
#include "collectors/parse/hsperfdata.h"

#include <cmath>

#include "tests/fuzz/property.h"

namespace {

using heapfloor::testing::require;

void require_amount(const std::optional<double>& value) {
  require(!value || (std::isfinite(*value) && *value >= 0), "an amount is finite and not negative");
}

void require_pool(const heapfloor::JvmPool& pool) {
  require_amount(pool.used);
  require_amount(pool.committed);
  require_amount(pool.limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const Result<HsperfIndex> index = index_hsperf(bytes);
  if (!index) {
    require(index.error().reason.size() < 128, "a reason is short");
    return 0;
  }
  require(index->end <= index->prologue.used_bytes, "counters lie within what is used");
  require(index->version.size() <= HsperfBounds::kMostText, "a text is bounded");
  require(index->vendor.size() <= HsperfBounds::kMostText, "a text is bounded");
  // The values are those of another moment, of which fewer bytes may be there.
  for (const std::size_t length : {size, size / 2, std::size_t{0}}) {
    const JvmReading reading = read_hsperf(*index, bytes.first(length));
    for (const JvmCollections& collections : reading.collections) {
      require_amount(collections.count);
      require_amount(collections.seconds);
    }
    for (const JvmPool& pool :
         {reading.eden, reading.survivor, reading.old, reading.metaspace, reading.class_space})
      require_pool(pool);
    require_amount(reading.heap_limit);
    require_amount(reading.classes);
    require_amount(reading.threads);
  }
  return 0;
}
