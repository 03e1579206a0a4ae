// probe_layout [FILE]: writes collectors/probe/LAYOUT.md from the header that everybody compiles,
// or says with exit code 1 that FILE is not what it would write.

#include <array>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

#include "collectors/probe/segment_memory.h"
#include "heapfloor/segment.h"

namespace {

struct Field {
  const char* name;
  std::size_t offset;
  std::size_t bytes;
};
#define HEAPFLOOR_FIELD(record, field) \
  Field { #field, offsetof(record, field), sizeof(record::field) }

constexpr std::array kSectionFields = {
    HEAPFLOOR_FIELD(heapfloor_section, type),   HEAPFLOOR_FIELD(heapfloor_section, stride),
    HEAPFLOOR_FIELD(heapfloor_section, offset), HEAPFLOOR_FIELD(heapfloor_section, count),
    HEAPFLOOR_FIELD(heapfloor_section, used),
};
constexpr std::array kHeaderFields = {
    HEAPFLOOR_FIELD(heapfloor_header, magic),
    HEAPFLOOR_FIELD(heapfloor_header, abi_major),
    HEAPFLOOR_FIELD(heapfloor_header, abi_minor),
    HEAPFLOOR_FIELD(heapfloor_header, header_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, total_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, pid),
    HEAPFLOOR_FIELD(heapfloor_header, section_count),
    HEAPFLOOR_FIELD(heapfloor_header, start_ticks),
    HEAPFLOOR_FIELD(heapfloor_header, created_boottime_ns),
    HEAPFLOOR_FIELD(heapfloor_header, library_version),
    HEAPFLOOR_FIELD(heapfloor_header, flags),
    HEAPFLOOR_FIELD(heapfloor_header, heartbeat_boottime_ns),
    HEAPFLOOR_FIELD(heapfloor_header, request),
    HEAPFLOOR_FIELD(heapfloor_header, request_done),
    HEAPFLOOR_FIELD(heapfloor_header, reserved_0),
    HEAPFLOOR_FIELD(heapfloor_header, sample_interval_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, initial_sample_interval_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, samples),
    HEAPFLOOR_FIELD(heapfloor_header, samples_ended),
    HEAPFLOOR_FIELD(heapfloor_header, allocated_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, allocated_objects_q10),
    HEAPFLOOR_FIELD(heapfloor_header, live_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, live_objects_q10),
    HEAPFLOOR_FIELD(heapfloor_header, live_samples),
    HEAPFLOOR_FIELD(heapfloor_header, thinnings),
    HEAPFLOOR_FIELD(heapfloor_header, samples_lost),
    HEAPFLOOR_FIELD(heapfloor_header, stacks_without_site),
    HEAPFLOOR_FIELD(heapfloor_header, stacks_cut),
    HEAPFLOOR_FIELD(heapfloor_header, untracked_large_bytes),
    HEAPFLOOR_FIELD(heapfloor_header, names_lost),
    HEAPFLOOR_FIELD(heapfloor_header, reserved_1),
    HEAPFLOOR_FIELD(heapfloor_header, sections),
    HEAPFLOOR_FIELD(heapfloor_header, reserved_2),
};
constexpr std::array kAllocatorFields = {
    HEAPFLOOR_FIELD(heapfloor_allocator, sequence),
    HEAPFLOOR_FIELD(heapfloor_allocator, kind),
    HEAPFLOOR_FIELD(heapfloor_allocator, reserved_0),
    HEAPFLOOR_FIELD(heapfloor_allocator, version),
    HEAPFLOOR_FIELD(heapfloor_allocator, sampled_boottime_ns),
    HEAPFLOOR_FIELD(heapfloor_allocator, sample_duration_ns),
    HEAPFLOOR_FIELD(heapfloor_allocator, samples),
    HEAPFLOOR_FIELD(heapfloor_allocator, skipped_budget),
    HEAPFLOOR_FIELD(heapfloor_allocator, skipped_busy),
    HEAPFLOOR_FIELD(heapfloor_allocator, in_use),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_fastbin),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_bins),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_top),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_dirty),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_muzzy),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_pageheap),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_central),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_thread),
    HEAPFLOOR_FIELD(heapfloor_allocator, active),
    HEAPFLOOR_FIELD(heapfloor_allocator, resident),
    HEAPFLOOR_FIELD(heapfloor_allocator, mapped),
    HEAPFLOOR_FIELD(heapfloor_allocator, retained),
    HEAPFLOOR_FIELD(heapfloor_allocator, metadata),
    HEAPFLOOR_FIELD(heapfloor_allocator, releasable),
    HEAPFLOOR_FIELD(heapfloor_allocator, arenas),
    HEAPFLOOR_FIELD(heapfloor_allocator, free_chunks),
    HEAPFLOOR_FIELD(heapfloor_allocator, mapped_regions),
    HEAPFLOOR_FIELD(heapfloor_allocator, trims),
    HEAPFLOOR_FIELD(heapfloor_allocator, trim_released),
    HEAPFLOOR_FIELD(heapfloor_allocator, reserved_1),
};
constexpr std::array kArenaFields = {
    HEAPFLOOR_FIELD(heapfloor_arena, used_bytes),
    HEAPFLOOR_FIELD(heapfloor_arena, free_bytes),
};
constexpr std::array kNameFields = {
    HEAPFLOOR_FIELD(heapfloor_name, text),
};
constexpr std::array kStructureFields = {
    HEAPFLOOR_FIELD(heapfloor_structure, state),
    HEAPFLOOR_FIELD(heapfloor_structure, kind),
    HEAPFLOOR_FIELD(heapfloor_structure, name_index),
    HEAPFLOOR_FIELD(heapfloor_structure, line),
    HEAPFLOOR_FIELD(heapfloor_structure, element),
    HEAPFLOOR_FIELD(heapfloor_structure, file),
    HEAPFLOOR_FIELD(heapfloor_structure, instances_started),
    HEAPFLOOR_FIELD(heapfloor_structure, instances_ended),
    HEAPFLOOR_FIELD(heapfloor_structure, instances_unwatched),
    HEAPFLOOR_FIELD(heapfloor_structure, insertions),
    HEAPFLOOR_FIELD(heapfloor_structure, removals),
    HEAPFLOOR_FIELD(heapfloor_structure, growths),
    HEAPFLOOR_FIELD(heapfloor_structure, rehashes),
    HEAPFLOOR_FIELD(heapfloor_structure, shrinks),
    HEAPFLOOR_FIELD(heapfloor_structure, clears),
    HEAPFLOOR_FIELD(heapfloor_structure, moved_bytes),
    HEAPFLOOR_FIELD(heapfloor_structure, last_clear_boottime_ns),
    HEAPFLOOR_FIELD(heapfloor_structure, epochs),
    HEAPFLOOR_FIELD(heapfloor_structure, watched_instances),
    HEAPFLOOR_FIELD(heapfloor_structure, reserved_0),
};
constexpr std::array kInstanceFields = {
    HEAPFLOOR_FIELD(heapfloor_instance, state),
    HEAPFLOOR_FIELD(heapfloor_instance, structure_index),
    HEAPFLOOR_FIELD(heapfloor_instance, weight_log2),
    HEAPFLOOR_FIELD(heapfloor_instance, generation_low),
    HEAPFLOOR_FIELD(heapfloor_instance, bytes),
    HEAPFLOOR_FIELD(heapfloor_instance, elements),
    HEAPFLOOR_FIELD(heapfloor_instance, capacity_elements),
    HEAPFLOOR_FIELD(heapfloor_instance, hash_buckets),
    HEAPFLOOR_FIELD(heapfloor_instance, peak_elements),
    HEAPFLOOR_FIELD(heapfloor_instance, insertions),
    HEAPFLOOR_FIELD(heapfloor_instance, removals),
    HEAPFLOOR_FIELD(heapfloor_instance, growths),
    HEAPFLOOR_FIELD(heapfloor_instance, rehashes),
    HEAPFLOOR_FIELD(heapfloor_instance, shrinks),
    HEAPFLOOR_FIELD(heapfloor_instance, clears),
    HEAPFLOOR_FIELD(heapfloor_instance, moved_bytes),
    HEAPFLOOR_FIELD(heapfloor_instance, generation),
    HEAPFLOOR_FIELD(heapfloor_instance, sharers),
    HEAPFLOOR_FIELD(heapfloor_instance, carried),
};
constexpr std::array kSiteFields = {
    HEAPFLOOR_FIELD(heapfloor_site, stack_hash),
    HEAPFLOOR_FIELD(heapfloor_site, first_frame),
    HEAPFLOOR_FIELD(heapfloor_site, depth),
    HEAPFLOOR_FIELD(heapfloor_site, state),
    HEAPFLOOR_FIELD(heapfloor_site, structure_name_index),
    HEAPFLOOR_FIELD(heapfloor_site, phase_name_index),
    HEAPFLOOR_FIELD(heapfloor_site, live_samples),
    HEAPFLOOR_FIELD(heapfloor_site, allocated_bytes),
    HEAPFLOOR_FIELD(heapfloor_site, allocated_objects_q10),
    HEAPFLOOR_FIELD(heapfloor_site, live_bytes),
    HEAPFLOOR_FIELD(heapfloor_site, live_objects_q10),
    HEAPFLOOR_FIELD(heapfloor_site, samples),
};
constexpr std::array kLiveFields = {
    HEAPFLOOR_FIELD(heapfloor_live, word),       HEAPFLOOR_FIELD(heapfloor_live, size_bytes),
    HEAPFLOOR_FIELD(heapfloor_live, site_index), HEAPFLOOR_FIELD(heapfloor_live, birth_seconds),
    HEAPFLOOR_FIELD(heapfloor_live, thread_id),  HEAPFLOOR_FIELD(heapfloor_live, reserved_0),
};

