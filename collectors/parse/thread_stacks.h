// /proc/PID/smaps: what the stacks of a process's threads hold. Source: fs/proc/task_mmu.c
// (show_smap), Documentation/filesystems/proc.rst.
//
// The kernel does not say which mapping is the stack of a thread (it did so from 3.4 to 4.4), and
// where a thread's stack pointer stands it tells tracers alone. But every C library puts an
// inaccessible mapping below a stack, so that what runs over it fails: an anonymous private
// writable mapping directly behind one of at most kMostGuardBytes is taken for a stack, and so is
// one whose name says so. An arena of glibc's malloc, behind the unused part of the one before, is
// told by its alignment. Before Linux 6.7 memory that was mapped directly behind a stack is one
// mapping with it: so only stacks of the commonest size count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace heapfloor {

struct ThreadStacks {
  std::uint64_t count = 0;  // of the commonest size; of two sizes as common, the smaller one
  std::uint64_t bytes = 0;  // what they hold, resident or swapped out
  friend bool operator==(const ThreadStacks&, const ThreadStacks&) = default;
};

// Takes a text line by line; lines that it does not know are nothing to it.
class ThreadStackReader {
 public:
  void take(std::string_view line);  // without its end
  // Of the lines so far; nothing without a stack among them.
  [[nodiscard]] std::optional<ThreadStacks> stacks() const;
  [[nodiscard]] std::size_t mappings() const { return mappings_; }

  static constexpr std::uint64_t kMostGuardBytes = std::uint64_t{1} << 20;
  static constexpr std::size_t kMostSizes = 64;  // told apart; stacks of others are left out

 private:
  struct OfSize {
    std::uint64_t size = 0;
    ThreadStacks stacks;
  };
  void take_mapping(std::string_view line);

  std::vector<OfSize> sizes_;
  std::optional<std::size_t> current_;    // into sizes_: the lines are about a stack
  std::optional<std::uint64_t> guarded_;  // the address behind an inaccessible mapping
  std::size_t mappings_ = 0;
};

}  // namespace heapfloor
