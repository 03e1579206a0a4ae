#include "agent/history/recorder.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "agent/series/bytes.h"
#include "agent/series/tiered_ring.h"
#include "agent/trend/state_bytes.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostName = kMostCgroupPathBytes;  // no name is longer
// An end is seen a tick late, and a new process may start before the old one is gone.
constexpr double kHandoverSeconds = 120;
// Rows of older agents end without the evidence of the life.
constexpr std::uint8_t kIncarnationWithoutEvidence = 1;
constexpr std::uint8_t kIncarnationWithoutBuild = 2;
constexpr std::uint8_t kIncarnationWithoutImage = 3;
constexpr std::uint8_t kIncarnationVersion = 4;
constexpr std::uint32_t kMostReadings = 1000000;
constexpr std::uint64_t kMostReadingsOfTick = 8;
constexpr std::uint32_t kMostScopes = 64;
constexpr std::uint32_t kMostDocuments = 1000;
// Of all documents together: HistoryStore reads no row of more than 64 MiB.
constexpr std::size_t kMostDocumentBytes = std::size_t{12} * 1024 * 1024;

// FNV-1a (Fowler, Noll, Vo); never 0, which stands for a boot that cannot be told.
std::uint64_t hash_of(std::string_view boot_id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char byte : boot_id) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
  }
  return boot_id.empty() ? 0 : std::max<std::uint64_t>(hash, 1);
}

// What rows of kinds agent, series and tick begin with.
struct RowHead {
  std::uint64_t boot_hash = 0;
  std::uint64_t tick = 0;
  double wall_offset_seconds = 0;
};

void save_head(ByteWriter& out, const RowHead& head) {
  out.put(HistoryRecorder::kRowVersion);
  out.put(head.boot_hash);
  out.put(head.tick);
  out.put(head.wall_offset_seconds);
}

RowHead take_head(ByteReader& in) {
  RowHead head;
  in.require(in.take<std::uint8_t>() == HistoryRecorder::kRowVersion);
  head.boot_hash = in.take<std::uint64_t>();
  head.tick = in.take<std::uint64_t>();
  head.wall_offset_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
  return head;
}

std::string program_of(std::string_view name, std::string_view group, std::string_view signal) {
  std::string key;
  for (const std::string_view part : {name, group, signal}) {
    key += part;
    key += '\0';
  }
  return key;
}

// Numbers of transitions and incarnations follow the date, so that they go on though the rows
// before them could not be read.
std::uint64_t next_number(std::uint64_t& next, double unix_seconds) {
  constexpr double kMostMilliseconds = 2e14;
  const double milliseconds = std::clamp(unix_seconds * 1000, 0.0, kMostMilliseconds);
  const std::uint64_t number = std::max(next, static_cast<std::uint64_t>(milliseconds));
  next = number + 1;
  return number;
}

}  // namespace

void save_incarnation(ByteWriter& out, const Incarnation& incarnation) {
  out.put(kIncarnationVersion);
  for (const std::string* const text :
       {&incarnation.scope, &incarnation.name, &incarnation.group, &incarnation.signal}) {
    out.put_text(*text);
  }
  out.put(incarnation.reason);
  out.put(incarnation.state);
  for (const double number :
       {incarnation.start_unix_seconds, incarnation.end_unix_seconds, incarnation.window_seconds,
        incarnation.growth.estimate, incarnation.growth.low, incarnation.growth.high,
        incarnation.floor_bytes, incarnation.last_bytes}) {
    out.put(number);
  }
  out.put(incarnation.life.was_rising);
  out.put(incarnation.life.evidence_seconds);
  save_build(out, incarnation.build);
  incarnation.course.save(out);
}

