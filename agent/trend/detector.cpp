#include "agent/trend/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "agent/trend/forecast.h"
#include "agent/trend/statistics.h"
#include "agent/trend/time_constants.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLeastSeasonFloors = 18;  // of two seasons, gaps left out
constexpr double kLargestValue = 9.2e18;
constexpr double kLargestLimit = 1e20;  // beyond all memory: as good as none
constexpr double kLargestTime =
    1e12;  // 30 000 years: a later reading is a mistake that would silence the series
constexpr std::size_t kLeastSparsePoints = 5;
constexpr double kStaleSparseGaps =
    4;  // without a compaction for so long, the sparse ring says nothing
constexpr double kFilterGapBuckets =
    5;  // readings from before a longer gap do not filter those after it
constexpr double kNearlyFullRatio = 0.75;
// A refuted asymptote was overshot by half of the growth that it foretold.
constexpr double kRefutingOvershoot = 0.5;

bool is_evidence(Evidence evidence) {
  return evidence == Evidence::held || evidence == Evidence::confirmed;
}

}  // namespace

Detector::Detector(const TrendPolicy& policy, SignalTraits traits)
    : policy_(&policy),
      pyramid_(policy.bucket_seconds, policy.ring, scaled_hours(policy, policy.history_days * 24),
               season_seconds(policy)),
      season_(season_seconds(policy)),
      status_(pyramid_.levels()),
      troughs_(policy.trough_fall_ratio, policy.trough_regain_ratio),
      traits_(traits) {}

bool Detector::plausible(const Observation& observation) const {
  const double time = observation.time_seconds;
  const double value = observation.value;
  return std::abs(time) <= kLargestTime && std::isfinite(value) && value >= 0 &&
         value <= kLargestValue && (!started_ || time >= now_seconds_);
}

bool Detector::observe(const Observation& observation) {
  if (!plausible(observation)) {
    return false;
  }
  const double time = observation.time_seconds;
  if (!started_) {
    started_ = true;
    start_seconds_ = time;
  } else if (time - now_seconds_ > kFilterGapBuckets * policy_->bucket_seconds) {
    filter_.clear();
  }
  now_seconds_ = time;
  if (observation.limit && *observation.limit > 0 && *observation.limit <= kLargestLimit) {
    limit_ = *observation.limit;
    has_limit_ = true;
  }
  const bool judged = take(observation);
  if (observation.load) pyramid_.note_load(*observation.load);
  return judged;
}

bool Detector::take(const Observation& observation) {
  const double time = observation.time_seconds;
  switch (traits_) {
    case SignalTraits::unmarked:
      return take_unmarked(time, observation.value);
    case SignalTraits::gc_marked:
      return take_gc_marked(observation);
    case SignalTraits::exact:
      break;
  }
  if (observation.epoch) {
    compactions_ += has_epoch_ && *observation.epoch > last_epoch_ ? 1U : 0U;
    last_epoch_ = *observation.epoch;
    has_epoch_ = true;
  }
  const bool closed = add_floor(time, observation.value);
  bucket_peak_ = closed ? static_cast<float>(observation.value)
                        : std::max(bucket_peak_, static_cast<float>(observation.value));
  return closed;
}

bool Detector::take_unmarked(double time_seconds, double value) {
  const double filtered = filter_.push(value);
  bool judged = false;
  if (const auto trough = troughs_.push(time_seconds, filtered)) {
    judged = add_compaction(trough->time_seconds, trough->value, trough->peak);
  }
  const bool closed = add_floor(time_seconds, filtered);
  const auto reading = static_cast<float>(value);
  bucket_peak_ = closed ? reading : std::max(bucket_peak_, reading);
  return closed || judged;
}

bool Detector::take_gc_marked(const Observation& observation) {
  const double value = observation.value;
  const auto peak = static_cast<double>(bucket_peak_);
  highest_ = std::max(highest_, static_cast<float>(value));
  bucket_peak_ = std::max(bucket_peak_, static_cast<float>(value));
  if (!observation.epoch) {
    return false;
  }
  const bool advanced = has_epoch_ && *observation.epoch > last_epoch_;
  last_epoch_ = *observation.epoch;
  has_epoch_ = true;
  if (!advanced) {
    return false;
  }
  bucket_peak_ = static_cast<float>(value);
  const bool judged = add_compaction(observation.time_seconds, value, std::max(peak, value));
  return add_floor(observation.time_seconds, value) || judged;
}

