// The compiled task_iterator.bpf.c, an ELF file in memory.
#pragma once

#include <span>

namespace heapfloor {

std::span<const char> task_iterator_program();

}  // namespace heapfloor
