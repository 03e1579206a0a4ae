// SiteHistory: what the sites of one target held at earlier moments, and which of them grow.
//
// Snapshots a minute apart become sparser with age, so that there is one of about 1, 5, 15 minutes,
// 1, 6 and 24 hours ago, some twenty in all. Each holds the largest sites, in about ten bytes a
// site. Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/profile/heap_sites.h"
#include "agent/series/bytes.h"

namespace heapfloor {

// How a site grew over one window.
struct SiteGrowth {
  std::uint32_t site = 0;  // index of HeapSite
  double window_seconds = 0;
  double delta_bytes = 0;
  double sigma_bytes = 0;  // of the sampling
  // Of the growth of the whole live heap over the same window; nothing where that did not grow.
  std::optional<double> share;
};

struct SiteHistoryOptions {
  std::size_t most_sites = 1024;  // of one snapshot: those of the most live bytes
  double spacing_seconds = 60;    // of two snapshots
  double minimum_sigmas = 3;
  // Whether HeapSite::older_bytes is known. Where not, what has survived since a moment is taken
  // for what lived then less all that was freed since: never more than it is.
  bool has_ages = true;
};

class SiteHistory {
 public:
  explicit SiteHistory(const SiteHistoryOptions& options = {}) : options_(options) {}

  // Takes a snapshot; times ascend.
  void add(const HeapSites& heap, double now_seconds);

  // The sites that grow, as of the last add(): over the longest window in which the delta exceeds
  // three sigmas of the sampling error, the site rose in at least three of four parts of it, and
  // what is older than the window rises as well. The fastest first.
  //
  // The error: samples that live through the window cancel out, so only what was born in it and
  // lives, and what lived at its start and died, counts: variance = T * (both in bytes).
  [[nodiscard]] std::vector<SiteGrowth> growing() const;

  // As it is; and back, into one that is empty and of the same options. False where the bytes are
  // none of those: it stays empty.
  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

  [[nodiscard]] bool is_of_ages() const { return options_.has_ages; }
  [[nodiscard]] std::size_t snapshots() const { return snapshots_.size(); }
  // What they take in memory.
  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::size_t kBounds = ProbeAges::kBoundsSeconds.size();
  // One site at one moment; in whole kibibytes.
  struct State {
    std::uint32_t site = 0;
    double live_bytes = 0;
    std::array<double, kBounds> older_bytes = {};
    double freed_bytes = 0;  // since the target started; where there are no ages
  };
  struct Snapshot {
    double seconds = 0;
    double interval_bytes = 0;
    double live_bytes = 0;
    double cutoff_bytes = 0;  // sites that are not in it held at most that much
    std::size_t level = 0;    // how sparse it may become: an index into the spacings
    std::string packed;
    [[nodiscard]] std::vector<State> states(bool has_ages) const;
  };
  static constexpr std::size_t kMostSnapshots = 64;
  static constexpr std::size_t kMostBytesOfSite = 64;  // packed
  static constexpr std::size_t kParts = 4;
  // Snapshots of a window, oldest first, the last one excluded.
  struct Window {
    std::vector<const Snapshot*> points;
    std::vector<std::vector<State>> states;
    const Snapshot* before = nullptr;  // a window earlier; where there are no ages
    std::vector<State> states_before;
    [[nodiscard]] State state_at(std::size_t point, std::uint32_t site) const;
  };
  // What one site held at that moment: at most what is said where it is not among the largest.
  [[nodiscard]] static State state_in(const Snapshot& snapshot, const std::vector<State>& states,
                                      std::uint32_t site);

  // Of what lived then, at least so much lives now; where there are no ages.
  [[nodiscard]] static double surviving(const State& then, const State& now);
  void thin(double now_seconds);
  [[nodiscard]] std::size_t level_of(double now_seconds) const;
  // The snapshot nearest to that age, if there is one at least somewhat near to it.
  [[nodiscard]] const Snapshot* near_age(double age_seconds) const;
  [[nodiscard]] std::optional<Window> window_of(std::size_t bound) const;
  [[nodiscard]] std::pair<double, double> survivors(const Window& window, std::size_t bound,
                                                    const State& state) const;
  [[nodiscard]] std::optional<SiteGrowth> growth_of(const Window& window, std::size_t bound,
                                                    const State& state) const;
  [[nodiscard]] std::vector<SiteGrowth> growing_over(std::size_t bound) const;

  SiteHistoryOptions options_;
  std::deque<Snapshot> snapshots_;  // oldest first
};

}  // namespace heapfloor
