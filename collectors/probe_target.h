// ProbeTarget: one program that carries a probe, and what is read of its segment.
//
// A tick copies the header, the allocator's record and the used parts of structures and instances:
// four preads that never touch a page the target did not write. Sites and samples are copied when
// they are asked for. A copy is checked before anything of it is used (parse/probe_segment.h).
// Thread rule: one thread, except for the source, which any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/probe_segment.h"
#include "collectors/probe_board.h"
#include "collectors/probe_finder.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// Why a segment was not believed: the label `reason`.
enum class ProbeRejection : std::uint8_t { malformed, version, identity, io };
inline constexpr std::size_t kProbeRejections = 4;

// A segment that is held open.
class MappedProbe final : public ProbeSource {
 public:
  explicit MappedProbe(MappedBytes bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Result<ProbeSegmentBytes> read() const override;
  [[nodiscard]] Result<void> ask(std::uint8_t request) const override;
  [[nodiscard]] const MappedBytes& bytes() const { return bytes_; }

 private:
  MappedBytes bytes_;
};

// One of the largest sites. Labels and place are raw.
struct LargeSite {
  std::uint64_t stack_hash = 0;
  double live_bytes = 0;         // of all its records, whatever their labels
  std::string structure, phase;  // labels of the largest of them
  std::string location;  // "/usr/bin/app+0x1234": what called the allocator; empty where unknown
};

class ProbeTarget {
 public:
  static constexpr std::size_t kMostSites = 32;
  static constexpr std::size_t kMostStructures = 256;

  ProbeTarget(const ProcessId& id, std::shared_ptr<const MappedProbe> probe)
      : id_(id), probe_(std::move(probe)) {}
  ProbeTarget(const ProbeTarget&) = delete;  // structures() would be those of the other one
  ProbeTarget& operator=(const ProbeTarget&) = delete;
  ProbeTarget(ProbeTarget&&) = default;
  ProbeTarget& operator=(ProbeTarget&&) = default;
  ~ProbeTarget() = default;

  // One tick's reading. Fails with the reason why nothing of it may be used.
  [[nodiscard]] std::optional<ProbeRejection> read();
  // The largest sites, by live bytes; nothing where they cannot be read.
  [[nodiscard]] std::vector<LargeSite> read_sites();

  void note_said() { described_ = header_.section(HEAPFLOOR_SECTION_STRUCTURES).used; }

  void set_executables(std::vector<ExecutableMapping> executables) {
    executables_ = std::move(executables);
  }

  // As of the last read() that succeeded.
  [[nodiscard]] const ProcessId& id() const { return id_; }
  [[nodiscard]] const ProbeHeader& header() const { return header_; }
  [[nodiscard]] const std::optional<ProbeAllocator>& allocator() const { return allocator_; }
  // In the order of their numbers; empty unless the program was asked to list them.
  [[nodiscard]] const std::vector<ProbeArena>& arenas() const { return arenas_; }
  // At most kMostStructures, those of the most bytes. Their words are there until they were said,
  // and again when there are new ones.
  [[nodiscard]] std::span<const ProbeStructure> structures() const { return structures_; }
  [[nodiscard]] const std::shared_ptr<const MappedProbe>& source() const { return probe_; }

 private:
  [[nodiscard]] bool copy(const ProbeSection& section, std::vector<std::byte>& to) const;
  void read_allocator(std::span<const std::byte> first);
  void read_arenas();
  [[nodiscard]] std::optional<ProbeRejection> read_structures();
  [[nodiscard]] std::string location_of_site(const ProbeSite& site) const;

  ProcessId id_;
  std::shared_ptr<const MappedProbe> probe_;
  ProbeHeader header_;
  std::optional<ProbeAllocator> allocator_;
  std::vector<ProbeArena> arenas_;
  ProbeStructureParser parser_;
  std::span<const ProbeStructure> structures_;  // the parser's
  std::vector<ProbeStructure> largest_;         // where there are more than kMostStructures
  std::vector<std::string> names_;
  std::vector<ExecutableMapping> executables_;  // ascending
  std::vector<std::byte> structure_bytes_, instance_bytes_;
  std::uint64_t described_ = 0;  // records of structures when their words were last told
};

}  // namespace heapfloor
