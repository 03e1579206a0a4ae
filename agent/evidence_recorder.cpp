#include "agent/evidence_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agent/exposition/api_json.h"
#include "agent/exposition/state_text.h"
#include "agent/exposition/text_format.h"
#include "agent/log.h"
#include "agent/profile/endpoint_profile.h"
#include "agent/profile/profile.h"
#include "collectors/smaps_summary.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostEnded = 4096;  // remembered as looked at

std::optional<EvidenceOccasion> occasion_of(LeakState state) {
  if (state == LeakState::suspected) return EvidenceOccasion::suspected;
  if (state == LeakState::leaking) return EvidenceOccasion::leaking;
  return std::nullopt;
}

// As the API shows it.
std::string id_of(const WatchRow& watch) {
  return visible_name(watch.subject) + "/" + watch.signal;
}

std::string subject_of(const ProcessId& process) {
  return fmt::format("process:{}:{}", process.pid, process.start_ticks);
}

// What several signals of one process have in common.
std::string key_of(const ProcessId& process, const std::string& subject) {
  return process.pid == 0 ? subject : fmt::format("{}:{}", process.pid, process.start_ticks);
}

// Whether the watch with that id is there and goes on.
bool is_alive(const Snapshot& snapshot, const std::string& subject, const std::string& id) {
  const std::vector<WatchRow>& watches = snapshot.watches;
  auto watch = std::ranges::lower_bound(watches, subject, {}, &WatchRow::subject);
  for (; watch != watches.end() && watch->subject == subject; ++watch) {
    if (!watch->ended_seconds && id_of(*watch) == id) return true;
  }
  return false;
}

}  // namespace

void EvidenceRecorder::start() {
  thread_ = std::thread([this] { run(); });
}

void EvidenceRecorder::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EvidenceRecorder::note(const std::shared_ptr<const Snapshot>& snapshot) {
  note_suspects(snapshot);
  note_ended_suspects(snapshot);
  note_victims(snapshot);
  note_ended(snapshot);
  keep_last_known(snapshot);
  std::erase_if(asked_seconds_, [&](const auto& asked) {
    return snapshot->time_seconds - asked.second > kRestSeconds;
  });
}

// A state that an earlier run of the agent has told of is no news.
void EvidenceRecorder::note_suspects(const std::shared_ptr<const Snapshot>& snapshot) {
  std::map<std::string, LeakState> states;
  for (const WatchRow& watch : snapshot->watches) {
    const std::optional<EvidenceOccasion> occasion = occasion_of(watch.state);
    if (!occasion) continue;
    const std::string id = id_of(watch);
    states.emplace(id, watch.state);
    const auto before = states_.find(id);
    if (watch.ended_seconds) continue;
    const bool is_known = before != states_.end() && before->second == watch.state;
    if (is_known || watch.state_since_seconds < snapshot->started_seconds) continue;
    ask({snapshot, *occasion, id, watch.subject, watch.group, watch.process, {}});
  }
  std::swap(states_, states);
}

// What was suspected and is not there any more.
void EvidenceRecorder::note_ended_suspects(const std::shared_ptr<const Snapshot>& snapshot) {
  for (auto& [id, last] : last_known_) {
    if (is_alive(*snapshot, last.subject, id)) continue;
    last.snapshot = snapshot;
    ask(std::move(last));
  }
}

// Those that were watched but not suspected: they may have died faster than anybody could tell.
void EvidenceRecorder::note_victims(const std::shared_ptr<const Snapshot>& snapshot) {
  for (const OomVictimRow& victim : snapshot->oom_victims) {
    if (victim.time_seconds <= last_victim_seconds_) continue;
    last_victim_seconds_ = victim.time_seconds;
    const auto watched = std::ranges::lower_bound(alive_, victim.pid, {}, &ProcessId::pid);
    if (watched == alive_.end() || watched->pid != victim.pid) continue;
    Job job{snapshot, EvidenceOccasion::ended, {}, {}, victim.comm, *watched, {}};
    job.subject = subject_of(*watched);
    ask(std::move(job));
  }
}

