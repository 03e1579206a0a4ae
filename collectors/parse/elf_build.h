// Which build an ELF file is: what its maker wrote into it for that purpose.
//
// Sources: elf(5) and the System V ABI, chapter 5 (notes); ld(1) --build-id; Go's
// src/debug/buildinfo/buildinfo.go (both forms of .go.buildinfo: pointers to Go strings before Go
// 1.18, the strings themselves from then on) and src/runtime/debug/mod.go (its text). Whoever made
// the file chose every byte: each offset and size is checked, what is read is bounded
// (ElfBuildBounds) and a text is kept only where it is plain. 32- and 64-bit little-endian files.
// Thread rule: pure functions of what `read_at` says; a file that changes meanwhile gives garbage,
// never a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/parse/elf_headers.h"
#include "collectors/result.h"

namespace heapfloor {

struct ElfBuildBounds {
  static constexpr std::size_t kMostNoteSegments = 8;
  static constexpr std::size_t kMostGoBytes = std::size_t{1} << 20;  // the list of modules
  static constexpr std::size_t kSearchedBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMostIdBytes = ElfHeaderBounds::kMostIdBytes;
  static constexpr std::size_t kMostText = 128;  // of every other text
};

// What the Go toolchain knew. Texts are empty where it did not say.
struct GoBuild {
  std::string go_version;           // "go1.19.8"
  std::string module_version;       // of the main module: "v1.2.3", "(devel)"
  std::string revision;             // vcs.revision
  std::optional<bool> is_modified;  // vcs.modified
  friend bool operator==(const GoBuild&, const GoBuild&) = default;
};

struct ElfBuild {
  std::string build_id;     // .note.gnu.build-id, lower-case hexadecimal; empty where it has none
  std::string go_build_id;  // .note.go.buildid; empty where it has none
  std::optional<GoBuild> go;
  friend bool operator==(const ElfBuild&, const ElfBuild&) = default;
};

// What is no such ELF file, or lies about itself, is malformed. A file without any of it is a build
// of which nothing is said. Reads at most a few hundred KiB, of Go programs at most 2 MiB.
Result<ElfBuild> parse_elf_build(const ElfReader& read_at);

// The text of a Go program's module information, without its frame.
[[nodiscard]] GoBuild parse_go_modules(std::string_view text);

}  // namespace heapfloor