bool Detector::add_compaction(double time_seconds, double value, double peak) {
  ++compactions_;
  measure_amplitude(peak, value);
  tooth_growth_.push(value, std::max(0.0, peak - value));
  if (!sparse_.push(time_seconds, value)) {
    return false;
  }
  evaluate_sparse();
  return true;
}

void Detector::measure_amplitude(double peak, double floor) {
  // Above the fitted line where there is one: below it lies the growth itself.
  double reference = floor;
  if (is_evidence(verdict_.evidence) && traits_ != SignalTraits::gc_marked) {
    reference = line_at(verdict_, now_seconds_);
  }
  amplitude_.push(std::max(0.0, peak - reference));
}

bool Detector::add_floor(double time_seconds, double value) {
  const bool has_part_closed = season_.push(time_seconds, value);
  const std::size_t closed = pyramid_.push(time_seconds, value);
  if (closed == 0) {
    return false;
  }
  if (traits_ != SignalTraits::gc_marked) {
    const double floor = pyramid_.latest(0);
    measure_amplitude(static_cast<double>(bucket_peak_),
                      std::min(floor, static_cast<double>(last_floor_ > 0 ? last_floor_ : floor)));
    last_floor_ = static_cast<float>(floor);
  }
  Candidate candidate;
  for (std::size_t level = 0; level < closed; ++level) {
    evaluate_level(level, candidate);
  }
  for (std::size_t level = closed; level < std::min(closed + 2, status_.size()); ++level) {
    if (status_[level].hits > 0 && status_[level].hits < policy_->persistence)
      confirm_open(level, candidate);
  }
  if (has_part_closed) evaluate_season(candidate);
  decide(candidate);
  return true;
}

void Detector::update_undone_rise(const FloorWindow& floors, LevelStatus& status) const {
  const double before = static_cast<double>(status.largest_undone_rise) * policy_->precedent_decay;
  status.largest_undone_rise = static_cast<float>(
      std::max(before, largest_undone_rise({floors.values.data(), floors.size})));
}

// Rises that were undone at finer levels were too short to be seen at this one.
GateContext Detector::context(std::size_t level) const {
  double undone = 0;
  const std::size_t last = std::min(level + 2, status_.size() - 1);
  for (std::size_t k = level; k <= last; ++k) {
    undone = std::max(undone, static_cast<double>(status_[k].largest_undone_rise));
  }
  GateContext result(*policy_);
  result.traits = traits_;
  result.now_seconds = now_seconds_;
  result.history_start_seconds = start_seconds_;
  result.largest_undone_rise = undone;
  result.compactions = compactions_;
  result.earlier = earlier_;
  if (has_limit_) {
    result.limit = limit_;
  } else if (traits_ == SignalTraits::gc_marked &&
             pyramid_.latest(0) >= kNearlyFullRatio * static_cast<double>(highest_)) {
    // A heap whose collections free little is as good as full at its own highest reading.
    result.limit = static_cast<double>(highest_);
    result.limit_is_inferred = true;
  }
  if (asymptote_to_exceed_ > 0) {
    result.asymptote_to_exceed = static_cast<double>(asymptote_to_exceed_);
    result.asymptote_window_seconds = static_cast<double>(asymptote_window_seconds_);
  }
  return result;
}

// Necessary conditions for evidence, at the price of a few comparisons: the gate that cannot pass,
// if any.
//
// Every window needs its newest three floors above all floors before it, so none passes when the
// ring's are not above those that left the ring; and the CUSUM of the floors must have gathered a
// quarter of the least rise of gate 2. Where the time of day may hide a rise, only the full test
// decides.
std::optional<Gate> Detector::prescreen(const FloorWindow& floors,
                                        const LevelStatus& status) const {
  const std::size_t n = floors.size;
  const double span = floors.times[n - 1] - floors.times[0];
  const double season = season_seconds(*policy_);
  const bool seasonal =
      span >= policy_->seasonal_span_days * season && floors.bucket_seconds <= season / 4;
  if (!policy_->prescreen || seasonal) {
    return std::nullopt;
  }
  const double top = median({floors.values.data() + n - 3, 3});
  if (top < floors.prior_maximum + policy_->minimum_rise_bytes) {
    return Gate::record;
  }
  const double least =
      std::max(policy_->minimum_rise_bytes, policy_->minimum_rise_ratio * floors.values[0] / 2);
  if (!is_evidence(status.evidence) && static_cast<double>(status.rise) < least / 4) {
    return Gate::size;
  }
  return std::nullopt;
}

