// GoStacks: where the goroutines of a Go program are, read in its memory: of each its state, the
// reason for which it waits, the stack that it goes on with, and the go statement that made it.
//
// Source: src/runtime/runtime2.go, proc.go and traceback.go of Go. Frames are as long as the
// program's own table of functions says (PCSP, parse/go_line_table.h), which is how the runtime
// unwinds; of x86-64, where the return address stands above the frame. What stands in memory is
// hostile and changes meanwhile: every address, length and depth is bounded, and a stack that leads
// nowhere ends there.
//
// Of more goroutines than most_goroutines that many are looked at, chosen at random, one in each of
// as many parts of the list of equal length. Cost: two reads a goroutine; 4,096 take about 15 ms.
// Thread rule: pure functions of what `read` and `code` give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "collectors/parse/go_line_table.h"
#include "collectors/result.h"
#include "collectors/runtime/go_layout.h"
#include "collectors/runtime/go_sites.h"

namespace heapfloor {

struct GoStackBounds {
  static constexpr std::uint64_t kMostGoroutines = std::uint64_t{1} << 28;  // in the list
  static constexpr std::size_t kMostDepth = 64;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 10;  // of one stack
  static constexpr std::size_t kMostPlaces = 1024;                  // of code, all stacks together
  std::size_t most_goroutines = 4096;
};

enum class GoState : std::uint8_t { waiting, runnable, running, in_syscall };

// Goroutines with one stack, of one state.
struct GoStack {
  GoState state = GoState::waiting;
  std::uint8_t reason = 0;            // for which it waits, in the numbers of its version
  std::vector<std::uint64_t> frames;  // places in calls, leaf first, in the file's own numbering
  std::uint64_t made_at = 0;          // the same: the go statement; 0: not known
  std::size_t goroutines = 0;         // that were looked at
  friend bool operator==(const GoStack&, const GoStack&) = default;
};

struct GoStacks {
  double goroutines = 0;  // all of them, without the runtime's own; an estimate if not all are seen
  std::size_t seen = 0;   // of those, that were looked at
  std::vector<GoStack> stacks;  // the most goroutines first
};

// Where the variables are in the memory of the program, and how far it was moved.
struct GoStackPlace {
  std::uint64_t count = 0;  // runtime.allglen
  std::uint64_t list = 0;   // runtime.allgptr
  std::uint64_t bias = 0;
};

// The function at a place of the code, in the file's own numbering.
using GoCodeFinder = std::function<std::optional<GoCode>(std::uint64_t address)>;

// `malformed` where what stands there can be no such list; `io` where it cannot be read.
[[nodiscard]] Result<GoStacks> read_go_stacks(const GoGoroutines& layout, const GoStackPlace& place,
                                              const GoMemory& read, const GoCodeFinder& code,
                                              const GoStackBounds& bounds = {});

}  // namespace heapfloor
