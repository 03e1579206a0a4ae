// BuildIdentity: which build of which program a process runs, by what its maker wrote into it, so
// that it is the same on every host; where that is nothing, by the program's file. In a container
// its image is part of it: what a program loads comes from there.
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
  image,  // of the container, where of the program itself nothing is known
};
inline constexpr std::size_t kBuildKinds = 4;

// "gnu_build_id", "go_build_id", "file", "image"; static text.
[[nodiscard]] std::string_view build_kind_name(BuildKind kind);

// The image that a container was made of, as its runtime says it; hostile until with_image().
struct ContainerImage {
  std::string name;  // "registry.example/payments:1.8.2"
  std::string id;    // its digest
  // One tag names one image after the other.
  [[nodiscard]] bool may_be_same(const ContainerImage& other) const {
    if (!id.empty() && !other.id.empty()) return id == other.id;
    return name.empty() || other.name.empty() || name == other.name;
  }
  friend bool operator==(const ContainerImage&, const ContainerImage&) = default;
};

struct BuildIdentity {
  BuildKind kind = BuildKind::gnu;
  std::string program;  // what all of its builds are called: the name of its file, or of the image
  // Hexadecimal; Go's own; "shop.jar@20261128T140211Z+41231234" of a file; an image's digest or
  // name.
  std::string id;
  std::string version;  // as its maker names it: "v1.4.2"; empty where it does not

  ContainerImage image = {};  // empty outside of containers, and where it is not known

  // What people call it: the version, else the first digits of the id, of a file its name and date.
  [[nodiscard]] std::string short_name() const;
  // "payments:1.8.2": without a registry, with the first digits of a digest; empty without one.
  [[nodiscard]] std::string image_name() const;
  // Of the program and, behind a blank, of its image where that is known.
  [[nodiscard]] std::string whole_id() const;
  [[nodiscard]] bool is_same_build(const BuildIdentity& other) const {
    return id == other.id && program == other.program && image.may_be_same(other.image);
  }
  // A file may be replaced or given another date while a process goes on running what it loaded; an
  // image says nothing of which program in it runs, and a process may be moved to another
  // container.
  [[nodiscard]] bool may_be_same_run(const BuildIdentity& other) const {
    if (kind == BuildKind::image || other.kind == BuildKind::image) return true;
    const bool is_by_date = kind == BuildKind::file && other.kind == BuildKind::file;
    return program == other.program && (is_by_date || id == other.id);
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

// The build of a process in a container of that image: `build`, which may be null, with the image
// beside it; of a program that nothing else is known of the image alone. Null where both are
// nothing.
[[nodiscard]] SharedBuild with_image(const SharedBuild& build, const ContainerImage& image);

// Interpreters and runtimes whose own build says nothing of the program in them, beside those whose
// script is known.
[[nodiscard]] bool runs_other_programs(std::string_view program);

void save_build(ByteWriter& out, const SharedBuild& build);
// Null where none was saved, and where the bytes are no build: `in` has failed then.
// Before images were known builds were saved without.
[[nodiscard]] SharedBuild take_build(ByteReader& in, bool has_image = true);

}  // namespace heapfloor
