// The processes of the host as the process collector knows them, from tick to tick, at the least
// cost.
//
// A process that is kept has two descriptors open: its directory, which is its identity, and statm,
// which one pread turns into four sizes for about a microsecond. While these do not move, the last
// whole reading (stat and status, about eight microseconds) is repeated, except that every process
// is refreshed once in every `refresh_ticks` ticks, the pids in turn. So swap, peak, fault and
// descriptor counts of an idle process may be that many ticks old; anything that moves RSS, mapped
// or data size shows in the same tick. A refresh reads stat and counts the descriptors; status it
// reads again only where stat shows a fault or another number of threads, where something is
// swapped out, and in one of sixteen refreshes, which reads the limits, the OOM score and the
// mappings too.
//
// The price of a kept process is kernel memory: about 4.6 KiB (measured on 6.18), mostly the page
// that seq_file keeps for an open statm, accounted to the agent's cgroup. A smaller descriptor
// budget trades it for about 4 microseconds a process and tick.
//
// The mappings of a process cost about 0.6 microseconds each to count (measured on 6.18), so no
// further process is begun in a tick that counted kMostMappingsATick; those that found no room have
// theirs counted in their next whole reading.
//
// Where a TaskSource says that a process was not moved (no thread of it ran, its counters are what
// they were), nothing of it is read but at a refresh, and then statm alone: a counter of the kernel
// may be a few pages behind. The whole readings at every sixteenth refresh stay. Kernel threads are
// read at those alone. Whatever the source does not know is read as without one. Where no process
// is hidden from the agent, the source also says which ones there are, beside those that it was
// seen to miss, and /proc is listed once in `refresh_ticks` ticks.
//
// A process beyond the descriptor budget is opened anew each tick; its start time says whether it
// is the same one, and status is read when stat moved or the refresh is due. Both ways give the
// same samples.
//
// A kernel thread has no memory and is no sample: it is never kept, and read once in every
// `refresh_ticks` ticks, the pids in turn. So a process that takes over the pid of a kernel thread
// between two listings, or that grows out of one, is met up to `refresh_ticks` ticks late; until
// then nothing is said of this pid.
//
// A process ends when it is no longer listed, when a read says so, or when its pid has another
// start time. One that cannot be read for another reason is an entity without samples until it can;
// where only its refresh failed and statm did not move, its samples are repeated for one tick.
//
// What a process is in words (executable, command line, user, parent, cgroup) is read when it is
// met, once more kSettleTicks later, because a name settles only after exec, when comm or user
// change, and in every kAttributesRefreshes-th refresh; it is described when it has changed. In a
// steady state that is a hundredth of a read a process and tick. A process without memory (a
// zombie) keeps what was known.
//
// Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/host_root.h"
#include "collectors/parse/pid_stat.h"
#include "collectors/parse/pid_status.h"
#include "collectors/result.h"
#include "collectors/sample.h"
#include "collectors/task_hints.h"

namespace heapfloor {

// One process as last read. At most 256 bytes beside the name, since a host has thousands.
struct TrackedProcess {
  static constexpr std::size_t kSizes =
      10;  // one for each entry of kStatusSizes in process_table.cpp

  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  std::int32_t pid = 0;
  std::uint32_t threads = 0;
  std::uint64_t start_ticks = 0;
  std::string name;      // comm, raw
  ProcessDir directory;  // pinned while kept
  // What is compared from tick to tick: statm of a kept process, stat of another.
  std::array<std::uint64_t, 4> fingerprint = {};
  std::array<std::uint64_t, kSizes> sizes_bytes = {};
  std::uint64_t cpu_ticks = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint32_t descriptors = 0;
  std::uint32_t descriptor_limit = 0;
  std::uint64_t address_space_limit_bytes = kNoLimit;
  std::uint64_t data_limit_bytes = kNoLimit;
  std::uint32_t mappings = 0;      // 0: not counted
  std::uint32_t mapped_pages = 0;  // of the address space when they were counted
  std::uint16_t oom_score = 0;
  bool has_descriptors = false;
  bool has_descriptor_limit = false;
  bool has_oom_score = false;
  bool rare_known = false;  // limits and score were asked for
  bool mappings_due = true;
  bool mappings_refused = false;
  std::uint64_t attributes_hash = 0;  // of what was described last
  std::uint64_t task_stamp = 0;       // of the visit before the last reading; 0: there was none
  std::uint32_t user_id = 0;
  std::uint32_t parent_pid = 0;
  std::uint32_t named_tick = 0;     // when it was met, or its name changed
  std::uint16_t sizes_present = 0;  // bit i: sizes_bytes[i] was read
  std::uint8_t unreadable = 0;      // bit i: kAttributeSources[i] of process_table.cpp was refused
  bool known = false;       // read whole, and the fingerprint is of the present way of reading
  bool identified = false;  // start time and name are those of the process that has the pid
  bool kernel_thread = false;
  bool status_unreadable = false;
  bool user_known = false;
  bool attributes_due = false;
  bool settled = false;        // looked at again since named_tick
  bool is_unmoved = false;     // in this tick, since the last reading
  bool is_stat_behind = true;  // it may have moved since stat was read
};

class ProcessTable {
 public:
  // `root` outlives the table.
  ProcessTable(const HostRoot& root, const CollectorOptions& options);