// The snapshot itself is kept, until the next one: what is to be said of a suspect in it is made
// when it has ended.
void EvidenceRecorder::keep_last_known(const std::shared_ptr<const Snapshot>& snapshot) {
  last_known_.clear();
  alive_.clear();
  for (const WatchRow& watch : snapshot->watches) {
    if (watch.process.pid != 0 && !watch.ended_seconds) alive_.push_back(watch.process);
  }
  std::ranges::sort(alive_);
  for (const LeakState state : {LeakState::leaking, LeakState::suspected}) {
    for (const WatchRow& watch : snapshot->watches) {
      if (last_known_.size() == kMostLastKnown) return;
      if (watch.state != state || watch.ended_seconds) continue;
      const std::string id = id_of(watch);
      last_known_.emplace(id, Job{{},
                                  EvidenceOccasion::ended,
                                  id,
                                  watch.subject,
                                  watch.group,
                                  watch.process,
                                  snapshot});
    }
  }
}

// Of programs that were too small to be watched nothing is kept: a build starts thousands.
void EvidenceRecorder::note_ended(const std::shared_ptr<const Snapshot>& snapshot) {
  if (ended_.size() > kMostEnded) ended_.clear();
  const std::vector<ProbeBoard::Presence> presence = board_.presence();
  for (const ProbeBoard::Presence& target : presence) {
    const auto watched = watched_.find(target.id);
    if (!target.has_ended || watched == watched_.end()) continue;
    if (!ended_.insert(target.id).second) continue;
    Job job{snapshot, EvidenceOccasion::ended, {}, {}, watched->second, target.id, {}};
    job.subject = subject_of(target.id);
    for (const WatchRow& watch : snapshot->watches) {
      if (watch.subject == job.subject && watch.signal == signal_name(Signal::rss_anon))
        job.watch = id_of(watch);
    }
    ask(std::move(job));
  }
  watched_.clear();
  for (const WatchRow& watch : snapshot->watches) {
    const auto found =
        std::ranges::lower_bound(presence, watch.process, {}, &ProbeBoard::Presence::id);
    const bool is_probed = found != presence.end() && found->id == watch.process;
    if (is_probed && !found->has_ended) watched_.emplace(watch.process, watch.group);
  }
}

