// A segment, whole and in parts, as a hostile target may write it.
#include "collectors/parse/probe_segment.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/fuzz/property.h"

namespace {

using heapfloor::testing::require;

void require_amount(double value) {
  require(std::isfinite(value) && value >= 0, "an amount is finite and not negative");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor;  // NOLINT(google-build-using-namespace): one function
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  (void)probe_major_version(bytes);
  (void)parse_probe_allocator(bytes);
  const auto header = parse_probe_header(bytes, size);
  if (!header) {
    require(header.error().kind == ErrorKind::malformed, "a refusal is malformed");
    require(header.error().reason.size() < 128, "a reason is short");
    return 0;
  }
  const auto part = [&](heapfloor_section_type type) {
    return probe_section_bytes(bytes, header->section(type));
  };
  for (const ProbeArena& arena : parse_probe_arenas(part(HEAPFLOOR_SECTION_ARENAS),
                                                    header->section(HEAPFLOOR_SECTION_ARENAS)))
    require_amount(arena.used.value_or(0));
  const auto names =
      parse_probe_names(part(HEAPFLOOR_SECTION_NAMES), header->section(HEAPFLOOR_SECTION_NAMES));
  for (const std::string& name : names)
    require(name.size() <= HEAPFLOOR_NAME_BYTES, "a name is bounded");
  const ProbeStructures structures = parse_probe_structures(
      part(HEAPFLOOR_SECTION_STRUCTURES), header->section(HEAPFLOOR_SECTION_STRUCTURES),
      part(HEAPFLOOR_SECTION_INSTANCES), header->section(HEAPFLOOR_SECTION_INSTANCES), names);
  for (const ProbeStructure& structure : structures.structures) {
    require(!structure.name.empty(), "a structure has a name");
    require_amount(structure.bytes);
    require_amount(structure.elements);
    require_amount(structure.insertions);
  }
  std::vector<std::uint32_t> indices;
  for (const ProbeSite& site : parse_probe_sites(part(HEAPFLOOR_SECTION_SITES), *header).sites) {
    require(site.structure_name_index == 0 || site.structure_name_index < names.size(),
            "a label is a name");
    require(probe_frames(part(HEAPFLOOR_SECTION_FRAMES), site).size() == site.depth,
            "a stack is whole");
    require_amount(site.live_bytes);
    indices.push_back(site.index);
  }
  for (const ProbeAges& ages :
       parse_probe_ages(part(HEAPFLOOR_SECTION_LIVE), *header, indices, UINT64_MAX)) {
    for (const double live_bytes : ages.live_bytes) require_amount(live_bytes);
  }
  const auto copy = copy_probe_segment(
      [bytes](std::uint64_t offset, std::span<std::byte> to) {
        if (offset > bytes.size() || to.size() > bytes.size() - offset) return false;
        if (!to.empty()) std::memcpy(to.data(), bytes.data() + offset, to.size());
        return true;
      },
      size);
  require(copy.has_value(), "what was read can be copied");
  require(parse_probe_header(*copy, copy->size()).has_value(), "a copy is a segment");
  return 0;
}
