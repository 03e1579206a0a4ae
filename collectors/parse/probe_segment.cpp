#include "collectors/parse/probe_segment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace heapfloor {
namespace {

constexpr double kNanosecond = 1e-9;
constexpr double kObjectQ10 = 1.0 / 1024;
constexpr int kMostIntervalLog2 = 50;

Failure refused(std::string reason) { return failure(ErrorKind::malformed, {}, std::move(reason)); }

// A record is copied before anything of it is looked at: what was checked is what is used.
template <class Record>
Record copy_of(std::span<const std::byte> bytes, std::uint64_t offset = 0) {
  Record record = {};
  if (offset <= bytes.size() && sizeof(Record) <= bytes.size() - offset)
    std::memcpy(&record, bytes.data() + offset, sizeof(Record));
  return record;
}

std::optional<double> at_most(std::uint64_t value, std::uint64_t most) {
  return value <= most ? std::optional(static_cast<double>(value)) : std::nullopt;
}
std::optional<double> amount(std::uint64_t value) {
  return at_most(value, ProbeBounds::kMostAmount);
}
std::optional<double> total(std::uint64_t value) { return at_most(value, ProbeBounds::kMostTotal); }

// May be a little below 0 while a sample is on its way.
std::optional<double> live_amount(std::uint64_t value) {
  constexpr std::uint64_t kBelowZero = std::uint64_t{1} << 40;
  if (value > std::numeric_limits<std::uint64_t>::max() - kBelowZero && value != HEAPFLOOR_ABSENT)
    return 0;
  return amount(value);
}

std::optional<double> scaled(std::optional<double> value, double factor) {
  return value ? std::optional(*value * factor) : std::nullopt;
}

// Text of a fixed field, which need not end with NUL.
template <std::size_t kRoom>
std::string text_of(const char (&field)[kRoom]) {  // NOLINT(modernize-avoid-c-arrays): C layout
  return {field, ::strnlen(field, kRoom)};
}

struct SectionRule {
  std::uint32_t record_bytes = 0;
  std::uint64_t most_records = 0;
};

// By type; the place of type 0 is nobody's.
constexpr std::array<SectionRule, kProbeSectionTypes> kSectionRules = {{
    {},
    {sizeof(heapfloor_allocator), 1},
    {sizeof(heapfloor_arena), ProbeBounds::kMostArenas},
    {sizeof(heapfloor_name), ProbeBounds::kMostNames},
    {sizeof(heapfloor_structure), ProbeBounds::kMostStructures},
    {sizeof(heapfloor_instance), ProbeBounds::kMostInstances},
    {sizeof(heapfloor_site), ProbeBounds::kMostSites},
    {sizeof(std::uint64_t), ProbeBounds::kMostFrames},
    {sizeof(heapfloor_live), ProbeBounds::kMostLiveSamples},
}};

Result<ProbeSection> checked_section(const heapfloor_section& found, std::uint64_t total_bytes) {
  constexpr std::uint64_t kAlignment = 64;
  const SectionRule& rule = kSectionRules.at(found.type);
  const auto refused_section = [&found](const std::string& reason) {
    return refused("section " + std::to_string(found.type) + ": " + reason);
  };
  if (found.stride < rule.record_bytes || found.stride > ProbeBounds::kMostStride ||
      found.stride % sizeof(std::uint64_t) != 0)
    return refused_section("stride " + std::to_string(found.stride));
  const bool is_frames = found.type == HEAPFLOOR_SECTION_FRAMES;
  if (is_frames && found.stride != rule.record_bytes)
    return refused_section("frames of " + std::to_string(found.stride) + " bytes");
  if (found.count > rule.most_records || found.used > found.count)
    return refused_section(std::to_string(found.used) + " of " + std::to_string(found.count) +
                           " records");
  if (found.offset < HEAPFLOOR_HEADER_BYTES || found.offset % kAlignment != 0 ||
      found.offset > total_bytes || found.count * found.stride > total_bytes - found.offset)
    return refused_section("outside of the segment");
  return ProbeSection{found.offset, found.used, found.stride};
}

Result<void> take_sections(const heapfloor_header& raw, ProbeHeader& header) {
  if (raw.section_count > HEAPFLOOR_MOST_SECTIONS)
    return refused(std::to_string(raw.section_count) + " sections");
  std::array<bool, kProbeSectionTypes> was_seen = {};
  std::uint64_t used_bytes = 0;
  for (std::uint32_t i = 0; i < raw.section_count; ++i) {
    const heapfloor_section& found = raw.sections[i];
    if (found.type == 0 || found.type >= kProbeSectionTypes) continue;  // of a later version
    if (std::exchange(was_seen.at(found.type), true))
      return refused("section " + std::to_string(found.type) + " stands twice");
    Result<ProbeSection> section = checked_section(found, raw.total_bytes);
    if (!section) return Failure(std::move(section.error()));
    used_bytes += section->used_bytes();
    header.sections.at(found.type) = *section;
  }
  if (used_bytes > ProbeBounds::kMostCopiedBytes)
    return refused(std::to_string(used_bytes) + " bytes in use");
  return {};
}

ProbeSampler sampler_of(const heapfloor_header& raw) {
  ProbeSampler sampler;
  sampler.interval_bytes = amount(raw.sample_interval_bytes);
  sampler.allocated_bytes = total(raw.allocated_bytes);
  sampler.allocated_objects = scaled(total(raw.allocated_objects_q10), kObjectQ10);
  sampler.live_bytes = live_amount(raw.live_bytes);
  sampler.live_objects = scaled(live_amount(raw.live_objects_q10), kObjectQ10);
  sampler.live_samples = live_amount(raw.live_samples);
  sampler.samples = total(raw.samples);
  sampler.thinnings = total(raw.thinnings);
  sampler.samples_lost = total(raw.samples_lost);
  sampler.stacks_without_site = total(raw.stacks_without_site);
  sampler.stacks_cut = total(raw.stacks_cut);
  return sampler;
}

// Calls visit(index, record) for each used record that the bytes hold.
template <class Record, class Visit>
void for_each_record(std::span<const std::byte> bytes, const ProbeSection& section, Visit visit) {
  for (std::uint64_t index = 0; index < section.used; ++index) {
    const std::uint64_t offset = index * section.stride;
    if (offset + sizeof(Record) > bytes.size()) return;
    Record record;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled at once
    std::memcpy(&record, bytes.data() + offset, sizeof record);
    visit(index, record);
  }
}

// The beginning of a structure's record.
struct StructureHead {
  std::uint32_t state, kind, name_index;
};
static_assert(offsetof(heapfloor_structure, state) == offsetof(StructureHead, state));
static_assert(offsetof(heapfloor_structure, name_index) == offsetof(StructureHead, name_index));

// Amounts of one instance, checked; nothing when one of them cannot be.
struct InstanceAmounts {
  double elements = 0, bytes = 0, peak_elements = 0, moved_bytes = 0;
  double insertions = 0, removals = 0, growths = 0, rehashes = 0, shrinks = 0, clears = 0;
  std::optional<double> capacity_elements, hash_buckets;
};

std::optional<InstanceAmounts> amounts_of(const heapfloor_instance& raw) {
  if (raw.weight_log2 > ProbeBounds::kMostWeightLog2) return std::nullopt;
  for (const std::uint64_t value : {raw.bytes, raw.elements, raw.peak_elements}) {
    if (value > ProbeBounds::kMostAmount >> raw.weight_log2) return std::nullopt;
  }
  for (const std::uint64_t value : {raw.insertions, raw.removals, raw.growths, raw.rehashes,
                                    raw.shrinks, raw.clears, raw.moved_bytes}) {
    if (value > ProbeBounds::kMostTotal >> raw.weight_log2) return std::nullopt;
  }
  const auto weighed = [&raw](std::uint64_t value) {
    return at_most(value, ProbeBounds::kMostAmount >> raw.weight_log2);
  };
  InstanceAmounts amounts;
  amounts.bytes = static_cast<double>(raw.bytes);
  amounts.elements = static_cast<double>(raw.elements);
  amounts.peak_elements = static_cast<double>(raw.peak_elements);
  amounts.capacity_elements = weighed(raw.capacity_elements);
  amounts.hash_buckets = weighed(raw.hash_buckets);
  amounts.insertions = static_cast<double>(raw.insertions);
  amounts.removals = static_cast<double>(raw.removals);
  amounts.growths = static_cast<double>(raw.growths);
  amounts.rehashes = static_cast<double>(raw.rehashes);
  amounts.shrinks = static_cast<double>(raw.shrinks);
  amounts.clears = static_cast<double>(raw.clears);
  amounts.moved_bytes = static_cast<double>(raw.moved_bytes);
  return amounts;
}

void add(std::optional<double>& sum, std::optional<double> value, double weight) {
  if (value) sum = sum.value_or(0) + *value * weight;
}

void add_instance(ProbeStructureSums& sum, const InstanceAmounts& one, double weight) {
  sum.instances += weight;
  sum.elements += one.elements * weight;
  sum.bytes += one.bytes * weight;
  sum.peak_elements += one.peak_elements * weight;
  add(sum.capacity_elements, one.capacity_elements, weight);
  add(sum.hash_buckets, one.hash_buckets, weight);
  sum.insertions += one.insertions * weight;
  sum.removals += one.removals * weight;
  sum.growths += one.growths * weight;
  sum.rehashes += one.rehashes * weight;
  sum.shrinks += one.shrinks * weight;
  sum.clears += one.clears * weight;
  sum.moved_bytes += one.moved_bytes * weight;
}

std::optional<double> since_boot(std::uint64_t nanoseconds) {
  return nanoseconds == 0 ? std::nullopt : scaled(total(nanoseconds), kNanosecond);
}

// Of instances that have ended, in total. False when one of them cannot be.
bool add_ended(ProbeStructureSums& sum, const heapfloor_structure& raw) {
  for (const std::uint64_t value :
       {raw.instances_started, raw.instances_ended, raw.instances_unwatched, raw.insertions,
        raw.removals, raw.growths, raw.rehashes, raw.shrinks, raw.clears, raw.moved_bytes,
        raw.epochs}) {
    if (value > ProbeBounds::kMostTotal) return false;
  }
  sum.instances_started += static_cast<double>(raw.instances_started);
  sum.instances_ended += static_cast<double>(raw.instances_ended);
  sum.instances_unwatched += static_cast<double>(raw.instances_unwatched);
  sum.insertions += static_cast<double>(raw.insertions);
  sum.removals += static_cast<double>(raw.removals);
  sum.growths += static_cast<double>(raw.growths);
  sum.rehashes += static_cast<double>(raw.rehashes);
  sum.shrinks += static_cast<double>(raw.shrinks);
  sum.clears += static_cast<double>(raw.clears);
  sum.moved_bytes += static_cast<double>(raw.moved_bytes);
  sum.epochs += static_cast<double>(raw.epochs);
  const std::optional<double> cleared = since_boot(raw.last_clear_boottime_ns);
  if (cleared)
    sum.last_clear_since_boot_seconds =
        std::max(sum.last_clear_since_boot_seconds.value_or(0), *cleared);
  return true;
}

void describe(ProbeStructure& structure, const heapfloor_structure& raw) {
  structure.kind = probe_structure_kind(raw.kind);
  structure.element = text_of(raw.element);
  structure.file = text_of(raw.file);
  if (!structure.file.empty() && raw.line != 0)
    structure.file.append(1, ':').append(std::to_string(raw.line));
}

std::optional<ProbeSite> checked_site(const heapfloor_site& raw, std::uint64_t index,
                                      const ProbeHeader& header) {
  const std::uint64_t frames = header.section(HEAPFLOOR_SECTION_FRAMES).used;
  const std::uint64_t names = header.section(HEAPFLOOR_SECTION_NAMES).used;
  const auto is_name = [names](std::uint16_t name) { return name == 0 || name < names; };
  const std::optional<double> live_bytes = live_amount(raw.live_bytes);
  const std::optional<double> live_objects = live_amount(raw.live_objects_q10);
  const bool is_good = raw.depth <= HEAPFLOOR_MOST_FRAMES && raw.first_frame <= frames &&
                       raw.depth <= frames - raw.first_frame && is_name(raw.structure_name_index) &&
                       is_name(raw.phase_name_index) && live_bytes && live_objects &&
                       raw.allocated_bytes <= ProbeBounds::kMostTotal &&
                       raw.allocated_objects_q10 <= ProbeBounds::kMostTotal &&
                       raw.samples <= ProbeBounds::kMostTotal;
  if (!is_good) return std::nullopt;
  ProbeSite site;
  site.stack_hash = raw.stack_hash;
  site.index = static_cast<std::uint32_t>(index);
  site.first_frame = raw.first_frame;
  site.depth = raw.depth;
  site.structure_name_index = raw.structure_name_index;
  site.phase_name_index = raw.phase_name_index;
  site.live_samples = raw.live_samples;
  site.allocated_bytes = static_cast<double>(raw.allocated_bytes);
  site.allocated_objects = static_cast<double>(raw.allocated_objects_q10) * kObjectQ10;
  site.live_bytes = *live_bytes;
  site.live_objects = *live_objects * kObjectQ10;
  site.samples = static_cast<double>(raw.samples);
  return site;
}

// What a sample of `size_bytes` stands for: it was taken with p = 1 - exp(-size / interval).
double estimate_of(double size_bytes, double interval_bytes) {
  const double p = -std::expm1(-size_bytes / interval_bytes);
  return p > 0 ? size_bytes / p : 0;
}

}  // namespace