bool restore_incarnation(ByteReader& in, Incarnation& incarnation) {
  constexpr double kMost = 1e20;
  const auto version = in.take<std::uint8_t>();
  in.require(version >= kIncarnationWithoutEvidence && version <= kIncarnationVersion);
  for (std::string* const text :
       {&incarnation.scope, &incarnation.name, &incarnation.group, &incarnation.signal}) {
    *text = in.take_text(kMostName);
  }
  incarnation.reason = in.take_enum<EndReason>(kEndReasons);
  incarnation.state = in.take_enum<LeakState>(kLeakStates);
  for (double* const number :
       {&incarnation.start_unix_seconds, &incarnation.end_unix_seconds, &incarnation.window_seconds,
        &incarnation.growth.estimate, &incarnation.growth.low, &incarnation.growth.high,
        &incarnation.floor_bytes, &incarnation.last_bytes}) {
    *number = in.take_number<double>(-kMost, kMost);
  }
  if (version >= kIncarnationWithoutBuild) {
    incarnation.life.was_rising = in.take_flag();
    incarnation.life.evidence_seconds = in.take_number<double>(0, kMost);
  }
  if (version >= kIncarnationWithoutImage) {
    incarnation.build = take_build(in, version > kIncarnationWithoutImage);
    in.require(incarnation.course.restore(in));
  }
  incarnation.life.growth_per_second = incarnation.growth.estimate;
  return in.finished();
}

RestoreReport HistoryRecorder::restore(const Source& source, const HistoryTime& now,
                                       WatchList& watches, const AgentTotals& totals) {
  RestoreReport report;
  boot_hash_ = hash_of(now.boot_id);
  source(RowKind::incarnation, [this](const HistoryRow& row) {
    Incarnation incarnation;
    ByteReader in(row.bytes);
    if (restore_incarnation(in, incarnation)) remember(row.id.number, std::move(incarnation));
  });
  source(RowKind::series,
         [&](const HistoryRow& row) { restore_series(row, now, watches, report); });
  source(RowKind::tick, [&](const HistoryRow& row) { restore_tick(row, now, watches); });
  source(RowKind::agent, [&](const HistoryRow& row) { restore_agent(row, now, totals, report); });
  for (auto& [key, entry] : entries_) {
    entry.state = watches.find(key)->judge.state();
    entry.readings = watches.find(key)->readings;
    entry.has_ended = watches.find(key)->ended_seconds.has_value();
    if (batch_.starts_anew) entry.copied_tick = 0;
  }
  restored_.clear();
  bury(report);
  return report;
}

void HistoryRecorder::restore_series(const HistoryRow& row, const HistoryTime& now,
                                     WatchList& watches, RestoreReport& report) {
  ByteReader in(row.bytes);
  const RowHead head = take_head(in);
  TieredRing ring;
  std::unique_ptr<Watch> watch = watches.read(in, ring);
  // Older agents kept nothing beside it.
  const std::string beside = in.rest().empty() ? "" : in.take_bytes(kMostBesideBytes);
  const bool is_whole = watch && in.finished();
  next_series_ = std::max(next_series_, row.id.number + 1);
  tick_ = std::max(tick_, head.tick);
  const bool is_this_boot = boot_hash_ != 0 && head.boot_hash == boot_hash_;
  if (is_whole && !is_this_boot) {
    batch_.starts_anew = true;
    // A reboot of this host ends nothing elsewhere. The axis of its times is another one now: its
    // target's server gives the past again.
    if (watch->key.kind == EntityKind::external) return;
    ended_[row.id.number] = {std::move(watch), head.boot_hash, head.tick, head.wall_offset_seconds};
    return;
  }
  const double seen_seconds = watch ? watch->last_seen_seconds : 0;
  const Watch* const taken = is_whole && seen_seconds <= now.time_seconds
                                 ? watches.restore(std::move(watch), std::move(ring))
                                 : nullptr;
  if (taken == nullptr) {
    ++report.discarded;
    batch_.erased.push_back(row.id);
    return;
  }
  ++report.watches;
  Entry& entry = entries_[taken->key];
  entry.number = row.id.number;
  entry.copied_tick = head.tick;
  entry.recorded_seconds = taken->last_reading.time_seconds;
  restored_.emplace(row.id.number, taken->key);
  if (!beside.empty()) restore_beside_(*taken, beside);
}

