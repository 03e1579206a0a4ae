// heapfloor probe: prints the segment of a running program, checked, in words.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/exposition/text_format.h"
#include "collectors/host_root.h"
#include "collectors/parse/probe_segment.h"
#include "collectors/probe_finder.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostSites = 20;
constexpr std::size_t kMostFrames = 8;

struct Segment {
  std::vector<std::byte> bytes;
  ProbeHeader header;
  std::vector<ExecutableMapping> executables;
  [[nodiscard]] std::span<const std::byte> part(heapfloor_section_type type) const {
    return probe_section_bytes(bytes, header.section(type));
  }
};

// To three or four digits.
std::string size_text(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits.at(unit));
}

std::string amount(const std::optional<double>& bytes) {
  return bytes ? size_text(*bytes) : "absent";
}
std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f}", *value) : "absent";
}

Result<Segment> read_segment(const HostRoot& root, std::int32_t pid) {
  Result<ProcessDir> directory = root.open_process(pid);
  if (!directory) return Failure(std::move(directory.error()));
  std::vector<char> buffer(std::size_t{64} << 10);
  ProbeMaps maps;
  if (auto read = read_probe_maps(*directory, buffer, maps); !read)
    return Failure(std::move(read.error()));
  if (maps.segments.empty())
    return failure(ErrorKind::unavailable, std::to_string(pid), "it carries no probe");
  Result<MappedBytes> mapped = open_probe_segment(*directory, maps.segments.front());
  if (!mapped) return Failure(std::move(mapped.error()));
  auto bytes = copy_probe_segment(
      [&mapped](std::uint64_t offset, std::span<std::byte> to) {
        return mapped->read(offset, to).has_value();
      },
      mapped->size());
  if (!bytes) return Failure(std::move(bytes.error()));
  Result<ProbeHeader> header = parse_probe_header(*bytes, bytes->size());
  if (!header) return Failure(std::move(header.error()));
  return Segment{std::move(*bytes), *header, std::move(maps.executables)};
}

void print_header(const ProbeHeader& header, std::size_t bytes) {
  fmt::print("segment   layout {}.{}, probe {}.{}.{}, {} in use\n", HEAPFLOOR_ABI_MAJOR,
             header.abi_minor, header.library_version >> 16U, header.library_version >> 8U & 0xffU,
             header.library_version & 0xffU, size_text(static_cast<double>(bytes)));
  fmt::print("process   pid {} as it sees itself, start {}\n", header.pid,
             header.start_ticks ? std::to_string(*header.start_ticks) : "absent");
  const ProbeSampler& sampler = header.sampler;
  fmt::print("sampler   one in {}, live {} in {} samples, allocated {}, lost {}, thinned {}\n",
             amount(sampler.interval_bytes), amount(sampler.live_bytes),
             number(sampler.live_samples), amount(sampler.allocated_bytes),
             number(sampler.samples_lost), number(sampler.thinnings));
}

void print_allocator(const Segment& segment) {
  const auto allocator = parse_probe_allocator(segment.part(HEAPFLOOR_SECTION_ALLOCATOR));
  if (!allocator) return fmt::print("allocator {}\n", allocator.error().reason);
  fmt::print("allocator {} {}, in use {}, free {}, resident {}, releasable {}, trims {}\n",
             allocator->name, visible_name(allocator->version), amount(allocator->in_use),
             amount(allocator->free_bytes()), amount(allocator->resident),
             amount(allocator->releasable), number(allocator->trims));
}

void print_structures(const Segment& segment, std::span<const std::string> names) {
  const ProbeStructures found =
      parse_probe_structures(segment.part(HEAPFLOOR_SECTION_STRUCTURES),
                             segment.header.section(HEAPFLOOR_SECTION_STRUCTURES),
                             segment.part(HEAPFLOOR_SECTION_INSTANCES),
                             segment.header.section(HEAPFLOOR_SECTION_INSTANCES), names);
  for (const ProbeStructure& structure : found.structures) {
    fmt::print(
        "structure {} ({} of {}, {}): {:.0f} elements, {}, {:.0f} instances, {:.0f} epochs\n",
        visible_name(structure.name), structure.kind, visible_name(structure.element),
        visible_name(structure.file), structure.elements, size_text(structure.bytes),
        structure.instances, structure.epochs);
  }
  if (found.dropped > 0) fmt::print("          {} records refer to nothing\n", found.dropped);
}

void print_sites(const Segment& segment, std::span<const std::string> names) {
  ProbeSites found = parse_probe_sites(segment.part(HEAPFLOOR_SECTION_SITES), segment.header);
  std::ranges::stable_sort(found.sites, std::greater<>(), &ProbeSite::live_bytes);
  fmt::print("sites     {}, {} refused\n", found.sites.size(), found.dropped);
  if (found.sites.size() > kMostSites) found.sites.resize(kMostSites);
  for (const ProbeSite& site : found.sites) {
    fmt::print("site      {:016x}: live {} in {} samples, allocated {}", site.stack_hash,
               size_text(site.live_bytes), site.live_samples, size_text(site.allocated_bytes));
    if (site.structure_name_index != 0)
      fmt::print(", structure {}", visible_name(names[site.structure_name_index]));
    if (site.phase_name_index != 0)
      fmt::print(", phase {}", visible_name(names[site.phase_name_index]));
    fmt::print("\n");
    const auto frames = probe_frames(segment.part(HEAPFLOOR_SECTION_FRAMES), site);
    for (const std::uint64_t address :
         std::span(frames).first(std::min(kMostFrames, frames.size()))) {
      const std::string location = location_of(address, segment.executables);
      fmt::print("            {:#x} {}\n", address, visible_name(location));
    }
  }
}

}  // namespace

int run_probe_command(const ConfigSource& source, std::int32_t pid) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  const DirectoryHostRoot root(
      HostPaths{config->path.procfs, config->path.sysfs, config->path.rootfs});
  const Result<Segment> segment = read_segment(root, pid);
  if (!segment) {
    fmt::print(stderr, "heapfloor: probe: {}: {}\n",
               segment.error().path.empty() ? std::to_string(pid) : segment.error().path,
               segment.error().reason);
    return kExitFailure;
  }
  const std::vector<std::string> names = parse_probe_names(
      segment->part(HEAPFLOOR_SECTION_NAMES), segment->header.section(HEAPFLOOR_SECTION_NAMES));
  print_header(segment->header, segment->bytes.size());
  print_allocator(*segment);
  print_structures(*segment, names);
  print_sites(*segment, names);
  return kExitFine;
}

}  // namespace heapfloor
