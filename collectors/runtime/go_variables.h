// Where a stripped Go program keeps the variables of its runtime: what those functions of the
// runtime agree on that are known to refer to them.
//
// Source: src/runtime of Go 1.19 (mgc.go, mgcpacer.go, mstats.go, mheap.go, mprof.go, proc.go,
// malloc.go), as its compiler makes code of it for x86-64. Thread rule: pure functions of what the
// source says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/go_module.h"
#include "collectors/runtime/go_layout.h"
#include "collectors/runtime/go_program.h"

namespace heapfloor {

// By GoVariable, in the file's own numbering; nothing for each that functions do not agree on, or
// that would not lie in its part of the program. `layout` is that of the program's version, which
// is one that is known.
[[nodiscard]] std::array<std::optional<std::uint64_t>, kGoVariables> find_go_variables(
    const ByteSource& source, const GoModule& module, const GoLayout& layout);

}  // namespace heapfloor
