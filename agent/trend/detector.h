// The leak detector of one series: observations in, verdict out.
//
// Pure and single-threaded: time comes from the data. An observation costs O(1) amortised; a
// verdict is made anew when a bucket closes. State is bounded (memory_bytes) and allocated once, at
// construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/series/bytes.h"
#include "agent/series/point.h"
#include "agent/trend/earlier_lives.h"
#include "agent/trend/floor_course.h"
#include "agent/trend/gates.h"
#include "agent/trend/high_quantile.h"
#include "agent/trend/median_of_five.h"
#include "agent/trend/observation.h"
#include "agent/trend/policy.h"
#include "agent/trend/pyramid.h"
#include "agent/trend/season_ring.h"
#include "agent/trend/sparse_ring.h"
#include "agent/trend/tooth_growth.h"
#include "agent/trend/trough_extractor.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

class Detector {
 public:
  // `policy` must outlive the detector; it is not copied, since thousands of series share it.
  Detector(const TrendPolicy& policy, SignalTraits traits);

  // Returns true when a bucket closed and the verdict was made anew. Values that are not finite,
  // negative or above 2^63, and times that run backwards, are ignored, and so is a limit that is
  // not above 0 or above 1e20.
  bool observe(const Observation& observation);

  // Valid until the next observe() or restart().
  [[nodiscard]] const Verdict& verdict() const { return verdict_; }

  // Closed floors, oldest first, each time covered by the finest level that still has it.
  [[nodiscard]] std::vector<Floor> floors() const;
  // Where all of them went together.
  [[nodiscard]] FloorCourse course() const { return course_of(floors(), *policy_); }

  // Forgets everything that belongs to the former incarnation but how it grew; compactions() goes
  // on counting.
  void restart(double time_seconds);
  // Of a new detector: what is known of the program's earlier incarnations.
  void inherit(const EarlierLives& earlier) { earlier_ = earlier; }

  [[nodiscard]] SignalTraits traits() const { return traits_; }

  // Troughs inferred, or advances of the epoch seen.
  [[nodiscard]] std::uint64_t compactions() const { return compactions_; }

  // Full tests run, for the cost figures; of a series of many years the count begins anew.
  [[nodiscard]] std::uint32_t full_tests() const { return full_tests_; }

  // Writes the whole state down (2 KiB at the defaults), and takes it back: the detector then goes
  // on exactly as the one that was saved. restore() refuses bytes of another version, of a detector
  // of another shape (bucket, ring, levels, traits), and everything that is not a state; it then
  // returns false and changes nothing.
  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);
  static constexpr std::uint8_t kStateVersion = 3;

  // Everything the series holds, this object included.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  // What the latest close of one level said; the sparse ring has one as well.
  struct LevelStatus {
    float largest_undone_rise = 0;  // decays with every close
    float rise = 0;                 // CUSUM of floor increments, the pre-screen
    float evidence_seconds = 0;
    Evidence evidence = Evidence::too_few_floors;
    std::uint8_t gate = 0;  // deciding gate; kGates when none
    std::uint8_t hits = 0;  // consecutive closes at which gates 1 to 11 passed

    void save(ByteWriter& out) const;
    void restore(ByteReader& in);
  };

  [[nodiscard]] bool plausible(const Observation& observation) const;
  bool take(const Observation& observation);
  bool take_unmarked(double time_seconds, double value);
  bool take_gc_marked(const Observation& observation);
  bool add_floor(double time_seconds, double value);
  bool add_compaction(double time_seconds, double value, double peak);
  void measure_amplitude(double peak, double floor);
  // The strongest verdict of the levels that closed at one reading.
  struct Candidate {
    Verdict verdict;
    LevelStatus status;
    std::int32_t level = 0;
    bool any = false;
  };

  [[nodiscard]] Verdict judge_level(const FloorWindow& floors, std::size_t level);
  void evaluate_level(std::size_t level, Candidate& candidate);
  void evaluate_sparse();
  void confirm_open(std::size_t level, Candidate& candidate);
  void evaluate_season(Candidate& candidate);
  [[nodiscard]] std::size_t like_level(const FloorWindow& floors) const;
  [[nodiscard]] Verdict best_window(const FloorWindow& floors, std::int32_t place);
  [[nodiscard]] FloorWindow floors_at(std::int32_t place) const;
  [[nodiscard]] const LevelStatus& status_at(std::int32_t place) const;
  [[nodiscard]] GateContext context(std::size_t level) const;
  [[nodiscard]] std::optional<Gate> prescreen(const FloorWindow& floors,
                                              const LevelStatus& status) const;
  void gather_rise(const FloorWindow& floors, LevelStatus& status) const;
  [[nodiscard]] static bool stronger(const LevelStatus& a, const LevelStatus& b);
  void note(LevelStatus& status, Verdict& verdict) const;
  void update_undone_rise(const FloorWindow& floors, LevelStatus& status) const;
  void remember_asymptote();
  void decide(const Candidate& candidate);
  void finish_verdict();
  [[nodiscard]] std::optional<Exhaustion> forecast_exhaustion() const;
  [[nodiscard]] std::int32_t leading_level() const;
  void restore_parts(ByteReader& in);

  const TrendPolicy* policy_;
  Pyramid pyramid_;
  SeasonRing season_;
  std::vector<LevelStatus> status_;
  LevelStatus sparse_status_;
  LevelStatus season_status_;
  SparseRing sparse_;
  MedianOfFive filter_;
  TroughExtractor troughs_;
  HighQuantile amplitude_;
  ToothGrowth tooth_growth_;
  Verdict verdict_;
  double now_seconds_ = 0;
  double start_seconds_ = 0;
  double limit_ = 0;  // meaningful when has_limit_
  float asymptote_window_seconds_ = 0;
  float asymptote_to_exceed_ = 0;  // 0 while growth is not held as saturating
  float bucket_peak_ = 0;
  float last_floor_ = 0;
  float highest_ = 0;  // reading of a marked series
  EarlierLives earlier_;
  std::uint64_t last_epoch_ = 0;
  std::uint64_t compactions_ = 0;
  std::uint32_t full_tests_ = 0;
  SignalTraits traits_;
  bool started_ = false;
  bool has_epoch_ = false;
  bool has_limit_ = false;
};

}  // namespace heapfloor