std::optional<std::uint16_t> probe_major_version(std::span<const std::byte> bytes) {
  const auto raw = copy_of<heapfloor_header>(bytes);
  return raw.magic == HEAPFLOOR_SEGMENT_MAGIC ? std::optional(raw.abi_major) : std::nullopt;
}

Result<ProbeHeader> parse_probe_header(std::span<const std::byte> bytes, std::uint64_t file_bytes) {
  if (bytes.size() < HEAPFLOOR_HEADER_BYTES) return refused("shorter than a header");
  const auto raw = copy_of<heapfloor_header>(bytes);
  if (raw.magic != HEAPFLOOR_SEGMENT_MAGIC) return refused("no magic");
  if (raw.abi_major != HEAPFLOOR_ABI_MAJOR)
    return refused("layout version " + std::to_string(raw.abi_major));
  if (raw.header_bytes != HEAPFLOOR_HEADER_BYTES)
    return refused("a header of " + std::to_string(raw.header_bytes) + " bytes");
  if (raw.total_bytes < HEAPFLOOR_HEADER_BYTES || raw.total_bytes > file_bytes ||
      raw.total_bytes > ProbeBounds::kMostBytes)
    return refused(std::to_string(raw.total_bytes) + " bytes in a file of " +
                   std::to_string(file_bytes));
  ProbeHeader header;
  header.abi_minor = raw.abi_minor;
  header.library_version = raw.library_version;
  header.flags = raw.flags;
  header.pid = raw.pid;
  header.total_bytes = raw.total_bytes;
  if (raw.start_ticks != HEAPFLOOR_ABSENT) header.start_ticks = raw.start_ticks;
  header.created_boottime_ns = raw.created_boottime_ns;
  header.heartbeat_boottime_ns = raw.heartbeat_boottime_ns;
  if ((raw.flags & HEAPFLOOR_FLAG_SAMPLING) != 0) header.sampler = sampler_of(raw);
  if (Result<void> taken = take_sections(raw, header); !taken)
    return Failure(std::move(taken.error()));
  return header;
}

