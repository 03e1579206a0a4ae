// The segment of this process: made once, the same addresses for the life of the process.
//
// Rules of this folder: libc alone, nothing that may throw or allocate, safe in any thread and
// after fork().
#pragma once

#include <cstddef>
#include <cstdint>

#include "heapfloor/segment.h"

namespace heapfloor::probe {

inline constexpr std::size_t kNames = 1024;
inline constexpr std::size_t kStructures = 512;
inline constexpr std::size_t kInstances = 4096;
inline constexpr std::size_t kArenas = 64;
inline constexpr std::size_t kSites = 16384;
inline constexpr std::size_t kFrames = 524288;
inline constexpr std::size_t kLiveSamples = 65536;

// Where the sections begin. All null until start_segment() has succeeded; they never change after
// that.
struct Segment {
  heapfloor_header* header = nullptr;
  heapfloor_allocator* allocator = nullptr;
  heapfloor_arena* arenas = nullptr;
  heapfloor_name* names = nullptr;
  heapfloor_structure* structures = nullptr;
  heapfloor_instance* instances = nullptr;
  heapfloor_site* sites = nullptr;
  std::uint64_t* frames = nullptr;
  heapfloor_live* live = nullptr;
};

// Makes and publishes the segment of this process; at a later call it only adds `flags`. False:
// this process has none, and everything that counts must do without (no memfd, a limit on the size
// of files, set-user-id, another probe is here already). Leaves errno as it was. Any thread; not in
// a signal handler.
bool start_segment(std::uint32_t flags);

// The segment, or one with null pointers.
const Segment& segment();

// The table of contents' entry of one of the sections above; only where there is a segment.
heapfloor_section& section(heapfloor_section_type type);

// The index of a name in `names`, which takes it in when it is new; 0 where there is no place or no
// segment, and for an empty name. Lock-free, any thread.
std::uint16_t intern_name(const char* text);

// Writes the names of enum heapfloor_own_name into a new segment's names.
inline constexpr std::uint16_t kOwnNameCount = HEAPFLOOR_NAME_CLEAR + 1;
void write_own_names(heapfloor_name* names);

// Fork. The memory is shared with the parent only until the child runs its fork handler, which
// gives it private memory at the same addresses: the structures and their instances as they were at
// the fork (copied by the parent just before it), no samples, FORKED, its own pid. That costs the
// parent a copy of the used records and the child two system calls, and keeps it invisible, as most
// children only call exec(). A child of vfork() or of a bare clone() runs no handler: with
// CLONE_VM it shares everything, else only the segment, so a sampler that finds another pid in the
// header than getpid() takes no sample.
//
// `forget` is called in the child, before fork() returns: the rest of the probe registers what it
// has to forget there, at most eight functions. False: no place.
bool on_fork_child(void (*forget)());

// Makes the segment of a forked child visible, if it is not yet; one load otherwise. To be called
// before the first sample that the child takes and before its first registration of a structure.
// Other threads that call it meanwhile wait for some microseconds, so neither samples nor
// registrations are lost. The memory is exchanged at once for all threads, but what they count into
// instances from before the fork while it is copied is lost: nothing in a child that has one
// thread, as every child has at first (whoever calls this before it starts another loses nothing).
// Without memfd the child stays invisible. Any thread; in a signal handler it may come too late for
// what the handler counts.
void publish_child();

// The program enters a sandbox: from now on no system call is made that it did not make itself
// (memfd_create, /proc); what is counted goes on. Sets HEAPFLOOR_FLAG_QUIET. For good, for
// children too.
void enter_quiet();
bool is_quiet();

}  // namespace heapfloor::probe
