// Which allocations are looked at, and what is kept of them: sites and samples that are alive.
//
// Every byte is marked with probability 1 / interval, so that an allocation of S bytes is sampled
// with p = 1 - exp(-S / interval); it then stands for S / p bytes. Each thread counts down to its
// next mark; the draw is exponential, so that a thread need not know what others did. A sampled
// block starts at a multiple of 512, which few others do: free() looks further only there. Source
// of the method: Go's and gperftools' samplers; the sums are unbiased per allocation, as jemalloc's
// notes ask.
#pragma once

#include <cstddef>
#include <cstdint>

#include "collectors/probe/unwind.h"

namespace heapfloor::probe {

// What a thread keeps between allocations. Zero at its start.
struct ThreadState {
  std::int64_t bytes_left = 0;  // until its next sample; below 0: the slow path looks
  std::uint64_t random = 0;
  StackBounds stack;
  std::uint32_t thread_id = 0;
  std::uint8_t interval_log2 = 0;          // that bytes_left was drawn with
  std::uint8_t sampled_interval_log2 = 0;  // that the last sample was drawn with
  bool is_started = false;
  bool is_inside =
      false;  // the probe's own slow path is running: what it allocates is not looked at
};

extern thread_local constinit ThreadState thread_state __attribute__((tls_model("initial-exec")));

// Holds the slow path for one thread, so that it does not enter itself. `is_entered` false: it is
// inside already.
class InsideGuard {
 public:
  InsideGuard() : is_entered(!thread_state.is_inside) { thread_state.is_inside = true; }
  ~InsideGuard() {
    if (is_entered) thread_state.is_inside = false;
  }
  InsideGuard(const InsideGuard&) = delete;
  InsideGuard& operator=(const InsideGuard&) = delete;
  const bool is_entered;
};

// Turns sampling on, once, before threads exist; `interval_bytes` is brought to the nearest power
// of two from 2^12 to 2^30. Needs a segment. False: no memory for the tables.
bool start_sampling(std::uint64_t interval_bytes);

// Whether the allocation that made bytes_left negative is to be sampled; draws anew. Inside an
// InsideGuard.
bool takes_sample();

// A block of `size` > 0 bytes at `address`, a multiple of 512, was sampled. `registers` and
// `caller` as in walk_stack().
void record_sample(void* address, std::size_t size, FrameRegisters registers,
                   std::uintptr_t caller);

// One byte a slot: how many live samples may have an address that falls there. Null until sampling
// has started.
extern const std::uint8_t* sample_filter;
inline constexpr unsigned kFilterBits = 14;
constexpr std::size_t filter_slot(std::uintptr_t address) {
  return static_cast<std::size_t>(((address >> 9) * 0x9E3779B97F4A7C15ULL) >> (64 - kFilterBits));
}
inline bool may_be_sample(const void* address) {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  return (number & 511) == 0 && sample_filter != nullptr &&
         __atomic_load_n(&sample_filter[filter_slot(number)], __ATOMIC_RELAXED) != 0;
}

// The block at `address` is about to be freed: its sample ends, if it is one. Any thread.
void end_sample(const void* address);

// A sample that was taken out and may be put back: realloc() that fails leaves the block as it was.
struct TakenSample {
  bool was_one = false;
  std::uint64_t word = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t site_index = 0;
  std::uint32_t birth_seconds = 0;
  std::uint32_t thread_id = 0;
};
TakenSample take_sample_out(const void* address);
void put_sample_back(const TakenSample& sample);
void count_ended(const void* address);  // it stays out: what end_sample() does at its end

// A zeroed block that would have been sampled could not be.
void count_untracked(std::size_t size);

// Doubles the interval, and drops each live sample with the probability by which it would not have
// been taken with the new one: what is left stays unbiased. One thread at a time; others go on
// meanwhile.
void thin_samples();

}  // namespace heapfloor::probe
