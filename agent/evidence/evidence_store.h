// EvidenceStore: what was captured of suspects and of programs that have ended, kept over restarts.
//
// A capture is a directory DIR/ID of files beside a record.json that lists them. It is written as
// DIR/.new-ID and renamed when all of it is on the disk, so it is there whole or not at all. Where
// there is no directory, or the disk refuses, it is kept in memory instead, within
// kMostBytesInMemory. The oldest make room for the newest, by number, bytes and age.
//
// What is read back is checked: a directory whose record is not its own, lists files that are not
// there or are larger or smaller than it says, is left out, counted, and not touched.
//
// Thread rule: every member may be called by any thread; a call that reads or writes files holds
// others up meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

// Why something was captured.
enum class EvidenceOccasion : std::uint8_t {
  suspected,
  leaking,
  ended,  // a program with a probe that was watched has ended
};
inline constexpr std::size_t kEvidenceOccasions = 3;
[[nodiscard]] std::string_view occasion_name(EvidenceOccasion occasion);

struct EvidenceFile {
  std::string name;  // lower-case letters, digits, '_', '-', '.'; begins with a letter
  std::string bytes;
};

// What is to be kept. Texts are UTF-8.
struct EvidenceDraft {
  EvidenceOccasion occasion = EvidenceOccasion::suspected;
  std::string subject;  // "process:7:700"
  std::string name;     // of the program, as the API shows it
  ProcessId process;    // pid 0: of no process
  double wall_seconds = 0;
  std::vector<EvidenceFile> files;
};

struct EvidenceRecord {
  struct File {
    std::string name;
    std::uint64_t bytes = 0;
    friend bool operator==(const File&, const File&) = default;
  };
  std::string id;  // letters, digits and '-'; those of later times sort behind
  EvidenceOccasion occasion = EvidenceOccasion::suspected;
  std::string subject, name;
  ProcessId process;
  double wall_seconds = 0;
  std::vector<File> files;
  [[nodiscard]] std::uint64_t bytes() const;
  friend bool operator==(const EvidenceRecord&, const EvidenceRecord&) = default;
};

struct EvidenceLimits {
  std::size_t captures = 200;
  double bytes = 128.0 * 1024 * 1024;
  double seconds = 30.0 * 86400;
};

struct EvidenceStats {
  std::size_t captures = 0;
  std::uint64_t bytes = 0;
  std::uint64_t failures = 0;  // writes and reads that the disk refused, since the start
  std::uint64_t damaged = 0;   // directories that were left out when the store was opened
  std::array<std::uint64_t, kEvidenceOccasions> taken = {};  // by occasion, since the start
};

// The captures of one moment, the newest first.
struct EvidenceList {
  std::vector<EvidenceRecord> records;
  EvidenceStats stats;
};

class EvidenceStore {
 public:
  static constexpr std::size_t kMostBytesInMemory = std::size_t{16} << 20;

  explicit EvidenceStore(const EvidenceLimits& limits) : limits_(limits) {}

  // Takes up what `directory` holds, which is made where it is missing; its parent is the agent's
  // own. On failure captures stay in memory.
  Result<void> open(const std::string& directory, double now_wall_seconds);

  // Returns the id. Never fails: what cannot be written is kept in memory.
  std::string put(EvidenceDraft draft);

  // Never null; a new one is made with each change.
  [[nodiscard]] std::shared_ptr<const EvidenceList> list() const;
  [[nodiscard]] std::optional<EvidenceRecord> find(std::string_view id) const;
  // The newest of that process which has such a file; with start_ticks 0, of any with its pid.
  [[nodiscard]] std::optional<EvidenceRecord> find_last(const ProcessId& process,
                                                        std::string_view file) const;
  // `unavailable` where there is no such capture or file.
  [[nodiscard]] Result<std::string> read(std::string_view id, std::string_view file) const;

 private:
  struct Entry {
    EvidenceRecord record;
    std::vector<EvidenceFile> in_memory;  // of one that is not on the disk
  };

  [[nodiscard]] std::string new_id(const EvidenceDraft& draft) const;
  [[nodiscard]] Result<void> write(const EvidenceRecord& record,
                                   const std::vector<EvidenceFile>& files) const;
  void make_room(double now_wall_seconds);
  void forget(const std::string& id);
  [[nodiscard]] bool is_over(double now_wall_seconds) const;

  void publish() const;

  EvidenceLimits limits_;
  mutable std::mutex mutex_;
  std::string directory_;                              // empty: none
  std::map<std::string, Entry, std::less<>> entries_;  // by id
  mutable EvidenceStats stats_;
  mutable std::shared_ptr<const EvidenceList> list_ = std::make_shared<const EvidenceList>();
};

// The record as it stands in record.json, and back; `malformed` with the reason. Pure functions.
[[nodiscard]] std::string evidence_record_text(const EvidenceRecord& record);
[[nodiscard]] Result<EvidenceRecord> parse_evidence_record(std::string_view text);

}  // namespace heapfloor
