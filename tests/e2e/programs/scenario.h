// Programs with a known memory behaviour, for the end-to-end tests. Each stops by itself and is
// bounded in memory.
#pragma once

#include <cstdint>

namespace heapfloor::e2e {

struct Settings {
  double seconds = 900;                    // the program ends by itself after this time
  double rate_bytes_per_second = 1 << 20;  // of the leaking programs
  std::uint64_t cap_bytes = 448ULL << 20;  // a leaking program stops growing here
};

// One of them is each program's body: e2e_steady_leak runs steady_leak. The return value is the
// exit code.
int steady_leak(const Settings& settings);  // grows at the rate
int map_leak(
    const Settings& settings);  // a hash map of unique keys, its table doubling, about at the rate
int warmup(const Settings& settings);         // fills exponentially towards 128 MiB, then flat
int sawtooth(const Settings& settings);       // waves of 60 MiB over a level floor of 40 MiB
int sawtooth_leak(const Settings& settings);  // the same waves over a floor that rises at the rate
int fork_workers(const Settings& settings);   // short-lived workers, always as many: each is new,
                                              // the sum is level
int dies(const Settings& settings);           // grows by 6 MiB in a minute, then exits
int thread_pile(const Settings& settings);    // threads that never end, by the rate of their stacks
int shared_leak(const Settings& settings);    // a quarter of the rate in the heap, the rest in
                                              // shared memory
int flat(const Settings& settings);           // 64 MiB, written again and again

}  // namespace heapfloor::e2e