constexpr const char* kBegin =
    R"(# The probe's segment, byte by byte

Written by `probe_layout` from `include/heapfloor/segment.h`, which says what each field means; a test compares the two.
Rewrite it with `build/dev/bin/probe_layout > collectors/probe/LAYOUT.md`.

All numbers are little-endian and as wide as the table says. Offsets of fields count from the start of their record,
offsets in the table of contents from the start of the segment. The layout is that of major version )";

constexpr const char* kSections = R"(
## Sections as this probe lays them out

A reader takes offset, stride and count from the table of contents; these are the probe's own.

| type | section | stride | count |
|---|---|---|---|
)";

// What nobody listed is shown, so that it cannot be forgotten.
template <std::size_t kCount>
void write_record(std::ostream& out, const char* name, const char* place, std::size_t bytes,
                  const std::array<Field, kCount>& fields) {
  out << "\n## " << name << ": " << bytes << " bytes, " << place << "\n\n"
      << "| offset | bytes | field |\n|---|---|---|\n";
  std::size_t end = 0;
  for (const Field& field : fields) {
    if (field.offset != end)
      out << "| " << end << " | " << field.offset - end << " | not listed |\n";
    out << "| " << field.offset << " | " << field.bytes << " | " << field.name << " |\n";
    end = field.offset + field.bytes;
  }
  if (end != bytes) out << "| " << end << " | " << bytes - end << " | not listed |\n";
}