FloorWindow Detector::floors_at(std::int32_t place) const {
  FloorWindow floors;
  if (place == kSparseLevel) {
    sparse_.read(floors);
  } else if (place == kSeasonLevel) {
    season_.read(floors);
  } else {
    pyramid_.read(static_cast<std::size_t>(place), floors);
  }
  return floors;
}

const Detector::LevelStatus& Detector::status_at(std::int32_t place) const {
  if (place == kSparseLevel) return sparse_status_;
  return place == kSeasonLevel ? season_status_ : status_[static_cast<std::size_t>(place)];
}

Verdict Detector::best_window(const FloorWindow& floors, std::int32_t place) {
  const bool sparse = place == kSparseLevel;
  const std::size_t n = floors.size;
  const std::size_t least = policy_->minimum_floors;
  if (n < (sparse ? kLeastSparsePoints : least)) return {};  // of a state that was damaged
  const std::array<std::size_t, 3> sizes = {n, std::max(least, 3 * n / 4), std::max(least, n / 2)};
  const GateContext gate_context =
      context(place < 0 ? like_level(floors) : static_cast<std::size_t>(place));
  Verdict best;
  int best_rank = -1;
  std::size_t previous = 0;
  for (const std::size_t size : sizes) {
    if (size == previous || (sparse && size != n)) {
      continue;
    }
    previous = size;
    const std::size_t first = n - size;
    double prior = floors.prior_maximum;
    for (std::size_t i = 0; i < first; ++i) {
      prior = std::max(prior, std::min(floors.values[i], floors.values[i + 1]));
    }
    const Verdict verdict = run_gates({{floors.times.data() + first, size},
                                       {floors.values.data() + first, size},
                                       floors.bucket_seconds,
                                       prior,
                                       sparse,
                                       place == kSeasonLevel,
                                       {floors.loads.data() + first, floors.has_loads ? size : 0}},
                                      gate_context);
    const int gate =
        verdict.deciding_gate ? static_cast<int>(*verdict.deciding_gate) : static_cast<int>(kGates);
    const int rank = static_cast<int>(verdict.evidence) * 100 + gate;
    if (rank > best_rank) {
      best_rank = rank;
      best = verdict;
    }
    if (verdict.evidence == Evidence::confirmed) {
      break;
    }
  }
  ++full_tests_;
  best.level = place;
  return best;
}

// Gate 12, and the level's memory of this close.
void Detector::note(LevelStatus& status, Verdict& verdict) const {
  if (verdict.evidence == Evidence::confirmed) {
    status.hits = static_cast<std::uint8_t>(std::min(status.hits + 1, 255));
    const bool persistent = status.hits >= policy_->persistence;
    GateResult& gate = verdict.gates[static_cast<std::size_t>(Gate::persistence)];
    gate.outcome = persistent ? GateOutcome::passed : GateOutcome::failed;
    gate.measured = static_cast<float>(status.hits);
    gate.required = static_cast<float>(policy_->persistence);
    if (!persistent) {
      verdict.evidence = Evidence::held;
      verdict.deciding_gate = Gate::persistence;
    }
  } else {
    status.hits = 0;
  }
  status.evidence = verdict.evidence;
  status.gate = static_cast<std::uint8_t>(
      verdict.deciding_gate ? static_cast<std::size_t>(*verdict.deciding_gate) : kGates);
  status.evidence_seconds = static_cast<float>(verdict.evidence_seconds);
}

// CUSUM of the level's floor increments, less half of the smallest slope worth catching.
void Detector::gather_rise(const FloorWindow& floors, LevelStatus& status) const {
  if (floors.size < 2) {
    return;
  }
  const double newest = floors.values[floors.size - 1];
  const double step = newest - floors.values[floors.size - 2];
  const double least = std::max(policy_->minimum_rise_bytes, policy_->minimum_rise_ratio * newest);
  const double drift = least / (2.0 * policy_->ring);
  const double rise = static_cast<double>(status.rise) + step - drift;
  status.rise = static_cast<float>(std::clamp(rise, 0.0, kLargestValue));  // falls may lie in gaps
}

// The full test only where the pre-screen leaves hope.
Verdict Detector::judge_level(const FloorWindow& floors, std::size_t level) {
  const auto place = static_cast<std::int32_t>(level);
  Verdict verdict;
  verdict.level = place;
  verdict.floors = static_cast<std::uint32_t>(floors.size);
  if (floors.size < policy_->minimum_floors) return verdict;
  const LevelStatus& status = status_[level];
  const std::optional<Gate> hopeless = prescreen(floors, status);
  if (!hopeless) return best_window(floors, place);
  verdict.evidence = Evidence::none;
  verdict.deciding_gate = *hopeless;
  GateResult& gate = verdict.gates[static_cast<std::size_t>(*hopeless)];
  gate.outcome = GateOutcome::failed;
  const bool record = *hopeless == Gate::record;
  gate.measured = record ? static_cast<float>(floors.values[floors.size - 1]) : status.rise;
  gate.required =
      static_cast<float>((record ? floors.prior_maximum : 0) + policy_->minimum_rise_bytes);
  return verdict;
}