void HistoryRecorder::restore_tick(const HistoryRow& row, const HistoryTime& now,
                                   WatchList& watches) {
  ByteReader in(row.bytes);
  const RowHead head = take_head(in);
  if (in.failed()) return;
  tick_ = std::max(tick_, head.tick);
  const bool is_this_boot = boot_hash_ != 0 && head.boot_hash == boot_hash_;
  const auto count = in.take_at_most<std::uint32_t>(kMostReadings);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const auto number = in.take<std::uint64_t>();
    const Observation reading = take_observation(in);
    const auto gone = ended_.find(number);
    if (!in.failed() && gone != ended_.end() && gone->second.boot_hash == head.boot_hash)
      bring_up_to_date(gone->second, head.tick, reading);
    const auto found = is_this_boot ? restored_.find(number) : restored_.end();
    if (in.failed() || found == restored_.end()) continue;
    Entry& entry = entries_.at(found->second);
    const bool is_new = reading.time_seconds > entry.recorded_seconds &&
                        reading.time_seconds <= now.time_seconds && head.tick > entry.copied_tick;
    if (!is_new) continue;
    watches.replay(found->second, reading);
    entry.recorded_seconds = reading.time_seconds;
  }
}

void HistoryRecorder::bring_up_to_date(Ended& ended, std::uint64_t tick,
                                       const Observation& reading) const {
  Watch& watch = *ended.watch;
  if (tick <= ended.copied_tick || reading.time_seconds <= watch.last_reading.time_seconds) return;
  watch.last_reading = reading;
  watch.last_value = reading.value;
  watch.last_seen_seconds = reading.time_seconds;
  if (!watch.detector.observe(reading)) return;
  const Verdict& verdict = watch.detector.verdict();
  watch.judge.step(verdict, reading.time_seconds, verdict.floor);
}

void HistoryRecorder::bury(RestoreReport& report) {
  for (const auto& [number, ended] : ended_) {
    ++report.ended_by_reboot;
    const Watch& watch = *ended.watch;
    if (!watch.ended_seconds)
      keep(watch, EndReason::reboot, watch.last_seen_seconds, ended.wall_offset_seconds);
  }
  ended_.clear();
}

void HistoryRecorder::restore_agent(const HistoryRow& row, const HistoryTime& now,
                                    const AgentTotals& totals, RestoreReport& report) {
  ByteReader in(row.bytes);
  const RowHead head = take_head(in);
  const auto time_seconds = in.take_number<double>(-kMostSeconds, kMostSeconds);
  const auto scopes = in.take_at_most<std::uint32_t>(kMostScopes);
  std::map<std::string, std::uint64_t> leaks = *totals.leaks_detected;
  for (std::uint32_t i = 0; i < scopes && !in.failed(); ++i) {
    std::string scope = in.take_text(kMostName);
    leaks[std::move(scope)] = in.take<std::uint64_t>();
  }
  std::map<std::string, std::string> documents;
  const auto document_count = in.take_at_most<std::uint32_t>(kMostDocuments);
  for (std::uint32_t i = 0; i < document_count && !in.failed(); ++i) {
    std::string name = in.take_text(kMostName);
    documents[std::move(name)] = in.take_bytes(kMostDocumentBytes);
  }
  if (in.failed()) return;
  if (totals.documents != nullptr) *totals.documents = std::move(documents);
  *totals.leaks_detected = std::move(leaks);
  tick_ = std::max(tick_, head.tick);
  const bool is_this_boot = boot_hash_ != 0 && head.boot_hash == boot_hash_;
  if (!is_this_boot || time_seconds > now.time_seconds) return;
  report.alerts = totals.alerts->restore(in);
}