void write_section(std::ostream& out, heapfloor_section_type type, const char* name,
                   std::size_t stride, std::size_t count) {
  out << "| " << static_cast<int>(type) << " | " << name << " | " << stride << " | " << count
      << " |\n";
}

void write_sections(std::ostream& out) {
  namespace probe = heapfloor::probe;
  out << kSections;
  write_section(out, HEAPFLOOR_SECTION_ALLOCATOR, "allocator", sizeof(heapfloor_allocator), 1);
  write_section(out, HEAPFLOOR_SECTION_ARENAS, "arenas", sizeof(heapfloor_arena), probe::kArenas);
  write_section(out, HEAPFLOOR_SECTION_NAMES, "names", sizeof(heapfloor_name), probe::kNames);
  write_section(out, HEAPFLOOR_SECTION_STRUCTURES, "structures", sizeof(heapfloor_structure),
                probe::kStructures);
  write_section(out, HEAPFLOOR_SECTION_INSTANCES, "instances", sizeof(heapfloor_instance),
                probe::kInstances);
  write_section(out, HEAPFLOOR_SECTION_SITES, "sites", sizeof(heapfloor_site), probe::kSites);
  write_section(out, HEAPFLOOR_SECTION_FRAMES, "frames", sizeof(std::uint64_t), probe::kFrames);
  write_section(out, HEAPFLOOR_SECTION_LIVE, "live samples", sizeof(heapfloor_live),
                probe::kLiveSamples);
}

std::string layout() {
  std::ostringstream out;
  out << kBegin << HEAPFLOOR_ABI_MAJOR << ",\nminor version " << HEAPFLOOR_ABI_MINOR << ".\n";
  write_record(out, "heapfloor_header", "at offset 0", sizeof(heapfloor_header), kHeaderFields);
  write_record(out, "heapfloor_section", "an entry of the table of contents",
               sizeof(heapfloor_section), kSectionFields);
  write_record(out, "heapfloor_allocator", "section 1", sizeof(heapfloor_allocator),
               kAllocatorFields);
  write_record(out, "heapfloor_arena", "section 2", sizeof(heapfloor_arena), kArenaFields);
  write_record(out, "heapfloor_name", "section 3", sizeof(heapfloor_name), kNameFields);
  write_record(out, "heapfloor_structure", "section 4", sizeof(heapfloor_structure),
               kStructureFields);
  write_record(out, "heapfloor_instance", "section 5", sizeof(heapfloor_instance), kInstanceFields);
  write_record(out, "heapfloor_site", "section 6", sizeof(heapfloor_site), kSiteFields);
  write_record(out, "heapfloor_live", "section 8", sizeof(heapfloor_live), kLiveFields);
  write_sections(out);
  return out.str();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string text = layout();
  if (text.find("not listed") != std::string::npos) {
    std::cerr << "probe_layout.cpp does not list every field:\n" << text;
    return 1;
  }
  if (count < 2) {
    std::cout << text;
    return 0;
  }
  std::ifstream file(arguments[1]);
  const std::string documented((std::istreambuf_iterator<char>(file)),
                               std::istreambuf_iterator<char>());
  if (documented == text) return 0;
  std::cerr << arguments[1] << " is not what the header says; rewrite it with: probe_layout > "
            << arguments[1] << "\n";
  return 1;
}
