// EvidenceRecorder: captures what is known of a suspect when it becomes one and when it is called
// leaking, and of a program with a probe that was watched when it has ended.
//
// It is shown each snapshot and makes captures on a thread of its own, one at a time: the suspect
// and its series as the API shows them, and the heap profile where the program carries a probe. One
// of a process and an occasion an hour. Captured are names, amounts and stacks: no arguments, no
// environment, no memory of the program.
//
// Thread rule: note() is called by the collection thread; the rest by any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/clock.h"
#include "agent/evidence/evidence_store.h"
#include "agent/exposition/snapshot.h"
#include "agent/profile/profile_service.h"
#include "collectors/probe_board.h"

namespace heapfloor {

class EvidenceRecorder {
 public:
  static constexpr std::string_view kHeapFile = "heap.pb.gz";
  static constexpr std::string_view kSuspectFile = "suspect.json";
  static constexpr std::string_view kSeriesFile = "series.json";
  static constexpr std::string_view kMappingsFile = "mappings.txt";
  static constexpr double kRestSeconds = 3600;  // between captures of one process and occasion
  static constexpr std::size_t kMostWaiting = 64;

  // All outlive it.
  EvidenceRecorder(EvidenceStore& store, ProfileService& profiles, const ProbeBoard& board,
                   const SeriesReader& series, const Clock& clock)
      : store_(store), profiles_(profiles), board_(board), series_(series), clock_(clock) {}
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
  };

  void note_suspects(const std::shared_ptr<const Snapshot>& snapshot);
  void note_ended(const std::shared_ptr<const Snapshot>& snapshot);
  // Leaves it to the thread, unless the same was captured not long ago.
  void ask(Job job);
  void capture(const Job& job);
  void run();

  EvidenceStore& store_;
  ProfileService& profiles_;
  const ProbeBoard& board_;
  const SeriesReader& series_;
  const Clock& clock_;

  // Of the collection thread.
  std::map<std::string, LeakState> states_;   // of suspects, by watch, in the last snapshot
  std::map<ProcessId, std::string> watched_;  // of those with a probe in the last snapshot
  std::set<ProcessId> ended_;                 // that were looked at
  std::map<std::pair<std::string, EvidenceOccasion>, double> asked_seconds_;

  std::mutex mutex_;  // jobs_, is_stopping_
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace heapfloor