void Detector::evaluate_level(std::size_t level, Candidate& candidate) {
  LevelStatus& status = status_[level];
  FloorWindow floors;
  pyramid_.read(level, floors);
  gather_rise(floors, status);
  const bool enough = floors.size >= policy_->minimum_floors;
  if (enough) update_undone_rise(floors, status);
  Verdict verdict = judge_level(floors, level);
  if (enough) {
    note(status, verdict);
  } else {
    status.evidence = Evidence::too_few_floors;
    status.hits = 0;
  }
  if (!candidate.any || stronger(status, candidate.status))
    candidate = {verdict, status, verdict.level, true};
}

// A coarse level need not wait for its next close: what it confirmed once is confirmed by what was
// seen of the open bucket as well.
void Detector::confirm_open(std::size_t level, Candidate& candidate) {
  FloorWindow floors;
  if (!pyramid_.read_with_open(level, now_seconds_, floors)) return;
  Verdict verdict = best_window(floors, static_cast<std::int32_t>(level));
  if (verdict.evidence != Evidence::confirmed) return;
  LevelStatus& status = status_[level];
  note(status, verdict);
  if (!candidate.any || stronger(status, candidate.status))
    candidate = {verdict, status, verdict.level, true};
}

void Detector::evaluate_season(Candidate& candidate) {
  const FloorWindow floors = floors_at(kSeasonLevel);
  season_status_.evidence = Evidence::none;
  if (floors.size < kLeastSeasonFloors) return;
  Verdict verdict = best_window(floors, kSeasonLevel);
  note(season_status_, verdict);
  if (!candidate.any || stronger(season_status_, candidate.status))
    candidate = {verdict, season_status_, kSeasonLevel, true};
}

void Detector::evaluate_sparse() {
  const FloorWindow floors = floors_at(kSparseLevel);
  if (floors.size < kLeastSparsePoints) {
    return;
  }
  Candidate candidate;
  candidate.verdict = best_window(floors, kSparseLevel);
  note(sparse_status_, candidate.verdict);
  candidate.level = kSparseLevel;
  decide(candidate);
}

// The pyramid's level whose buckets are about as long as the gaps of these floors.
std::size_t Detector::like_level(const FloorWindow& floors) const {
  std::size_t level = 0;
  while (level + 1 < status_.size() && pyramid_.bucket_seconds(level) < floors.bucket_seconds) {
    ++level;
  }
  return level;
}

bool Detector::stronger(const LevelStatus& a, const LevelStatus& b) {
  if (a.evidence != b.evidence) {
    return a.evidence > b.evidence;
  }
  if (a.gate != b.gate) {
    return a.gate > b.gate;
  }
  return a.evidence_seconds > b.evidence_seconds;
}

// The level that speaks for the series: the strongest evidence, then the gate reached, then the
// longest evidence.
std::int32_t Detector::leading_level() const {
  std::size_t best = 0;
  for (std::size_t k = 1; k < status_.size(); ++k) {
    if (stronger(status_[k], status_[best])) {
      best = k;
    }
  }
  const bool fresh =
      now_seconds_ - sparse_.newest_seconds() <= kStaleSparseGaps * sparse_.usual_gap_seconds();
  if (fresh && is_evidence(sparse_status_.evidence) && stronger(sparse_status_, status_[best])) {
    return kSparseLevel;
  }
  if (is_evidence(season_status_.evidence) && stronger(season_status_, status_[best]))
    return kSeasonLevel;
  return static_cast<std::int32_t>(best);
}

void Detector::decide(const Candidate& candidate) {
  const std::int32_t leader = leading_level();
  const LevelStatus& status = status_at(leader);
  if (leader == candidate.level) {
    verdict_ = candidate.verdict;
  } else if (!is_evidence(status.evidence)) {
    // Nothing rises anywhere: the level that got furthest explains why. Its verdict stands until
    // its next close, so it is made again only where another level led.
    if (leader != verdict_.level || is_evidence(verdict_.evidence))
      verdict_ = judge_level(floors_at(leader), static_cast<std::size_t>(leader));
    verdict_.evidence = status.evidence;
  } else if (leader != verdict_.level || !is_evidence(verdict_.evidence)) {
    // The verdict that an earlier close of this level made was not kept: make it again from its
    // floors.
    verdict_ = best_window(floors_at(leader), leader);
    LevelStatus again = status;
    again.hits = static_cast<std::uint8_t>(std::max(again.hits - 1, 0));
    note(again, verdict_);
  }
  finish_verdict();
}