std::string_view probe_allocator_name(std::uint32_t kind) {
  constexpr std::array<std::string_view, 6> kNames = {"unknown",  "glibc",    "jemalloc",
                                                      "tcmalloc", "tcmalloc", "mimalloc"};
  return kind < kNames.size() ? kNames.at(kind) : kNames.front();
}

std::optional<double> ProbeAllocator::free_bytes() const {
  std::optional<double> sum;
  for (const std::optional<double>& part : {free_fastbin, free_bins, free_top, free_dirty,
                                            free_muzzy, free_pageheap, free_central, free_thread})
    add(sum, part, 1);
  return sum;
}

Result<ProbeAllocator> parse_probe_allocator(std::span<const std::byte> record) {
  if (record.size() < sizeof(heapfloor_allocator)) return refused("allocator: cut");
  const auto raw = copy_of<heapfloor_allocator>(record);
  if (raw.sequence % 2 != 0) return refused("allocator: being written");
  ProbeAllocator allocator;
  allocator.sequence = raw.sequence;
  allocator.name = probe_allocator_name(raw.kind);
  allocator.version = text_of(raw.version);
  allocator.sampled_since_boot_seconds = since_boot(raw.sampled_boottime_ns);
  if (!allocator.sampled_since_boot_seconds) return allocator;  // nothing of it was measured yet
  allocator.sample_duration_seconds = scaled(amount(raw.sample_duration_ns), kNanosecond);
  allocator.skipped_budget = total(raw.skipped_budget);
  allocator.skipped_busy = total(raw.skipped_busy);
  allocator.in_use = amount(raw.in_use);
  allocator.free_fastbin = amount(raw.free_fastbin);
  allocator.free_bins = amount(raw.free_bins);
  allocator.free_top = amount(raw.free_top);
  allocator.free_dirty = amount(raw.free_dirty);
  allocator.free_muzzy = amount(raw.free_muzzy);
  allocator.free_pageheap = amount(raw.free_pageheap);
  allocator.free_central = amount(raw.free_central);
  allocator.free_thread = amount(raw.free_thread);
  allocator.active = amount(raw.active);
  allocator.resident = amount(raw.resident);
  allocator.mapped = amount(raw.mapped);
  allocator.retained = amount(raw.retained);
  allocator.metadata = amount(raw.metadata);
  allocator.releasable = amount(raw.releasable);
  allocator.arenas = amount(raw.arenas);
  allocator.free_chunks = amount(raw.free_chunks);
  allocator.mapped_regions = amount(raw.mapped_regions);
  allocator.trims = total(raw.trims);
  allocator.trim_released = total(raw.trim_released);
  return allocator;
}

