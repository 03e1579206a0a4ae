// What Go programs say of themselves by net/http/pprof, turned into what their memory would say.
//
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/profile/goroutine_waits.h"
#include "agent/profile/heap_sites.h"
#include "agent/profile/profile.h"

namespace heapfloor {

// The stacks of a heap profile as sites; the place of one is the lower half of the hash of its
// addresses, so that it has the same place in every profile of one process.
[[nodiscard]] HeapSites heap_sites_of(const Profile& profile);
// Which place the stack of that sample has.
[[nodiscard]] std::uint64_t stack_hash_of(const Profile& profile, const ProfileSample& sample);

// Of a goroutine profile. Without the go statements, which it does not tell, and the time.
[[nodiscard]] GoroutineWaits goroutine_waits_of(const Profile& profile);

inline constexpr std::size_t kMostGoNameBytes = 256;  // of a function or a file; cut

// One line each: how many are where.
[[nodiscard]] std::string goroutine_waits_text(const GoroutineWaits& waits);

}  // namespace heapfloor
