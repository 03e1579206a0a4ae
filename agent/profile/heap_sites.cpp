#include "agent/profile/heap_sites.h"

#include <algorithm>
#include <utility>

#include "collectors/probe/include/heapfloor/segment.h"

namespace heapfloor {
namespace {

std::uint64_t count_of(const std::optional<double>& value) {
  return value ? static_cast<std::uint64_t>(*value) : 0;
}

std::string name_at(const std::vector<std::string>& names, std::uint16_t index) {
  return index < names.size() ? names[index] : std::string();
}

void add_ages(std::span<const std::byte> segment, const ProbeHeader& header, double now_seconds,
              std::vector<HeapSite>& sites) {
  constexpr double kNanoseconds = 1e9;
  std::vector<std::uint32_t> indices;
  indices.reserve(sites.size());
  for (const HeapSite& site : sites) indices.push_back(site.index);
  const std::vector<ProbeAges> ages = parse_probe_ages(
      probe_section_bytes(segment, header.section(HEAPFLOOR_SECTION_LIVE)), header, indices,
      static_cast<std::uint64_t>(std::max(0.0, now_seconds * kNanoseconds)));
  for (std::size_t i = 0; i < sites.size(); ++i) {
    double older = 0;
    for (std::size_t band = sites[i].older_bytes.size(); band > 0; --band) {
      older += ages[i].live_bytes.at(band);
      sites[i].older_bytes.at(band - 1) = older;
    }
  }
}

}  // namespace

Result<HeapSites> heap_sites_of(std::span<const std::byte> segment, double now_seconds) {
  const Result<ProbeHeader> header = parse_probe_header(
      segment.first(std::min<std::size_t>(segment.size(), HEAPFLOOR_HEADER_BYTES)), segment.size());
  if (!header) return Failure(header.error());
  if ((header->flags & HEAPFLOOR_FLAG_SAMPLING) == 0 || !header->sampler.interval_bytes)
    return failure(ErrorKind::unavailable, {}, "its probe takes no samples of allocations");
  const auto bytes_of = [&](heapfloor_section_type type) {
    return probe_section_bytes(segment, header->section(type));
  };
  const std::vector<std::string> names = parse_probe_names(
      bytes_of(HEAPFLOOR_SECTION_NAMES), header->section(HEAPFLOOR_SECTION_NAMES));
  const ProbeSites raw = parse_probe_sites(bytes_of(HEAPFLOOR_SECTION_SITES), *header);
  HeapSites heap;
  heap.interval_bytes = *header->sampler.interval_bytes;
  heap.samples_lost = count_of(header->sampler.samples_lost);
  heap.stacks_without_site = count_of(header->sampler.stacks_without_site);
  heap.sites.reserve(raw.sites.size());
  for (const ProbeSite& site : raw.sites) {
    HeapSite& out = heap.sites.emplace_back();
    out.index = site.index;
    out.stack_hash = site.stack_hash;
    out.frames = probe_frames(bytes_of(HEAPFLOOR_SECTION_FRAMES), site);
    out.structure = name_at(names, site.structure_name_index);
    out.phase = name_at(names, site.phase_name_index);
    out.allocated_objects = site.allocated_objects;
    out.allocated_bytes = site.allocated_bytes;
    out.live_objects = site.live_objects;
    out.live_bytes = site.live_bytes;
    out.live_samples = site.live_samples;
    heap.live_bytes += site.live_bytes;
  }
  std::ranges::sort(heap.sites, {}, &HeapSite::index);
  add_ages(segment, *header, now_seconds, heap.sites);
  return heap;
}

HeapSites difference(const HeapSites& now, const HeapSites& base) {
  HeapSites result = now;
  for (HeapSite& site : result.sites) {
    const auto before = std::ranges::lower_bound(base.sites, site.index, {}, &HeapSite::index);
    const bool is_known = before != base.sites.end() && before->index == site.index &&
                          before->stack_hash == site.stack_hash;
    if (!is_known) continue;
    site.allocated_objects -= before->allocated_objects;
    site.allocated_bytes -= before->allocated_bytes;
    site.live_objects -= before->live_objects;
    site.live_bytes -= before->live_bytes;
  }
  result.live_bytes -= base.live_bytes;
  return result;
}

}  // namespace heapfloor