std::vector<ProbeArena> parse_probe_arenas(std::span<const std::byte> records,
                                           const ProbeSection& section) {
  std::vector<ProbeArena> arenas;
  for_each_record<heapfloor_arena>(records, section, [&arenas](std::uint64_t, const auto& raw) {
    arenas.push_back({amount(raw.used_bytes), amount(raw.free_bytes)});
  });
  return arenas;
}

std::vector<std::string> parse_probe_names(std::span<const std::byte> records,
                                           const ProbeSection& section) {
  std::vector<std::string> names;
  for_each_record<heapfloor_name>(records, section, [&names](std::uint64_t, const auto& raw) {
    names.push_back(text_of(raw.text));
  });
  return names;
}

std::string_view probe_structure_kind(std::uint32_t kind) {
  constexpr std::array<std::string_view, 10> kNames = {
      "other",  "map",   "set",  "unordered_map", "unordered_set",
      "vector", "deque", "list", "string",        "memory_resource"};
  return kind < kNames.size() ? kNames.at(kind) : kNames.front();
}

ProbeStructures parse_probe_structures(std::span<const std::byte> structures,
                                       const ProbeSection& structure_section,
                                       std::span<const std::byte> instances,
                                       const ProbeSection& instance_section,
                                       std::span<const std::string> names, ProbeWords words) {
  ProbeStructureParser parser;
  return std::move(
      parser.parse(structures, structure_section, instances, instance_section, names, words));
}

