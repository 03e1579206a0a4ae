// Where a Go program has the tables and the variables of its runtime: by its symbols, or, where
// these were stripped, by what the code of its runtime refers to.
//
// Source: moduledata of src/runtime/symtab.go of Go 1.18 and 1.19, pcHeader of the same. What is
// found by code has to agree with itself: the module data says where the table of functions is, in
// which it was found, where the code is, and in which order its parts come. Thread rule: pure
// functions of what the source says.
#pragma once

#include <optional>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"
#include "collectors/parse/go_line_table.h"
#include "collectors/parse/go_references.h"

namespace heapfloor {

// By runtime.firstmoduledata.
struct GoModule {
  GoTables tables;
  GoAddresses bss;             // variables with pointers
  GoAddresses no_pointer_bss;  // variables without
};

// Without symbols; of x86-64 and the table of Go 1.18 and 1.19 alone. Nothing where anything
// disagrees.
[[nodiscard]] std::optional<GoModule> find_go_module(const ByteSource& source, const ElfFile& elf);

// Nothing where the file has none, or it cannot be found.
[[nodiscard]] std::optional<GoTables> find_go_tables(const ByteSource& source, const ElfFile& elf);

}  // namespace heapfloor
