// The segment that a probe publishes inside a target: bytes in, struct or Error out.
//
// Source of the layout: collectors/probe/include/heapfloor/segment.h. The writer shares its memory
// with the program under watch and is trusted in nothing: every offset, stride, count, index and
// amount is checked here, against the file's size and against the bounds below. The bytes are a
// copy that the caller made, and each record is copied once more before it is looked at. Amounts
// that no machine has are absent; records that refer to nothing are dropped and counted. Thread
// rule: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/probe/include/heapfloor/segment.h"
#include "collectors/result.h"

namespace heapfloor {

// What a reader is willing to read of one segment. Several times what the writer has room for, so
// that a larger table of a later version is read as well; what lies beyond is refused.
struct ProbeBounds {
  static constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;       // of the file
  static constexpr std::uint64_t kMostCopiedBytes = std::uint64_t{16} << 20;  // of what is in use
  static constexpr std::uint32_t kMostStride = 4096;
  static constexpr std::uint64_t kMostArenas = 1024;
  static constexpr std::uint64_t kMostNames = 8192;
  static constexpr std::uint64_t kMostStructures = 4096;
  static constexpr std::uint64_t kMostInstances = 32768;
  static constexpr std::uint64_t kMostSites = 65536;
  static constexpr std::uint64_t kMostFrames = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kMostLiveSamples = std::uint64_t{1} << 18;
  static constexpr std::uint64_t kMostAmount = std::uint64_t{1} << 50;  // 1 PiB, or as many things
  static constexpr std::uint64_t kMostTotal = std::uint64_t{1} << 62;   // of what only rises
  static constexpr std::uint8_t kMostWeightLog2 = 24;
};

// One section, with every field in bounds.
struct ProbeSection {
  std::uint64_t offset = 0;
  std::uint64_t used = 0;  // records; 0 where there is no such section
  std::uint32_t stride = 0;
  [[nodiscard]] std::uint64_t used_bytes() const { return used * stride; }
  friend bool operator==(const ProbeSection&, const ProbeSection&) = default;
};

inline constexpr std::size_t kProbeSectionTypes = HEAPFLOOR_SECTION_LIVE + 1;

// What the sampler says, as estimates of everything that was allocated.
struct ProbeSampler {
  std::optional<double> interval_bytes;
  std::optional<double> allocated_bytes, allocated_objects;  // in total
  std::optional<double> live_bytes, live_objects;
  std::optional<double> live_samples, samples;
  std::optional<double> thinnings, samples_lost, stacks_without_site, stacks_cut;
  friend bool operator==(const ProbeSampler&, const ProbeSampler&) = default;
};

struct ProbeHeader {
  std::uint16_t abi_minor = 0;
  std::uint32_t library_version = 0;  // major * 65536 + minor * 256 + patch
  std::uint32_t flags = 0;            // enum heapfloor_flag
  std::int32_t pid = 0;               // as the target sees itself
  std::uint64_t total_bytes = 0;
  std::optional<std::uint64_t> start_ticks;
  std::uint64_t created_boottime_ns = 0;
  std::uint64_t heartbeat_boottime_ns = 0;
  ProbeSampler sampler;  // nothing in it where HEAPFLOOR_FLAG_SAMPLING is not set
  std::array<ProbeSection, kProbeSectionTypes> sections = {};
  [[nodiscard]] const ProbeSection& section(heapfloor_section_type type) const {
    return sections.at(static_cast<std::size_t>(type));
  }
  friend bool operator==(const ProbeHeader&, const ProbeHeader&) = default;
};

// The major version of the layout; nothing while the magic is not there.
[[nodiscard]] std::optional<std::uint16_t> probe_major_version(std::span<const std::byte> bytes);

// The header of a segment in a file of `file_bytes` bytes; `bytes` are its first
// HEAPFLOOR_HEADER_BYTES. Another major version than HEAPFLOOR_ABI_MAJOR is malformed too.
[[nodiscard]] Result<ProbeHeader> parse_probe_header(std::span<const std::byte> bytes,
                                                     std::uint64_t file_bytes);

// "glibc", "jemalloc", "tcmalloc", "mimalloc", "unknown"; static text. gperftools is tcmalloc.
[[nodiscard]] std::string_view probe_allocator_name(std::uint32_t kind);

// Values in bytes unless they count something.
struct ProbeAllocator {
  std::uint64_t sequence = 0;
  std::string_view name;  // probe_allocator_name()
  std::string version;    // raw, at most 32 bytes
  std::optional<double> sampled_since_boot_seconds;
  std::optional<double> sample_duration_seconds;
  std::optional<double> skipped_budget, skipped_busy;
  std::optional<double> in_use;
  std::optional<double> free_fastbin, free_bins, free_top, free_dirty, free_muzzy, free_pageheap,
      free_central, free_thread;
  std::optional<double> active, resident, mapped, retained, metadata, releasable;
  std::optional<double> arenas, free_chunks, mapped_regions;
  std::optional<double> trims, trim_released;
  // What it holds and the program does not use; nothing where it says nothing of it.
  [[nodiscard]] std::optional<double> free_bytes() const;
  friend bool operator==(const ProbeAllocator&, const ProbeAllocator&) = default;
};

// `malformed` as well while it is being written (its sequence is odd).
[[nodiscard]] Result<ProbeAllocator> parse_probe_allocator(std::span<const std::byte> record);

// One of glibc's arenas; nothing where its amount cannot be.
struct ProbeArena {
  std::optional<double> used, free;
  friend bool operator==(const ProbeArena&, const ProbeArena&) = default;
};

// The section `arenas`, in its order: the first is the main one.
[[nodiscard]] std::vector<ProbeArena> parse_probe_arenas(std::span<const std::byte> records,
                                                         const ProbeSection& section);

// The texts of the section `names`, raw; the first stands for "no name".
[[nodiscard]] std::vector<std::string> parse_probe_names(std::span<const std::byte> records,
                                                         const ProbeSection& section);

// Sums over all watched instances of a structure, each times its weight.
struct ProbeStructureSums {
  double instances = 0;  // that live
  double elements = 0;
  double bytes = 0;
  std::optional<double> capacity_elements, hash_buckets;  // nothing where no instance has them
  double peak_elements = 0;
  double insertions = 0, removals = 0, growths = 0, rehashes = 0, shrinks = 0, clears = 0;
  double moved_bytes = 0;
  double instances_started = 0, instances_ended = 0, instances_unwatched = 0;
  double epochs = 0;
  std::optional<double> last_clear_since_boot_seconds;
  friend bool operator==(const ProbeStructureSums&, const ProbeStructureSums&) = default;
};

// All structures of one name.
struct ProbeStructure : ProbeStructureSums {
  std::string name;       // raw, never empty, below HEAPFLOOR_NAME_BYTES
  std::string_view kind;  // "unordered_map", "other"; static text
  std::string element;    // raw
  std::string file;       // raw, with its line where that is known: "cache.cpp:88"
  friend bool operator==(const ProbeStructure&, const ProbeStructure&) = default;
};

struct ProbeStructures {
  std::vector<ProbeStructure> structures;  // ascending by name
  // Records that refer to no name, to no structure, or hold amounts that cannot be.
  std::uint64_t dropped = 0;
  friend bool operator==(const ProbeStructures&, const ProbeStructures&) = default;
};

// Whether kind, element and file are wanted, which never change of a record; else they stay empty.
enum class ProbeWords : std::uint8_t { told, left_out };

[[nodiscard]] ProbeStructures parse_probe_structures(std::span<const std::byte> structures,
                                                     const ProbeSection& structure_section,
                                                     std::span<const std::byte> instances,
                                                     const ProbeSection& instance_section,
                                                     std::span<const std::string> names,
                                                     ProbeWords words = ProbeWords::told);

// The same for one segment that is parsed again and again: sums are made where those of last time
// were, and no memory is taken while the same structures are there. What was parsed before changes
// nothing in the answer.
class ProbeStructureParser {
 public:
  // The answer is good until the next call.
  ProbeStructures& parse(std::span<const std::byte> structures,
                         const ProbeSection& structure_section,
                         std::span<const std::byte> instances, const ProbeSection& instance_section,
                         std::span<const std::string> names, ProbeWords words = ProbeWords::told);

