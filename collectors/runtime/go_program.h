// GoProgram: what one file of a Go program tells: its version, and where its runtime keeps the
// figures of its heap. Thread rule: pure functions of what the source says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/parse/byte_source.h"
#include "collectors/parse/elf_file.h"
#include "collectors/runtime/go_layout.h"

namespace heapfloor {

// Why a Go program cannot be read.
enum class GoRefusal : std::uint8_t {
  // Stripped (-ldflags=-s), and nothing else says where the runtime's variables are: its code does
  // for Go 1.19 on x86-64.
  no_symbols,
  no_layout,    // of a version that is not known, without debugging information (-ldflags=-w)
  implausible,  // what stands there can be no such figures
  denied,       // its memory may not be read
};
inline constexpr std::size_t kGoRefusals = 4;
// "no_symbols" …; static text.
[[nodiscard]] std::string_view go_refusal_name(GoRefusal refusal);

// The variables that are read, where they are there; in the file's own numbering.
enum class GoVariable : std::uint8_t {
  controller,
  memstats,
  all_goroutines,
  sched,
  all_p,
  buckets,        // of the memory profile
  profile_cycle,  // which of its figures are published
  profile_rate,   // bytes between two samples
  goroutine_list,
};
inline constexpr std::size_t kGoVariables = 9;

struct GoProgram {
  std::string version;  // raw, at most kMostGoVersion; empty where the file does not tell
  std::optional<GoRefusal> refusal;
  // From here on only where there is no refusal.
  GoLayout layout;
  std::array<std::optional<std::uint64_t>, kGoVariables> variables;
  // Where the program's headers are: AT_PHDR less this is how far it was moved. Nothing where it
  // is never moved.
  std::optional<std::uint64_t> headers_address;
  [[nodiscard]] std::optional<std::uint64_t> of(GoVariable variable) const {
    return variables.at(static_cast<std::size_t>(variable));
  }
};

// Nothing where the file is no Go program (64-bit, little-endian, Go 1.18 or later). Cheap for all
// that are none: 3 reads.
[[nodiscard]] std::optional<GoProgram> examine_go_program(const ByteSource& source);

// As its debugging information says; nothing where there is none, or it is not understood.
[[nodiscard]] std::optional<GoLayout> read_go_layout(const ByteSource& source, const ElfFile& elf);

}  // namespace heapfloor
