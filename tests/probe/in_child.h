// Runs a part of a test in a process of its own, so that it can spoil what a process has once.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "collectors/probe/segment_memory.h"

// ctest gives every case a process; in a run of the whole program the segment is there already.
#define SKIP_UNLESS_FRESH()                                                    \
  if (heapfloor::probe::segment().header != nullptr) {                         \
    GTEST_SKIP() << "needs a process of its own, as ctest gives to each case"; \
  }                                                                            \
  static_assert(true)

// True: `check` said so in a forked child. A child that dies says false.
inline bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}