  // One tick: lists the processes, reads each and writes the user processes' samples to `sink`.
  // An error when the list itself cannot be read.
  [[nodiscard]] Result<CollectReport> tick(SampleSink& sink);

  // Descriptors held between ticks.
  [[nodiscard]] std::size_t held_descriptors() const { return held_; }

  static constexpr std::uint32_t kSettleTicks = 2;
  static constexpr std::uint32_t kAttributesRefreshes = 64;
  static constexpr std::size_t kMostMappingsATick = 65536;

 private:
  // What was read of one process in this tick, for the moment between reading and writing.
  struct Attributes {
    bool were_read = false;
    std::optional<std::string> executable, command_line, cgroup;
    std::uint8_t refused = 0;
    [[nodiscard]] std::uint64_t hash(const TrackedProcess& process) const;
  };

  [[nodiscard]] Result<void> list_processes();
  void note_visit(TrackedProcess& process, const TaskVisit* visit);
  void update_allowance();
  void reconcile();
  [[nodiscard]] bool refresh_due(std::int32_t pid) const;
  [[nodiscard]] bool whole_turn_due(std::int32_t pid) const;
  [[nodiscard]] bool rare_turn_due(std::int32_t pid) const;
  [[nodiscard]] bool mappings_turn_due(const TrackedProcess& process) const;
  [[nodiscard]] static bool repeats_status(const TrackedProcess& process);
  [[nodiscard]] static bool is_still(const TrackedProcess& process, const PidStat& stat);
  [[nodiscard]] bool is_left_out(const TrackedProcess& process) const;
  [[nodiscard]] Result<void> read_process(TrackedProcess& process, CollectReport& report);
  [[nodiscard]] Result<void> read_kept(TrackedProcess& process, CollectReport& report);
  [[nodiscard]] Result<void> read_opened(TrackedProcess& process, CollectReport& report);
  [[nodiscard]] Result<void> read_status(TrackedProcess& process, const ProcessDir& directory,
                                         CollectReport& report);
  [[nodiscard]] Result<PidStat> read_stat(std::int32_t pid, const ProcessDir& directory) const;
  void take_descriptors(TrackedProcess& process, const ProcessDir& directory) const;
  void take_rarely(TrackedProcess& process, const ProcessDir& directory);
  void take_mappings(TrackedProcess& process, const ProcessDir& directory);
  // Whether its attributes are to be read in this tick.
  [[nodiscard]] bool attributes_due(const TrackedProcess& process) const;
  // Fails only when the process ended.
  [[nodiscard]] Result<void> read_attributes(const ProcessDir& directory, CollectReport& report);
  [[nodiscard]] Result<void> read_due_attributes(const TrackedProcess& process,
                                                 const ProcessDir& directory,
                                                 CollectReport& report);
  void describe(TrackedProcess& process, SampleSink& sink);
  void take_identity(TrackedProcess& process, const PidStat& stat) const;
  [[nodiscard]] Result<void> confirm(const TrackedProcess& process,
                                     const ProcessDir& directory) const;
  void report_sources(CollectReport& report, bool stat_was_refused) const;
  void take_anon_from_statm(TrackedProcess& process, const ProcessDir& directory) const;
  [[nodiscard]] bool keep(TrackedProcess& process, ProcessDir& directory);
  void release(TrackedProcess& process);
  void publish(const TrackedProcess& process) const;
  [[nodiscard]] std::span<char> buffer() const { return {buffer_.get(), kBufferBytes}; }

  // The longest line of status is Groups, 65,536 numbers at worst; beyond this the sizes behind it
  // stay unread.
  static constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;

  const HostRoot& root_;
  CollectorOptions options_;
  std::size_t page_bytes_;
  Attributes attributes_;
  TaskHints hints_;
  std::vector<std::int32_t> pids_;
  std::vector<std::int32_t> seen_;         // by the source, in this tick
  std::vector<std::int32_t> unseen_;       // by the source, of those that /proc last listed
  std::vector<TrackedProcess> processes_;  // ascending by pid
  // Uninitialised: only what is used becomes resident.
  // NOLINTNEXTLINE(modernize-avoid-c-arrays): the array form of unique_ptr
  std::unique_ptr<char[]> buffer_;
  std::size_t allowance_ = 0;  // descriptors that may be held in this tick
  std::size_t ceiling_;        // falls when the kernel refuses a descriptor, recovers slowly
  std::size_t held_ = 0;
  std::size_t mappings_left_ = 0;  // that may be counted in this tick
  std::uint32_t tick_ = 0;
  bool lists_all_ = false;  // as of the last listing of /proc, like the next
  bool knows_unseen_ = false;
};

}  // namespace heapfloor
