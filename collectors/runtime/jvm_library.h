// JvmLibrary: what the library of a running JVM exports for debuggers, and what that leads to in
// its memory: counters that no file shows (-XX:+PerfDisableSharedMem, or /tmp was full or
// read-only), and the heap of ZGC.
//
// The symbols are those of the very file that runs: it is opened through the mapping itself, or by
// its path as the process sees it, and then believed only if it begins as the mapping does, its
// build id included. Costs about 0.3 ms, once. Thread rule: one thread.
#pragma once

#include <optional>

#include "collectors/host_root.h"
#include "collectors/parse/vm_structs.h"
#include "collectors/result.h"
#include "collectors/runtime/jvm_target.h"

namespace heapfloor {

class JvmLibrary {
 public:
  // `mapping` is that of libjvm.so from its beginning on, as maps show it now. `unavailable`: it
  // exports no such table, or its file is not to be had; `denied`.
  [[nodiscard]] static Result<JvmLibrary> open(const ProcessDir& directory,
                                               const JvmMapping& mapping);

  // Nothing where the JVM keeps no counters; `malformed` where what it exports leads to none.
  [[nodiscard]] Result<std::optional<JvmCounterBytes>> take_counters() &&;
  // Nothing where the JVM does not say.
  [[nodiscard]] std::optional<ZHeapPlace> z_heap() const;

 private:
  JvmLibrary(MappedBytes memory, const VmStructsAddresses& symbols)
      : memory_(std::move(memory)), symbols_(symbols) {}
  MappedBytes memory_;  // all of the process's
  VmStructsAddresses symbols_;
};

}  // namespace heapfloor