ProbeStructures& ProbeStructureParser::parse(std::span<const std::byte> structures,
                                             const ProbeSection& structure_section,
                                             std::span<const std::byte> instances,
                                             const ProbeSection& instance_section,
                                             std::span<const std::string> names, ProbeWords words) {
  found_.dropped = 0;
  take_names(structures, structure_section, names);
  if (!is_placed(names)) place(names);
  found_.dropped += doubles_;
  for (ProbeStructure& structure : found_.structures) {
    static_cast<ProbeStructureSums&>(structure) = {};
    structure.kind = {};
    structure.element.clear();
    structure.file.clear();
  }
  const std::size_t places = found_.structures.size();
  for_each_record<heapfloor_structure>(
      structures, structure_section, [&](std::uint64_t index, const heapfloor_structure& raw) {
        if (positions_[index] >= places) return;
        ProbeStructure& structure = found_.structures[positions_[index]];
        if (words == ProbeWords::told && structure.kind.empty()) describe(structure, raw);
        if (!add_ended(structure, raw)) ++found_.dropped;
      });
  for_each_record<heapfloor_instance>(
      instances, instance_section, [&](std::uint64_t, const heapfloor_instance& raw) {
        if (raw.state != HEAPFLOOR_RECORD_READY) return;
        const bool is_known =
            raw.structure_index < positions_.size() && positions_[raw.structure_index] < places;
        const std::optional<InstanceAmounts> amounts = amounts_of(raw);
        if (is_known && amounts) {
          add_instance(found_.structures[positions_[raw.structure_index]], *amounts,
                       std::ldexp(1.0, raw.weight_log2));
        } else {
          ++found_.dropped;
        }
      });
  return found_;
}