void Detector::finish_verdict() {
  verdict_.floor = pyramid_.latest(0);
  verdict_.amplitude = amplitude_.value();
  verdict_.limit = has_limit_ ? std::optional<double>(limit_) : std::nullopt;
  verdict_.exhaustion.reset();
  if (verdict_.evidence == Evidence::held) {
    verdict_.confidence = std::min(verdict_.confidence, 0.5);
  }
  if (!is_evidence(verdict_.evidence)) {
    asymptote_to_exceed_ = 0;
    verdict_.confidence = std::min(verdict_.confidence, 0.5);
    return;
  }
  remember_asymptote();
  if (has_limit_) verdict_.exhaustion = forecast_exhaustion();
}

std::optional<Exhaustion> Detector::forecast_exhaustion() const {
  const FloorWindow floors = floors_at(verdict_.level);
  FloorWindow days;
  season_.read(days);
  std::size_t first = 0;
  while (first < floors.size && floors.times[first] < verdict_.window_start_seconds) ++first;
  const std::size_t size = floors.size - first;
  ForecastInput input;
  input.now_seconds = now_seconds_;
  input.season_seconds = season_seconds(*policy_);
  input.limit = limit_;
  input.line = line_at(verdict_, now_seconds_);
  input.growth = verdict_.growth;
  input.amplitude = amplitude_.value();
  input.usual_amplitude = amplitude_.middle();
  input.tooth_growth = tooth_growth_.estimate();
  input.window = {{floors.times.data() + first, size}, {floors.values.data() + first, size}};
  input.bucket_seconds = floors.bucket_seconds;
  input.days = {{days.times.data(), days.size}, {days.values.data(), days.size}};
  return forecast(input);
}

void Detector::remember_asymptote() {
  const double window = verdict_.window_end_seconds - verdict_.window_start_seconds;
  if (!verdict_.asymptote ||
      (asymptote_to_exceed_ > 0 && window <= 2 * static_cast<double>(asymptote_window_seconds_))) {
    return;
  }
  asymptote_window_seconds_ = static_cast<float>(window);
  const double base = verdict_.line_value;
  asymptote_to_exceed_ = static_cast<float>(
      *verdict_.asymptote + kRefutingOvershoot * std::max(0.0, *verdict_.asymptote - base));
}

std::vector<Floor> Detector::floors() const {
  std::vector<Floor> result;
  FloorWindow window;
  double covered_from = std::numeric_limits<double>::infinity();
  for (std::size_t level = 0; level < pyramid_.levels(); ++level) {
    pyramid_.read(level, window);
    double oldest = covered_from;
    for (std::size_t i = window.size; i > 0; --i) {
      const double end = window.times[i - 1] + window.bucket_seconds / 2;
      if (end <= covered_from) {
        result.push_back({window.times[i - 1], window.values[i - 1]});
        oldest = window.times[i - 1] - window.bucket_seconds / 2;
      }
    }
    covered_from = std::min(covered_from, oldest);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

void Detector::restart(double time_seconds) {
  // One that was too short to be judged is no life to compare with.
  if (verdict_.evidence != Evidence::too_few_floors) earlier_.add(life_of(verdict_));
  pyramid_.clear();
  season_.clear();
  season_status_ = LevelStatus{};
  std::fill(status_.begin(), status_.end(), LevelStatus{});
  sparse_status_ = LevelStatus{};
  sparse_.clear();
  filter_.clear();
  troughs_.clear();
  amplitude_.clear();
  tooth_growth_.clear();
  verdict_ = Verdict();
  asymptote_window_seconds_ = 0;
  asymptote_to_exceed_ = 0;
  bucket_peak_ = 0;
  last_floor_ = 0;
  highest_ = 0;
  has_epoch_ = false;
  started_ = false;
  if (std::isfinite(time_seconds)) {
    now_seconds_ = time_seconds;
  }
}

std::size_t Detector::memory_bytes() const {
  return sizeof(*this) + pyramid_.heap_bytes() + status_.capacity() * sizeof(LevelStatus);
}

}  // namespace heapfloor
