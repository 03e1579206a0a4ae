// EvidenceRecorder: captures what is known of a suspect when it becomes one and when it is called
// leaking; and when a suspect, a program with a probe that was watched, or a watched process that
// the OOM killer took has ended.
//
// It is shown each snapshot and makes captures on a thread of its own, one at a time: the suspect
// and its series as the API shows them, what is measured of it, its address space by kind of
// mapping, and where the program carries a probe or runs Go its heap profile and what that has
// grown by since the first one that is kept; of a Go program where its goroutines wait, once that
// is known. Of one that has ended, what was measured of it last,
// and the kernel's own account where the OOM killer took it. One of a process and an occasion an
// hour. Captured are names, amounts and stacks: no arguments, no environment, no memory of the
// program.
//
// Thread rule: note() is called by the collection thread; the rest by any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/clock.h"
#include "agent/evidence/evidence_store.h"
#include "agent/exposition/snapshot.h"
#include "agent/profile/profile_service.h"
#include "collectors/host_root.h"
#include "collectors/probe_board.h"

namespace heapfloor {

class EvidenceRecorder {
 public:
  static constexpr std::string_view kHeapFile = "heap.pb.gz";
  static constexpr std::string_view kSuspectFile = "suspect.json";
  static constexpr std::string_view kSeriesFile = "series.json";
  static constexpr std::string_view kMappingsFile = "mappings.txt";
  static constexpr std::string_view kHeapGrowthFile = "heap_growth.pb.gz";
  static constexpr std::string_view kStateFile = "metrics.txt";
  static constexpr std::string_view kSmapsFile = "smaps.txt";
  static constexpr std::string_view kGoroutinesFile = "goroutines.txt";
  static constexpr std::string_view kOomFile = "oom_kill.json";
  static constexpr double kRestSeconds = 3600;  // between captures of one process and occasion
  static constexpr std::size_t kMostWaiting = 64;
  // Suspects of which the last that was known is kept for the case that they end; leaking ones
  // first.
  static constexpr std::size_t kMostLastKnown = 16;

  // All outlive it. `smaps_root`: where smaps is read from; null where nobody is to read it.
  EvidenceRecorder(EvidenceStore& store, ProfileService& profiles, const ProbeBoard& board,
                   const SeriesReader& series, const Clock& clock, const HostRoot* smaps_root)
      : store_(store),
        profiles_(profiles),
        board_(board),
        series_(series),
        clock_(clock),
        smaps_root_(smaps_root) {}
  EvidenceRecorder(const EvidenceRecorder&) = delete;
  EvidenceRecorder& operator=(const EvidenceRecorder&) = delete;
  ~EvidenceRecorder() { stop(); }

  void start();
  // Ends the thread; what still waits is not captured.
  void stop();

  // Looks for new suspects and ended programs, and leaves them to the thread.
  void note(const std::shared_ptr<const Snapshot>& snapshot);
  // Makes the next capture that waits, if there is one; what the thread does.
  bool capture_next();

 private:
  struct Job {
    std::shared_ptr<const Snapshot> snapshot;
    EvidenceOccasion occasion = EvidenceOccasion::suspected;
    std::string watch;  // "subject/signal"; empty: none
    std::string subject, name;
    ProcessId process;
    std::shared_ptr<const Snapshot> before;  // of a suspect that has ended: that still has it
  };

  void note_suspects(const std::shared_ptr<const Snapshot>& snapshot);
  void note_ended(const std::shared_ptr<const Snapshot>& snapshot);
  void note_ended_suspects(const std::shared_ptr<const Snapshot>& snapshot);
  void note_victims(const std::shared_ptr<const Snapshot>& snapshot);
  void keep_last_known(const std::shared_ptr<const Snapshot>& snapshot);
  // Leaves it to the thread, unless the same was captured not long ago.
  void ask(Job job);
  void capture(const Job& job);
  static void capture_state(const Snapshot& snapshot, const Job& job, EvidenceDraft& draft);
  static void capture_kill(const Job& job, EvidenceDraft& draft);
  void capture_heap(const Job& job, EvidenceDraft& draft);
  [[nodiscard]] std::optional<Profile> first_heap_of(const ProcessId& process) const;
  void capture_smaps(const Job& job, EvidenceDraft& draft) const;
  void run();

  EvidenceStore& store_;
  ProfileService& profiles_;
  const ProbeBoard& board_;
  const SeriesReader& series_;
  const Clock& clock_;
  const HostRoot* smaps_root_;

  // Of the collection thread.
  std::map<std::string, LeakState> states_;   // of suspects, by watch, in the last snapshot
  std::map<ProcessId, std::string> watched_;  // of those with a probe in the last snapshot
  std::set<ProcessId> ended_;                 // that were looked at
  std::map<std::string, Job> last_known_;     // of suspects, by watch; with the last snapshot
  std::vector<ProcessId> alive_;              // that were watched in the last snapshot, sorted
  double last_victim_seconds_ = 0;            // of those that were looked at
  std::map<std::pair<std::string, EvidenceOccasion>, double> asked_seconds_;

  std::mutex mutex_;  // jobs_, is_stopping_
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace heapfloor