void ProbeStructureParser::take_names(std::span<const std::byte> structures,
                                      const ProbeSection& section,
                                      std::span<const std::string> names) {
  names_of_.assign(section.used, 0);
  for_each_record<StructureHead>(
      structures, section, [&](std::uint64_t index, const StructureHead& raw) {
        if (index == 0 || raw.state != HEAPFLOOR_RECORD_READY) return;
        const bool is_named = raw.name_index < names.size() && !names[raw.name_index].empty();
        if (is_named) names_of_[index] = raw.name_index;
        if (names_of_[index] == 0) ++found_.dropped;
      });
}

// Whether each record's place is still that of its name.
bool ProbeStructureParser::is_placed(std::span<const std::string> names) const {
  if (names_of_ != placed_) return false;
  for (std::size_t i = 0; i < names_of_.size(); ++i) {
    const std::uint32_t position = positions_[i];
    const bool is_there = position < found_.structures.size();
    if (names_of_[i] != 0 && (!is_there || found_.structures[position].name != names[names_of_[i]]))
      return false;
  }
  return true;
}

// The writer has each text once; of one that has not, the first name stands.
void ProbeStructureParser::place(std::span<const std::string> names) {
  std::vector<std::uint32_t> order(names_of_);
  std::ranges::sort(order);
  order.erase(std::unique(order.begin(), order.end()), order.end());
  if (!order.empty() && order.front() == 0) order.erase(order.begin());
  const auto text = [names](std::uint32_t name) -> const std::string& { return names[name]; };
  std::ranges::stable_sort(order, {}, text);
  const auto doubles = std::unique(
      order.begin(), order.end(),
      [&text](std::uint32_t one, std::uint32_t other) { return text(one) == text(other); });
  doubles_ = static_cast<std::uint64_t>(order.end() - doubles);
  order.erase(doubles, order.end());
  found_.structures.resize(order.size());
  std::vector<std::uint32_t> by_name(names.size() + 1, static_cast<std::uint32_t>(order.size()));
  for (std::uint32_t position = 0; position < order.size(); ++position) {
    by_name[order[position]] = position;
    found_.structures[position].name = text(order[position]);
  }
  positions_.resize(names_of_.size());
  std::ranges::transform(names_of_, positions_.begin(),
                         [&by_name](std::uint32_t name) { return by_name.at(name); });
  placed_ = names_of_;
}

ProbeSites parse_probe_sites(std::span<const std::byte> records, const ProbeHeader& header) {
  ProbeSites found;
  for_each_record<heapfloor_site>(records, header.section(HEAPFLOOR_SECTION_SITES),
                                  [&](std::uint64_t index, const heapfloor_site& raw) {
                                    if (raw.state != HEAPFLOOR_RECORD_READY) return;
                                    if (const auto site = checked_site(raw, index, header)) {
                                      found.sites.push_back(*site);
                                    } else {
                                      ++found.dropped;
                                    }
                                  });
  return found;
}

