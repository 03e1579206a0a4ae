// JvmTarget: one JVM, and what is read of its performance counters.
//
// Where the counters are is found in the process's own mappings; no directory is listed and no name
// believed. They are read in the process's memory; where that is refused (ptrace_scope), in the
// file of the mapping, opened as the process sees it and only if it is the very file that is
// mapped. Where no file of them is mapped, jvm_library.h finds them. A tick copies what is in use
// of them (12 KiB): one read; of ZGC a word of the heap beside it. Thread rule: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/hsperfdata.h"
#include "collectors/parse/vm_structs.h"
#include "collectors/result.h"
#include "collectors/runtime/jvm_live.h"
#include "collectors/sample.h"

namespace heapfloor {

// A mapping that may hold the counters of a JVM, or the beginning of its library.
struct JvmMapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t inode = 0;
  std::string path;  // as in maps, raw
};

// What one look at maps found.
struct JvmMaps {
  static constexpr std::size_t kMostMappings = 4;  // a process that maps more is up to no good
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // what is read of maps
  std::vector<JvmMapping> mappings;
  std::optional<JvmMapping> library;  // the first of libjvm.so
  std::size_t bytes = 0;              // read
};

// Whether a mapping of this name may hold a JVM's counters: "/tmp/hsperfdata_USER/PID".
[[nodiscard]] bool is_hsperf_path(std::string_view path);

// Reads /proc/PID/maps through `buffer`, line by line.
[[nodiscard]] Result<void> read_jvm_maps(const ProcessDir& directory, std::span<char> buffer,
                                         JvmMaps& maps);

// The bytes of the counters, by any way.
class JvmCounterBytes {
 public:
  [[nodiscard]] static Result<JvmCounterBytes> open(const ProcessDir& directory,
                                                    const JvmMapping& mapping);
  // `memory` is the whole of the process's, by address.
  [[nodiscard]] static JvmCounterBytes of_memory(MappedBytes memory, std::uint64_t begin,
                                                 std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Fills `to` from the beginning: all of it, or an error.
  [[nodiscard]] Result<void> read(std::span<std::byte> to) const;
  // A word of the process's memory; nothing where it cannot be read.
  [[nodiscard]] std::optional<std::uint64_t> read_word(std::uint64_t address) const;

 private:
  MappedBytes memory_;       // all of the process's
  std::uint64_t begin_ = 0;  // in memory_
  HostFile file_;            // where the memory is refused
  std::uint64_t size_ = 0;
};

class JvmTarget {
 public:
  // `z_heap` as the JVM's library tells, whatever collector it runs.
  JvmTarget(const ProcessId& id, JvmCounterBytes bytes,
            const std::optional<ZHeapPlace>& z_heap = std::nullopt)
      : id_(id), bytes_(std::move(bytes)), z_heap_(z_heap) {}

  // One tick's reading. `unavailable` while the JVM is starting; after any other error nothing of
  // it is to be read again.
  [[nodiscard]] Result<void> read();

  // As of the last read() that succeeded.
  [[nodiscard]] const ProcessId& id() const { return id_; }
  [[nodiscard]] const HsperfIndex& index() const { return index_; }
  [[nodiscard]] const JvmReading& reading() const { return reading_; }
  [[nodiscard]] const std::optional<LiveAfterGc>& live() const { return live_; }

 private:
  [[nodiscard]] Result<void> make_index();
  [[nodiscard]] Result<JvmReading> read_once();
  void read_z_heap(JvmReading& reading) const;

  ProcessId id_;
  JvmCounterBytes bytes_;
  std::optional<ZHeapPlace> z_heap_;
  HsperfIndex index_;  // without an end where there is none yet
  std::vector<std::byte> copy_;
  JvmReading reading_;
  std::optional<JvmLive> rule_;
  std::optional<LiveAfterGc> live_;
};

}  // namespace heapfloor
