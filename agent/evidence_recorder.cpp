#include "agent/evidence_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agent/exposition/api_json.h"
#include "agent/exposition/text_format.h"
#include "agent/log.h"

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

// What several signals of one process have in common.
std::string key_of(const ProcessId& process, const std::string& subject) {
  return process.pid == 0 ? subject : fmt::format("{}:{}", process.pid, process.start_ticks);
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
  note_ended(snapshot);
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
    const bool is_known = before != states_.end() && before->second == watch.state;
    if (is_known || watch.state_since_seconds < snapshot->started_seconds) continue;
    ask({snapshot, *occasion, id, watch.subject, watch.group, watch.process});
  }
  std::swap(states_, states);
}

// Of programs that were too small to be watched nothing is kept: a build starts thousands.
void EvidenceRecorder::note_ended(const std::shared_ptr<const Snapshot>& snapshot) {
  if (ended_.size() > kMostEnded) ended_.clear();
  const std::vector<ProbeBoard::Presence> presence = board_.presence();
  for (const ProbeBoard::Presence& target : presence) {
    const auto watched = watched_.find(target.id);
    if (!target.has_ended || watched == watched_.end()) continue;
    if (!ended_.insert(target.id).second) continue;
    Job job{snapshot, EvidenceOccasion::ended, {}, {}, watched->second, target.id};
    job.subject = fmt::format("process:{}:{}", target.id.pid, target.id.start_ticks);
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
    if (suspect.status == 200) add(kSuspectFile, std::move(suspect.json));
    ApiDocument series = series_document(*job.snapshot, job.watch, series_, {});
    if (series.status == 200) add(kSeriesFile, std::move(series.json));
  }
  if (const auto target = board_.find(job.process)) {
    ProfileRequest request;
    request.target = job.process;
    if (ProfileAnswer profile = profiles_.profile(request)) {
      add(kHeapFile, std::move(*profile));
    } else {
      log_line(LogLevel::debug, "no heap profile for the evidence",
               {{"subject", draft.subject}, {"error", profile.error().reason}});
    }
    if (!target->mappings.empty()) add(kMappingsFile, target->mappings);
  }
  if (draft.files.empty()) return;
  const std::string subject = draft.subject;
  const std::string id = store_.put(std::move(draft));
  log_line(LogLevel::info, "evidence was captured",
           {{"id", id}, {"subject", subject}, {"occasion", occasion_name(job.occasion)}});
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
