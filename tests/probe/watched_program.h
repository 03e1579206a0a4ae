// A program that runs with the probe preloaded, and a copy of what the probe says of it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "heapfloor/segment.h"

namespace heapfloor::testing {

// A copy of a segment, as it was at one moment.
class SegmentCopy {
 public:
  explicit SegmentCopy(std::string bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] const heapfloor_header& header() const { return at<heapfloor_header>(0, 0); }
  [[nodiscard]] const heapfloor_allocator& allocator() const {
    return record<heapfloor_allocator>(HEAPFLOOR_SECTION_ALLOCATOR, 0);
  }
  [[nodiscard]] std::vector<heapfloor_arena> arenas() const;
  [[nodiscard]] std::vector<heapfloor_site> sites() const;
  [[nodiscard]] std::vector<std::uint64_t> frames_of(const heapfloor_site& site) const;
  [[nodiscard]] std::vector<heapfloor_live> live() const;  // those that are alive
  // Sum of the live bytes of sites with a frame in [begin, end).
  [[nodiscard]] double live_bytes_through(std::uint64_t begin, std::uint64_t end) const;

 private:
  template <typename Record>
  [[nodiscard]] const Record& at(std::uint64_t offset, std::uint64_t index) const {
    return *reinterpret_cast<const Record*>(bytes_.data() + offset + (index * sizeof(Record)));
  }
  [[nodiscard]] const heapfloor_section& section(heapfloor_section_type type) const;
  template <typename Record>
  [[nodiscard]] const Record& record(heapfloor_section_type type, std::uint64_t index) const {
    return at<Record>(section(type).offset, index);
  }

  std::string bytes_;
};

// Runs in the background from its construction to its destruction. Everything that waits gives up
// after 60 seconds.
class WatchedProgram {
 public:
  using Environment = std::map<std::string, std::string>;

  // LD_PRELOAD is the probe of this build, unless `environment` says otherwise.
  explicit WatchedProgram(std::vector<std::string> arguments, Environment environment = {});
  ~WatchedProgram();
  WatchedProgram(const WatchedProgram&) = delete;
  WatchedProgram& operator=(const WatchedProgram&) = delete;

  // The next line of its output; none at its end.
  std::optional<std::string> read_line();
  // Waits for "ready BEGIN END" and keeps the two. False: it ended before.
  bool becomes_ready();
  void send(char byte);
  // Ends its input and waits for its end; its exit status, or 128 + the signal that ended it.
  int finish();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::uint64_t leaking_begin() const { return leaking_begin_; }
  [[nodiscard]] std::uint64_t leaking_end() const { return leaking_end_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
  std::uint64_t leaking_begin_ = 0;
  std::uint64_t leaking_end_ = 0;
};

// The segment of a process; none where it has none.
std::optional<SegmentCopy> segment_of(pid_t pid);

}  // namespace heapfloor::testing