void HistoryRecorder::note_transition(const Watch& watch, LeakState before,
                                      const HistoryTime& now) {
  const double unix_seconds = now.time_seconds + now.wall_offset_seconds;
  std::string bytes;
  ByteWriter out(bytes);
  save_head(out, {boot_hash_, tick_ + 1, now.wall_offset_seconds});
  out.put(now.time_seconds);
  out.put(before);
  out.put(watch.judge.state());
  out.put_text(watch.id());
  out.put_text(watch.life_name());
  out.put_text(watch.group);
  save_verdict(out, watch.detector.verdict());
  put(RowKind::transition, next_number(next_transition_, unix_seconds), std::move(bytes));
}

void HistoryRecorder::note_end(const Watch& watch, const HistoryTime& now) {
  keep(watch, EndReason::exited, now.time_seconds, now.wall_offset_seconds);
}

void HistoryRecorder::note_exec(const Watch& watch, const HistoryTime& now) {
  keep(watch, EndReason::exec, now.time_seconds, now.wall_offset_seconds);
}

// One that was never judged leaves nothing to compare with but that its build ran: one such life of
// a build is enough to know that, and takes no place from a program that was.
bool HistoryRecorder::is_worth_keeping(const Watch& watch) const {
  if (watch.judge.state() != LeakState::learning) return true;
  if (!watch.build) return false;
  const auto found =
      programs_.find(program_of(watch.life_name(), watch.group, signal_name(watch.key.signal)));
  if (found == programs_.end()) return programs_.size() < kMostPrograms;
  return std::ranges::none_of(found->second, [&watch](const Stored& stored) {
    return stored.incarnation.build && stored.incarnation.build->is_same_build(*watch.build);
  });
}

void HistoryRecorder::keep(const Watch& watch, EndReason reason, double end_seconds,
                           double wall_offset_seconds) {
  if (!is_worth_keeping(watch)) return;
  const Verdict& verdict = watch.detector.verdict();
  const bool is_rising =
      verdict.evidence == Evidence::held || verdict.evidence == Evidence::confirmed;
  Incarnation incarnation;
  incarnation.scope = std::string(watch.scope());
  incarnation.name = watch.life_name();
  incarnation.group = watch.group;
  incarnation.signal = std::string(signal_name(watch.key.signal));
  incarnation.start_unix_seconds = wall_offset_seconds + watch.run_start_seconds();
  incarnation.end_unix_seconds = wall_offset_seconds + end_seconds;
  incarnation.reason = reason;
  incarnation.state = watch.judge.state();
  incarnation.window_seconds = verdict.window_end_seconds - verdict.window_start_seconds;
  if (is_rising) incarnation.growth = verdict.growth;
  incarnation.floor_bytes = verdict.floor;
  incarnation.last_bytes = watch.last_value;
  incarnation.life = life_of(verdict);
  incarnation.build = watch.build;
  incarnation.course = watch.detector.course();
  const std::uint64_t number = next_number(next_incarnation_, incarnation.end_unix_seconds);
  put_incarnation(number, incarnation);
  remember(number, std::move(incarnation));
}

void HistoryRecorder::remember(std::uint64_t number, Incarnation incarnation) {
  const auto forget = [this](const Stored& stored) {
    batch_.erased.push_back({RowKind::incarnation, stored.number});
  };
  next_incarnation_ = std::max(next_incarnation_, number + 1);
  std::deque<Stored>& lives =
      programs_[program_of(incarnation.name, incarnation.group, incarnation.signal)];
  lives.push_back({number, std::move(incarnation)});
  if (lives.size() > kIncarnations) {
    const auto last = lives.begin() + static_cast<std::ptrdiff_t>(least_telling(lives));
    forget(*last);
    lives.erase(last);
  }
  if (programs_.size() <= kMostPrograms) return;
  const auto oldest = std::ranges::min_element(programs_, {}, [](const auto& program) {
    const bool is_judged = std::ranges::any_of(program.second, [](const Stored& stored) {
      return stored.incarnation.state != LeakState::learning;
    });
    return std::pair(is_judged, program.second.back().number);
  });
  for (const Stored& stored : oldest->second) forget(stored);
  programs_.erase(oldest);
}

