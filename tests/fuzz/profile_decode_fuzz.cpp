#include <string>

#include "agent/profile/endpoint_profile.h"
#include "agent/profile/profile.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  if (const auto goroutines = heapfloor::decode_goroutine_profile(text_of(data, size))) {
    const auto waits = heapfloor::goroutine_waits_of(*goroutines);
    require(waits.goroutines >= 0 && waits.waits.size() <= heapfloor::GoroutineWaits::kMost,
            "of goroutines a few places are told");
    for (const heapfloor::GoroutineWait& wait : waits.waits)
      require(wait.at.function.size() <= heapfloor::kMostGoNameBytes, "names are cut");
  }
  const auto profile = heapfloor::decode_profile(text_of(data, size));
  if (!profile) {
    require(profile.error().kind == heapfloor::ErrorKind::malformed, "a refusal is malformed");
    return 0;
  }
  for (const heapfloor::ProfileSample& sample : profile->samples) {
    for (const std::uint32_t location : sample.locations)
      require(location < profile->locations.size(), "a stack is of locations that are there");
  }
  const heapfloor::HeapSites heap = heapfloor::heap_sites_of(*profile);
  require(heap.live_bytes >= 0 && heap.sites.size() <= profile->samples.size(),
          "a stack is one site");
  // Texts that are no UTF-8 become text once, and stay the same from then on.
  const auto once = heapfloor::decode_profile(heapfloor::encode_profile(*profile));
  if (!once) return 0;  // longer than what may be read, since bad bytes were replaced
  const auto twice = heapfloor::decode_profile(heapfloor::encode_profile(*once));
  require(twice && *twice == *once, "what was written is read again");
  const heapfloor::Profile nothing = heapfloor::difference(*once, *once);
  require(nothing.samples.empty(), "nothing is different from itself");
  return 0;
}
