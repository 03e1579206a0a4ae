#include "collectors/runtime/go_program.h"

#include <algorithm>
#include <utility>

#include "collectors/parse/ahead_source.h"
#include "collectors/parse/dwarf_structs.h"
#include "collectors/parse/elf_objects.h"
#include "collectors/parse/go_build_info.h"
#include "collectors/parse/go_module.h"
#include "collectors/runtime/go_variables.h"

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, kGoVariables> kVariableNames = {
    "runtime.gcController", "runtime.memstats",       "runtime.allglen",
    "runtime.sched",        "runtime.allp",           "runtime.mbuckets",
    "runtime.mProfCycle",   "runtime.MemProfileRate", "runtime.allgptr",
};

// Empty where a Go program does not tell; nothing where it is none, or of a Go before 1.18.
std::optional<std::string> version_of(const ByteSource& source, const ElfFile& elf) {
  if (!elf.go_build_info) return elf.has_go_functions ? std::optional(std::string()) : std::nullopt;
  std::string bytes(std::min<std::uint64_t>(elf.go_build_info->size, kGoBuildInfoBytes), '\0');
  if (!source.read_at(elf.go_build_info->offset, bytes)) return std::nullopt;
  auto version = parse_go_build_info(bytes);
  if (!version) return std::nullopt;
  return std::move(*version);
}

// The program's own word counts; of what was measured it need not be asked.
std::optional<GoLayout> layout_of(const ByteSource& source, const ElfFile& elf,
                                  std::string_view version) {
  if (const auto minor = released_go_minor(version)) {
    if (auto known = known_go_layout(*minor)) return known;
  }
  return read_go_layout(source, elf);
}

bool has_what_is_needed(const GoProgram& program) {
  return program.of(GoVariable::controller) && program.of(GoVariable::memstats);
}

// What a stripped program's code tells, of a version whose code is known.
void find_without_symbols(const ByteSource& source, const ElfFile& elf, GoProgram& program) {
  const auto minor = released_go_minor(program.version);
  const auto layout = minor ? known_go_layout(*minor) : std::nullopt;
  const AheadSource ahead(source);
  const auto module = layout ? find_go_module(ahead, elf) : std::nullopt;
  if (!module) return;
  program.variables = find_go_variables(ahead, *module, *layout);
  if (!has_what_is_needed(program)) return;
  program.layout = *layout;
  program.refusal.reset();
}

}  // namespace

std::string_view go_refusal_name(GoRefusal refusal) {
  constexpr std::array<std::string_view, kGoRefusals> kNames = {"no_symbols", "no_layout",
                                                                "implausible", "denied"};
  return kNames.at(static_cast<std::size_t>(refusal));
}

std::optional<GoLayout> read_go_layout(const ByteSource& source, const ElfFile& elf) {
  if (!elf.debug_info || !elf.debug_abbrev) return std::nullopt;
  SectionStream packed(source, *elf.debug_abbrev, DwarfBounds::kMostAbbrevBytes);
  std::string abbrevs;
  for (std::size_t got = 1; got > 0;) {
    const std::size_t had = abbrevs.size();
    abbrevs.resize(had + DwarfBounds::kMostAbbrevBytes / 16);
    got = packed.read(std::span(abbrevs).subspan(had));
    abbrevs.resize(had + got);
  }
  SectionStream info(source, *elf.debug_info, DwarfBounds::kMostInfoBytes);
  const auto structures = read_struct_layouts(info, abbrevs, go_structures());
  if (!structures) return std::nullopt;
  return go_layout_of(*structures);
}

std::optional<GoProgram> examine_go_program(const ByteSource& source) {
  const Result<ElfFile> elf = read_elf(source);
  if (!elf) return std::nullopt;
  std::optional<std::string> version = version_of(source, *elf);
  if (!version) return std::nullopt;
  GoProgram program;
  program.version = std::move(*version);
  program.refusal = GoRefusal::no_symbols;
  if (elf->is_movable) {
    program.headers_address = elf->address_of_offset(elf->program_headers_offset);
    if (!program.headers_address) return program;
  }
  if (!elf->symtab) {
    find_without_symbols(source, *elf, program);
    return program;
  }
  const auto objects = find_objects(source, *elf->symtab, kVariableNames);
  for (std::size_t i = 0; i < kGoVariables; ++i) {
    if (objects[i]) program.variables.at(i) = objects[i]->address;
  }
  if (!has_what_is_needed(program)) return program;
  program.refusal = GoRefusal::no_layout;
  const auto layout = layout_of(source, *elf, program.version);
  if (!layout) return program;
  program.layout = *layout;
  program.refusal.reset();
  return program;
}

}  // namespace heapfloor