// The oldest of the build that has the most: a crash loop of one build leaves what is known of the
// others.
std::size_t HistoryRecorder::least_telling(const std::deque<Stored>& lives) {
  const auto is_alike = [](const SharedBuild& a, const SharedBuild& b) {
    return a && b ? a->is_same_build(*b) : !a && !b;
  };
  std::size_t chosen = 0;
  std::ptrdiff_t most = 0;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    const auto count = std::ranges::count_if(lives, [&](const Stored& other) {
      return is_alike(lives[i].incarnation.build, other.incarnation.build);
    });
    if (count <= most) continue;
    chosen = i;
    most = count;
  }
  return chosen;
}

void HistoryRecorder::put(RowKind kind, std::uint64_t number, std::string bytes) {
  batch_.rows.push_back({{kind, number}, 0, std::move(bytes)});
}

void HistoryRecorder::put_incarnation(std::uint64_t number, const Incarnation& incarnation) {
  std::string bytes;
  ByteWriter out(bytes);
  save_incarnation(out, incarnation);
  put(RowKind::incarnation, number, std::move(bytes));
}

// A row of a tick has one reading of a series. Of those that come late several may be in it: their
// last alone goes on over a restart, unless they are so many that the series has to be copied.
bool HistoryRecorder::is_due(const Entry& entry, const Watch& watch) const {
  return entry.copied_tick == 0 || watch.readings - entry.readings > kMostReadingsOfTick ||
         entry.state != watch.judge.state() || entry.has_ended != watch.ended_seconds.has_value() ||
         entry.number % kTicksPerCopy == tick_ % kTicksPerCopy ||
         tick_ - entry.copied_tick >= kTicksPerCopy;
}

void HistoryRecorder::copy(const WatchList& watches, const Watch& watch, const std::string& beside,
                           Entry& entry) {
  std::string bytes;
  ByteWriter out(bytes);
  save_head(out, {boot_hash_, tick_, batch_.unix_seconds - batch_.time_seconds});
  watches.save(out, watch);
  out.put_bytes(beside.size() <= kMostBesideBytes ? beside : std::string());
  put(RowKind::series, entry.number, std::move(bytes));
  entry.copied_tick = tick_;
  entry.state = watch.judge.state();
  entry.has_ended = watch.ended_seconds.has_value();
}

// The smallest first: what does not fit is the fewest.
void HistoryRecorder::put_documents(ByteWriter& out,
                                    const std::map<std::string, std::string>* documents) const {
  std::vector<const std::pair<const std::string, std::string>*> kept;
  if (documents != nullptr) {
    for (const auto& document : *documents) kept.push_back(&document);
  }
  std::ranges::sort(kept, {}, [](const auto* document) { return document->second.size(); });
  std::size_t bytes = 0;
  const auto fits = [&bytes](const auto* document) {
    bytes += document->second.size();
    return bytes <= kMostDocumentBytes;
  };
  kept.erase(std::ranges::find_if_not(kept, fits), kept.end());
  out.put(static_cast<std::uint32_t>(kept.size()));
  for (const auto* const document : kept) {
    out.put_text(document->first);
    out.put_bytes(document->second);
  }
}

std::string HistoryRecorder::agent_bytes(const AgentTotals& totals, const HistoryTime& now) const {
  std::string bytes;
  ByteWriter out(bytes);
  save_head(out, {boot_hash_, tick_, now.wall_offset_seconds});
  out.put(now.time_seconds);
  out.put(static_cast<std::uint32_t>(totals.leaks_detected->size()));
  for (const auto& [scope, count] : *totals.leaks_detected) {
    out.put_text(scope);
    out.put(count);
  }
  put_documents(out, totals.documents);
  totals.alerts->save(out);
  return bytes;
}

bool HistoryRecorder::must_write_all(std::uint64_t losses) {
  const bool was_lately = whole_tick_ != 0 && tick_ - whole_tick_ < kTicksPerCopy;
  if (losses <= losses_seen_ || was_lately) return false;
  losses_seen_ = losses;
  whole_tick_ = tick_;
  return true;
}

