// BuildIdentity: which build of which program a process runs, by what its maker wrote into it, so
// that it is the same on every host; where that is nothing, by the program's file.
//
// Pure; texts are plain ASCII and bounded, whatever a program says of itself. Thread rule: plain
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/series/bytes.h"
#include "collectors/host_root.h"
#include "collectors/parse/elf_build.h"

namespace heapfloor {

// Part of the stored format.
enum class BuildKind : std::uint8_t {
  gnu,   // the linker's build id
  go,    // Go's build id, where there is no linker's
  file,  // size and time of change of the program's file, of a script or a jar the main one's alone
};
inline constexpr std::size_t kBuildKinds = 3;

// "gnu_build_id", "go_build_id", "file"; static text.
[[nodiscard]] std::string_view build_kind_name(BuildKind kind);

struct BuildIdentity {
  BuildKind kind = BuildKind::gnu;
  std::string program;  // what all of its builds are called: the name of its file
  std::string id;       // hexadecimal; Go's own; "shop.jar@20261128T140211Z+41231234" of a file
  std::string version;  // as its maker names it: "v1.4.2"; empty where it does not

  // What people call it: the version, else the first digits of the id, of a file its name and date.
  [[nodiscard]] std::string short_name() const;
  [[nodiscard]] bool is_same_build(const BuildIdentity& other) const {
    return id == other.id && program == other.program;
  }
  // Told by dates of files alone. A file may be replaced or given another date while a process goes
  // on running what it loaded.
  [[nodiscard]] bool may_be_same_run(const BuildIdentity& other) const {
    const bool is_by_date = kind == BuildKind::file && other.kind == BuildKind::file;
    return is_same_build(other) || (is_by_date && program == other.program);
  }
  friend bool operator==(const BuildIdentity&, const BuildIdentity&) = default;

  static constexpr std::size_t kMostText = 160;
};

// Shared: many processes run one build. Null: not known.
using SharedBuild = std::shared_ptr<const BuildIdentity>;

// `program` is a name without its path, hostile. Null where neither is an id nor a name that can be
// shown.
[[nodiscard]] SharedBuild build_of_elf(const ElfBuild& elf, std::string_view program,
                                       const FileFacts& file);
[[nodiscard]] SharedBuild build_of_file(std::string_view program, const FileFacts& file);

// Interpreters and runtimes whose own build says nothing of the program in them, beside those whose
// script is known.
[[nodiscard]] bool runs_other_programs(std::string_view program);

void save_build(ByteWriter& out, const SharedBuild& build);
// Null where none was saved, and where the bytes are no build: `in` has failed then.
[[nodiscard]] SharedBuild take_build(ByteReader& in);

}  // namespace heapfloor