std::vector<std::uint64_t> probe_frames(std::span<const std::byte> frames, const ProbeSite& site) {
  std::vector<std::uint64_t> addresses;
  for (std::uint32_t i = 0; i < site.depth; ++i) {
    const std::uint64_t offset = (std::uint64_t{site.first_frame} + i) * sizeof(std::uint64_t);
    if (offset + sizeof(std::uint64_t) > frames.size()) break;
    addresses.push_back(copy_of<std::uint64_t>(frames, offset));
  }
  return addresses;
}

std::vector<ProbeAges> parse_probe_ages(std::span<const std::byte> live, const ProbeHeader& header,
                                        std::span<const std::uint32_t> sites,
                                        std::uint64_t now_boottime_ns) {
  std::vector<ProbeAges> ages(sites.size());
  const double created_seconds = static_cast<double>(header.created_boottime_ns) * kNanosecond;
  const double now_seconds = static_cast<double>(now_boottime_ns) * kNanosecond - created_seconds;
  for_each_record<heapfloor_live>(
      live, header.section(HEAPFLOOR_SECTION_LIVE), [&](std::uint64_t, const heapfloor_live& raw) {
        const int interval_log2 = static_cast<int>(HEAPFLOOR_LIVE_INTERVAL_LOG2(raw.word));
        if (!HEAPFLOOR_LIVE_IS_ALIVE(raw.word) || interval_log2 > kMostIntervalLog2 ||
            raw.size_bytes > ProbeBounds::kMostAmount)
          return;
        const auto at = std::ranges::lower_bound(sites, raw.site_index);
        if (at == sites.end() || *at != raw.site_index) return;
        const double age_seconds = now_seconds - static_cast<double>(raw.birth_seconds);
        const auto* const band = std::ranges::upper_bound(ProbeAges::kBoundsSeconds, age_seconds);
        ages[static_cast<std::size_t>(at - sites.begin())].live_bytes.at(
            static_cast<std::size_t>(band - ProbeAges::kBoundsSeconds.begin())) +=
            estimate_of(static_cast<double>(raw.size_bytes), std::ldexp(1.0, interval_log2));
      });
  return ages;
}

Result<std::vector<std::byte>> copy_probe_segment(const ProbeRead& read, std::uint64_t file_bytes) {
  std::vector<std::byte> copy(HEAPFLOOR_HEADER_BYTES);
  if (file_bytes < copy.size() || !read(0, copy)) return refused("the header cannot be read");
  const Result<ProbeHeader> header = parse_probe_header(copy, file_bytes);
  if (!header) return Failure(header.error());
  auto raw = copy_of<heapfloor_header>(copy);
  std::uint32_t sections = 0;
  for (std::uint32_t type = 1; type < kProbeSectionTypes; ++type) {
    const ProbeSection& section = header->sections.at(type);
    if (section.used == 0) continue;
    constexpr std::size_t kAlignment = 64;
    const std::size_t offset = (copy.size() + kAlignment - 1) / kAlignment * kAlignment;
    copy.resize(offset + section.used_bytes());
    if (!read(section.offset, std::span(copy).subspan(offset)))
      return refused("section " + std::to_string(type) + " cannot be read");
    raw.sections[sections++] = {type, section.stride, offset, section.used, section.used};
  }
  for (std::uint32_t i = sections; i < HEAPFLOOR_MOST_SECTIONS; ++i) raw.sections[i] = {};
  raw.section_count = sections;
  raw.total_bytes = copy.size();
  std::memcpy(copy.data(), &raw, sizeof raw);
  return copy;
}

std::span<const std::byte> probe_section_bytes(std::span<const std::byte> segment,
                                               const ProbeSection& section) {
  if (section.offset > segment.size() || section.used_bytes() > segment.size() - section.offset)
    return {};
  return segment.subspan(section.offset, section.used_bytes());
}

}  // namespace heapfloor
