// The allocator's own account of itself, read on a budget, in whichever thread takes a sample.
//
// No thread of the probe's own: a program that had one thread would have two, with all that follows
// from it (slower locks in its C library, no unshare()). So the account is as old as the last
// sample; its time is published beside it. Where the hooks are not reached it is that of the start.
// Readings are at least `HEAPFLOOR_STATISTICS_SECONDS` (default 1) apart, and a thousand times as
// long as the last one took: 0.1 % of time. glibc walks every free block under the arena's lock;
// that can be 100 ms, and then is read every 100 s.
// HEAPFLOOR_ARENAS=1 adds each arena's used and free bytes (malloc_info) at twice the cost.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapfloor::probe {

// Finds out who owns malloc() and makes a first reading. Needs a segment; called once, inside an
// InsideGuard.
void start_statistics();

// Reads if a reading is due, and does what an agent has asked for. Inside an InsideGuard, with no
// lock held.
void tend_statistics();

bool allocator_is_glibc();

// malloc_trim() of the program, counted with what it gave back.
int trim_counted(std::size_t pad);

}  // namespace heapfloor::probe
