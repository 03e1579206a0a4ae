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

// Makes and publishes the segment of this process; at the second call it does nothing. False: this
// process has none, and everything that counts must do without (no memfd, set-user-id, another
// probe is here already). Leaves errno as it was. Any thread; not in a signal handler.
bool start_segment(std::uint32_t flags);

// The segment, or one with null pointers.
const Segment& segment();

// The table of contents' entry of one of the sections above.
heapfloor_section& section(heapfloor_section_type type);

// The index of a name in `names`, which takes it in when it is new; 0 where there is no place or no
// segment. Lock-free, any thread.
std::uint16_t intern_name(const char* text);

// Called in a child after fork(), before anything else of it runs: gives it memory of its own at
// the same addresses, with structures and their instances as they were and without samples (kept
// private until publish_child() makes it visible). The rest of the probe registers what it has to
// forget with on_fork_child().
void on_fork_child(void (*forget)());

// Makes the segment of a forked child visible, if it is not yet. Two or three system calls; called
// by the first sample that the child takes and by registrations of structures.
void publish_child();

}  // namespace heapfloor::probe
