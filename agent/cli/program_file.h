// What a file that somebody wants to run is: an ELF program, a script, and what keeps a library
// from being preloaded into it.
//
// Sources: elf(5), execve(2), ld.so(8) "Secure-execution mode", capabilities(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// The head of an executable file.
struct ProgramHead {
  bool is_script = false;
  std::string interpreter;     // of a script: its program; of an ELF file: its dynamic loader
  std::uint8_t elf_class = 0;  // ELFCLASS32, ELFCLASS64; 0: no ELF file
  std::uint16_t machine = 0;   // EM_X86_64 …
  friend bool operator==(const ProgramHead&, const ProgramHead&) = default;
};

// Reads the first bytes of a file. `malformed` where it is neither, or where what is needed of it
// lies behind these bytes. Pure and total.
[[nodiscard]] Result<ProgramHead> parse_program_head(std::span<const char> bytes);
inline constexpr std::size_t kProgramHeadBytes = 65536;

// The file that execvp(3) would run: `program` itself where it has a slash, else the first
// executable of that name in the folders of `search_path` (the value of PATH). Nothing where there
// is none.
[[nodiscard]] std::optional<std::string> find_program(std::string_view program,
                                                      std::string_view search_path);

// Why `library` cannot be preloaded into the program at `path`, in words for the user; nothing
// where it can. Follows scripts to their interpreters. Reads both files.
[[nodiscard]] std::optional<std::string> preload_problem(const std::string& path,
                                                         const std::string& library);

}  // namespace heapfloor