void EvidenceRecorder::ask(Job job) {
  const std::pair key(key_of(job.process, job.subject), job.occasion);
  if (!asked_seconds_.emplace(key, job.snapshot->time_seconds).second) return;
  {
    const std::scoped_lock lock(mutex_);
    if (jobs_.size() >= kMostWaiting) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

bool EvidenceRecorder::capture_next() {
  Job job;
  {
    const std::scoped_lock lock(mutex_);
    if (jobs_.empty()) return false;
    job = std::move(jobs_.front());
    jobs_.pop_front();
  }
  capture(job);
  return true;
}

void EvidenceRecorder::capture(const Job& job) {
  EvidenceDraft draft;
  draft.occasion = job.occasion;
  draft.subject = visible_name(job.subject);
  draft.name = visible_name(job.name);
  draft.process = job.process;
  draft.wall_seconds = clock_.wall_seconds();
  const auto add = [&draft](std::string_view name, std::string bytes) {
    draft.files.push_back({std::string(name), std::move(bytes)});
  };
  if (!job.watch.empty()) {
    ApiDocument suspect = suspect_document(*job.snapshot, job.watch);
    if (suspect.status != 200 && job.before) suspect = suspect_document(*job.before, job.watch);
    if (suspect.status == 200) add(kSuspectFile, std::move(suspect.json));
    ApiDocument series = series_document(*job.snapshot, job.watch, series_, {});
    if (series.status == 200) add(kSeriesFile, std::move(series.json));
  }
  if (job.occasion == EvidenceOccasion::ended) {
    if (job.before) capture_state(*job.before, job, draft);
    capture_kill(job, draft);
  } else {
    capture_state(*job.snapshot, job, draft);
    capture_smaps(job, draft);
  }
  if (const auto waits = profiles_.goroutines_of(job.process))
    add(kGoroutinesFile, goroutine_waits_text(*waits));
  if (profiles_.knows(job.process)) {
    capture_heap(job, draft);
    const auto target = board_.find(job.process);
    if (target && !target->mappings.empty()) add(kMappingsFile, target->mappings);
  }
  if (draft.files.empty()) return;
  const std::string subject = draft.subject;
  const std::string id = store_.put(std::move(draft));
  log_line(LogLevel::info, "evidence was captured",
           {{"id", id}, {"subject", subject}, {"occasion", occasion_name(job.occasion)}});
}

void EvidenceRecorder::capture_state(const Snapshot& snapshot, const Job& job,
                                     EvidenceDraft& draft) {
  const auto watch = std::ranges::find(snapshot.watches, job.watch, id_of);
  if (watch == snapshot.watches.end()) return;
  draft.files.push_back({std::string(kStateFile), state_text(snapshot, *watch)});
}

// The kernel's own account, where it took the process.
void EvidenceRecorder::capture_kill(const Job& job, EvidenceDraft& draft) {
  // A pid that comes round again within that would have to die of the same.
  constexpr double kMostSecondsAgo = 300;
  ApiDocument kill = oom_victim_document(*job.snapshot, job.process.pid,
                                         job.snapshot->time_seconds - kMostSecondsAgo);
  if (kill.status == 200) draft.files.push_back({std::string(kOomFile), std::move(kill.json)});
}

void EvidenceRecorder::capture_smaps(const Job& job, EvidenceDraft& draft) const {
  if (smaps_root_ == nullptr || job.process.pid == 0) return;
  if (const auto summary = read_smaps_summary(*smaps_root_, job.process)) {
    draft.files.push_back({std::string(kSmapsFile), smaps_summary_text(*summary)});
  } else {
    log_line(LogLevel::debug, "no smaps for the evidence",
             {{"subject", draft.subject}, {"error", summary.error().reason}});
  }
}

void EvidenceRecorder::capture_heap(const Job& job, EvidenceDraft& draft) {
  ProfileRequest request;
  request.target = job.process;
  ProfileAnswer heap = profiles_.profile(request);
  if (!heap) {
    log_line(LogLevel::debug, "no heap profile for the evidence",
             {{"subject", draft.subject}, {"error", heap.error().reason}});
    return;
  }
  if (const auto first = first_heap_of(job.process)) {
    if (const auto now = decode_profile(*heap)) {
      draft.files.push_back(
          {std::string(kHeapGrowthFile), gzip(encode_profile(difference(*now, *first)))});
    }
  }
  draft.files.push_back({std::string(kHeapFile), std::move(*heap)});
}

// The oldest heap profile of this process that is kept.
std::optional<Profile> EvidenceRecorder::first_heap_of(const ProcessId& process) const {
  const std::shared_ptr<const EvidenceList> list = store_.list();
  const auto& records = list->records;  // the newest first
  const auto found = std::find_if(records.rbegin(), records.rend(), [&](const auto& record) {
    return record.process == process &&
           std::ranges::count(record.files, kHeapFile, &EvidenceRecord::File::name) > 0;
  });
  if (found == records.rend()) return std::nullopt;
  const Result<std::string> bytes = store_.read(found->id, kHeapFile);
  if (!bytes) return std::nullopt;
  Result<Profile> profile = decode_profile(*bytes);
  return profile ? std::optional(std::move(*profile)) : std::nullopt;
}

void EvidenceRecorder::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
      if (is_stopping_) return;
    }
    capture_next();
  }
}

}  // namespace heapfloor
