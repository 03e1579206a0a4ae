// The stack of the calling thread, from the tables that compilers write for exceptions.
//
// Distributions build their C++ library without frame pointers, so that a walk along them loses the
// caller of operator new. .eh_frame is exact wherever it exists (the x86-64 psABI asks for it in
// every function), and what is needed of it for one return address fits one word, which is
// remembered. Frame pointers serve where no table is: code made at run time. Sources: System V ABI
// for x86-64, DWARF 5 section 6.4, LSB "Exception Frames".
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapfloor::probe {

// What is known to be the calling thread's own stack, from the deepest place that it was met at.
struct StackBounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;  // one past its last byte; 0: not known yet
};

// What a walk begins with: the registers of a caller, as they are when the callee returns.
struct FrameRegisters {
  std::uintptr_t instruction = 0;
  std::uintptr_t stack = 0;
  std::uintptr_t frame = 0;
};

struct StackWalk {
  std::size_t depth = 0;
  bool was_cut = false;  // the walk ended before the stack did
};

// Writes return addresses, leaf first, beginning with `caller`: frames below it are left out, and
// where it is not met, the one frame {caller} is written. Of a stack other than the thread's own (a
// coroutine's, a signal's) the kernel is asked what is mapped. No locks, no allocation. `most`
// >= 1.
StackWalk walk_stack(FrameRegisters registers, std::uintptr_t caller, const StackBounds& bounds,
                     std::uint64_t* frames, std::size_t most);

// Takes `stack`, where the thread is now, into the bounds of its own stack; they stay as they are
// where it is on another one. Asks the kernel once a page that it has not seen.
// pthread_getattr_np() cannot be used for this: it allocates while it holds a lock of the thread,
// and so calls itself from the hook of a malloc() that it has made.
void extend_stack_bounds(StackBounds& bounds, std::uintptr_t stack, bool is_first_thread);

// An object was unloaded: another may come to its addresses.
void forget_unwind_rules();

}  // namespace heapfloor::probe
