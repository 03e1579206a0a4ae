// What the probe asks the kernel about its own process. Raw system calls: no stdio, no allocation,
// no cancellation point, nothing that another preloaded library may have replaced. errno may
// change.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapfloor::probe {

// Keeps errno as the program under watch left it.
class ErrnoKeeper {
 public:
  ErrnoKeeper();
  ErrnoKeeper(const ErrnoKeeper&) = delete;
  ErrnoKeeper& operator=(const ErrnoKeeper&) = delete;
  ~ErrnoKeeper();

 private:
  int kept_;
};

// Lets other threads run, one of which holds what this one waits for.
void yield_processor();

// CLOCK_BOOTTIME, without entering the kernel. Any thread, signal handlers too.
std::uint64_t boottime_ns();

// Field 22 of /proc/self/stat, or HEAPFLOOR_ABSENT where it cannot be read.
std::uint64_t own_start_ticks();

// The same field in the text of such a file, or HEAPFLOOR_ABSENT.
std::uint64_t start_ticks_in(const char* stat, std::size_t bytes);

// Whether /proc/self/maps holds `text`, which has its first character nowhere else in it. False
// where it cannot be read.
bool own_maps_hold(const char* text);

// Anonymous private memory, without huge pages; null where there is none. Give it back with
// unmap().
void* map_private(std::size_t bytes);
// The same in place of what is mapped at `address`; false: nothing changed.
bool map_private_at(void* address, std::size_t bytes);
// A sealed memfd of that name and size, mapped shared and closed; null where there is none.
void* map_sealed(const char* name, std::size_t bytes);
// Puts the mapping `from` in the place of that at `to`, at once for all threads; false: nothing
// changed.
bool move_mapping(void* from, void* to, std::size_t bytes);
void unmap(void* address, std::size_t bytes);

}  // namespace heapfloor::probe