 private:
  void take_names(std::span<const std::byte> structures, const ProbeSection& section,
                  std::span<const std::string> names);
  [[nodiscard]] bool is_placed(std::span<const std::string> names) const;
  void place(std::span<const std::string> names);

  ProbeStructures found_;
  std::vector<std::uint32_t> names_of_;   // of each record: which name; 0: it is left out
  std::vector<std::uint32_t> placed_;     // names_of_ when positions_ was made
  std::vector<std::uint32_t> positions_;  // of each record: in found_.structures, or behind them
  std::uint64_t doubles_ = 0;             // names with the text of another one
};

// "unordered_map", "vector" …; static text.
[[nodiscard]] std::string_view probe_structure_kind(std::uint32_t kind);

// One stack with one pair of labels.
struct ProbeSite {
  std::uint64_t stack_hash = 0;
  std::uint32_t index = 0;        // in its section; samples refer to it. 0: what found no place
  std::uint32_t first_frame = 0;  // first_frame + depth is within the frames
  std::uint16_t depth = 0;        // at most HEAPFLOOR_MOST_FRAMES; leaf first
  std::uint16_t structure_name_index = 0;  // 0: none; within the names
  std::uint16_t phase_name_index = 0;      // the same
  std::uint32_t live_samples = 0;
  double allocated_bytes = 0, allocated_objects = 0;
  double live_bytes = 0, live_objects = 0;
  double samples = 0;
  friend bool operator==(const ProbeSite&, const ProbeSite&) = default;
};

struct ProbeSites {
  std::vector<ProbeSite> sites;  // in the order of the section
  std::uint64_t dropped = 0;     // frames or names that are none, amounts that cannot be
  friend bool operator==(const ProbeSites&, const ProbeSites&) = default;
};

[[nodiscard]] ProbeSites parse_probe_sites(std::span<const std::byte> records,
                                           const ProbeHeader& header);

// The return addresses of a stack, leaf first; `frames` is the used part of the section. Fewer
// than site.depth where the section was cut since.
[[nodiscard]] std::vector<std::uint64_t> probe_frames(std::span<const std::byte> frames,
                                                      const ProbeSite& site);

// Live bytes of a site by the age of its samples, as estimates like the site's own.
struct ProbeAges {
  // A sample of exactly the bound's age is in the next band; the last band has no bound.
  static constexpr std::array<double, 6> kBoundsSeconds = {60, 300, 900, 3600, 21600, 86400};
  std::array<double, kBoundsSeconds.size() + 1> live_bytes = {};
  friend bool operator==(const ProbeAges&, const ProbeAges&) = default;
};

// The ages of the samples of the sites with these indices (ascending), by position in `sites`.
// `now_boottime_ns`: on the axis of created_boottime_ns; a sample from the future is new.
[[nodiscard]] std::vector<ProbeAges> parse_probe_ages(std::span<const std::byte> live,
                                                      const ProbeHeader& header,
                                                      std::span<const std::uint32_t> sites,
                                                      std::uint64_t now_boottime_ns);

// Fills `to` with the bytes of the segment from `offset` on; false when it cannot.
using ProbeRead = std::function<bool(std::uint64_t offset, std::span<std::byte> to)>;

// A copy of the used parts of a segment that is a valid segment itself: offsets and counts in its
// table of contents are its own. At most kMostCopiedBytes and the header.
[[nodiscard]] Result<std::vector<std::byte>> copy_probe_segment(const ProbeRead& read,
                                                                std::uint64_t file_bytes);

// The used part of one section of a copy; empty where it has none.
[[nodiscard]] std::span<const std::byte> probe_section_bytes(std::span<const std::byte> segment,
                                                             const ProbeSection& section);

}  // namespace heapfloor
