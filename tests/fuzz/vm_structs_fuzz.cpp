// The memory of a process that says it is a JVM, from address 0 on: first what its library exports.
#include "collectors/parse/vm_structs.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  using heapfloor::testing::require;
  const MemorySource memory(heapfloor::testing::text_of(data, size));
  VmStructsAddresses symbols = {};
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols.at(i) = 8 * i;
  const auto found = find_perf_memory(memory, symbols);
  const auto heap = find_z_heap(memory, symbols);
  require(!heap || heap->offset <= 3 * VmStructsBounds::kMostOffset, "an offset is bounded");
  if (!found) {
    require(found.error().kind == ErrorKind::malformed, "a refusal is malformed");
    return 0;
  }
  if (!*found) return 0;
  require((*found)->begin != 0, "counters are somewhere");
  require((*found)->size <= size && (*found)->begin <= size - (*found)->size, "they lie within");
  return 0;
}