// Batches were lost: rows that they should have erased would come back as living series, and lives
// that they held would be missing.
void HistoryRecorder::write_anew() {
  batch_.starts_anew = true;
  for (const auto& [program, lives] : programs_) {
    for (const Stored& stored : lives) put_incarnation(stored.number, stored.incarnation);
  }
}

HistoryBatch HistoryRecorder::record(const WatchList& watches, const AgentTotals& totals,
                                     const HistoryTime& now, std::uint64_t losses,
                                     const Beside& beside) {
  ++tick_;
  batch_.time_seconds = now.time_seconds;
  batch_.unix_seconds = now.time_seconds + now.wall_offset_seconds;
  const bool all = must_write_all(losses);
  if (all) write_anew();
  std::string readings;
  ByteWriter out(readings);
  std::uint32_t count = 0;
  watches.for_each([&](const Watch& watch) {
    const auto [found, is_new] = entries_.try_emplace(watch.key);
    Entry& entry = found->second;
    if (is_new) entry.number = next_series_++;
    if (all) entry.copied_tick = 0;
    entry.seen_tick = tick_;
    const double read_seconds = watch.last_reading.time_seconds;
    const bool is_read = read_seconds > std::exchange(entry.recorded_seconds, read_seconds);
    const bool is_copied = is_due(entry, watch);
    entry.readings = watch.readings;
    if (is_copied) return copy(watches, watch, beside(watch), entry);
    if (!is_read) return;
    out.put(entry.number);
    save_observation(out, watch.last_reading);
    ++count;
  });
  std::erase_if(entries_, [this](const auto& item) {
    if (item.second.seen_tick == tick_) return false;
    batch_.erased.push_back({RowKind::series, item.second.number});
    return true;
  });
  std::string tick;
  ByteWriter head(tick);
  save_head(head, {boot_hash_, tick_, now.wall_offset_seconds});
  head.put(count);
  put(RowKind::tick, tick_, tick + readings);
  put(RowKind::agent, 0, agent_bytes(totals, now));
  batch_.first_tick = tick_ > 2 * kTicksPerCopy ? tick_ - 2 * kTicksPerCopy : 0;
  for (HistoryRow& row : batch_.rows) row.unix_seconds = batch_.unix_seconds;
  return std::exchange(batch_, HistoryBatch());
}

std::vector<Incarnation> HistoryRecorder::incarnations(std::string_view name,
                                                       std::string_view group,
                                                       std::string_view signal) const {
  std::vector<Incarnation> lives;
  const auto found = programs_.find(program_of(name, group, signal));
  if (found == programs_.end()) return lives;
  for (const Stored& stored : found->second) {
    if (stored.incarnation.state != LeakState::learning) lives.push_back(stored.incarnation);
  }
  return lives;
}

std::vector<BuildRun> HistoryRecorder::build_runs(std::string_view name, std::string_view group,
                                                  std::string_view signal) const {
  std::vector<BuildRun> runs;
  const auto found = programs_.find(program_of(name, group, signal));
  if (found == programs_.end()) return runs;
  for (const Stored& stored : found->second) {
    const Incarnation& life = stored.incarnation;
    runs.push_back({life.build, life.start_unix_seconds, life.end_unix_seconds, life.course});
  }
  return runs;
}

EarlierLives HistoryRecorder::earlier_lives(std::string_view name, std::string_view group,
                                            std::string_view signal,
                                            double start_unix_seconds) const {
  EarlierLives earlier;
  const auto found = programs_.find(program_of(name, group, signal));
  if (found == programs_.end()) return earlier;
  double free_from = -std::numeric_limits<double>::infinity();
  for (const Stored& stored : found->second) {
    const Incarnation& before = stored.incarnation;
    if (before.state == LeakState::learning) continue;
    if (before.start_unix_seconds < free_from - kHandoverSeconds ||
        before.end_unix_seconds > start_unix_seconds + kHandoverSeconds) {
      continue;
    }
    earlier.add(before.life);
    free_from = before.end_unix_seconds;
  }
  return earlier;
}

}  // namespace heapfloor
