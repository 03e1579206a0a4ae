#include "agent/profile/site_history.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>

namespace heapfloor {
namespace {

// How far apart snapshots are kept up to which age.
struct Sparseness {
  double spacing_seconds;
  double most_age_seconds;
};
constexpr std::array<Sparseness, 6> kSparseness = {{
    {0, 330},
    {300, 1230},
    {900, 4530},
    {3600, 25230},
    {21600, 108030},
    {86400, 108030},
}};

constexpr double kUnit = 1024;

void append_varint(std::string& out, std::uint64_t value) {
  constexpr std::uint64_t kMore = 0x80;
  for (; value >= kMore; value >>= 7U) out.push_back(static_cast<char>(value | kMore));
  out.push_back(static_cast<char>(value));
}

// Of what append_varint() wrote.
std::uint64_t take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  constexpr unsigned kBits = 63;
  for (unsigned shift = 0; !rest.empty() && shift < kBits; shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) break;
  }
  return value;
}

std::uint64_t units(double bytes) {
  return static_cast<std::uint64_t>(std::llround(std::max(0.0, bytes) / kUnit));
}

// The sites of the most live bytes, ascending by index, and the most that another one has.
std::vector<const HeapSite*> largest(const HeapSites& heap, std::size_t most, double& cutoff) {
  std::vector<const HeapSite*> sites;
  for (const HeapSite& site : heap.sites) {
    if (units(site.live_bytes) > 0) sites.push_back(&site);
  }
  const auto live = [](const HeapSite* site) { return site->live_bytes; };
  std::ranges::sort(sites, std::greater<>(), live);
  cutoff = sites.size() > most ? live(sites[most]) : 0;
  if (sites.size() > most) sites.resize(most);
  std::ranges::sort(sites, {}, [](const HeapSite* site) { return site->index; });
  return sites;
}

double multiple_of(double seconds, double spacing) { return std::floor(seconds / spacing); }

}  // namespace

std::vector<SiteHistory::State> SiteHistory::Snapshot::states(bool has_ages) const {
  std::vector<State> all;
  std::string_view rest = packed;
  std::uint32_t site = 0;
  while (!rest.empty()) {
    State& state = all.emplace_back();
    site += static_cast<std::uint32_t>(take_varint(rest));
    state.site = site;
    std::uint64_t held = take_varint(rest);
    state.live_bytes = static_cast<double>(held) * kUnit;
    if (!has_ages) state.freed_bytes = static_cast<double>(take_varint(rest)) * kUnit;
    for (double& older : state.older_bytes) {
      if (!has_ages) break;
      held -= std::min(held, take_varint(rest));
      older = static_cast<double>(held) * kUnit;
    }
  }
  return all;
}

std::size_t SiteHistory::bytes() const {
  std::size_t sum = 0;
  for (const Snapshot& snapshot : snapshots_) sum += sizeof(Snapshot) + snapshot.packed.capacity();
  return sum;
}

// The first snapshot in each stretch of a spacing is the one that stays.
std::size_t SiteHistory::level_of(double now_seconds) const {
  std::size_t level = 0;
  for (std::size_t i = 1; i < kSparseness.size(); ++i) {
    const double spacing = kSparseness.at(i).spacing_seconds;
    const bool is_first = snapshots_.empty() || multiple_of(snapshots_.back().seconds, spacing) !=
                                                    multiple_of(now_seconds, spacing);
    if (is_first) level = i;
  }
  return level;
}

void SiteHistory::add(const HeapSites& heap, double now_seconds) {
  Snapshot snapshot;
  snapshot.seconds = now_seconds;
  snapshot.interval_bytes = heap.interval_bytes;
  snapshot.live_bytes = heap.live_bytes;
  snapshot.level = level_of(now_seconds);
  std::uint32_t before = 0;
  for (const HeapSite* const site : largest(heap, options_.most_sites, snapshot.cutoff_bytes)) {
    append_varint(snapshot.packed, site->index - before);
    before = site->index;
    std::uint64_t held = units(site->live_bytes);
    append_varint(snapshot.packed, held);
    if (!options_.has_ages) {
      append_varint(snapshot.packed, units(site->allocated_bytes - site->live_bytes));
      continue;
    }
    for (const double older_bytes : site->older_bytes) {
      const std::uint64_t older = std::min(held, units(older_bytes));
      append_varint(snapshot.packed, held - older);
      held = older;
    }
  }
  snapshot.packed.shrink_to_fit();
  snapshots_.push_back(std::move(snapshot));
  thin(now_seconds);
}

void SiteHistory::save(ByteWriter& out) const {
  out.put(options_.has_ages);
  const std::size_t kept = std::min(snapshots_.size(), kMostSnapshots);
  out.put(static_cast<std::uint8_t>(kept));
  for (std::size_t i = snapshots_.size() - kept; i < snapshots_.size(); ++i) {
    const Snapshot& snapshot = snapshots_[i];
    for (const double number :
         {snapshot.seconds, snapshot.interval_bytes, snapshot.live_bytes, snapshot.cutoff_bytes}) {
      out.put(number);
    }
    out.put(static_cast<std::uint8_t>(snapshot.level));
    out.put_bytes(snapshot.packed);
  }
}

bool SiteHistory::restore(ByteReader& in) {
  std::deque<Snapshot> snapshots;
  in.require(in.take_flag() == options_.has_ages);
  const auto count = in.take_at_most<std::uint8_t>(kMostSnapshots);
  double before_seconds = -kMostSeconds;
  for (std::uint8_t i = 0; i < count && !in.failed(); ++i) {
    Snapshot& snapshot = snapshots.emplace_back();
    snapshot.seconds = in.take_number<double>(before_seconds, kMostSeconds);
    before_seconds = snapshot.seconds;
    for (double* const number :
         {&snapshot.interval_bytes, &snapshot.live_bytes, &snapshot.cutoff_bytes}) {
      *number = in.take_number<double>(0, kMostValue);
    }
    snapshot.level = in.take_at_most<std::uint8_t>(kSparseness.size() - 1);
    snapshot.packed = in.take_bytes(options_.most_sites * kMostBytesOfSite);
  }
  if (in.failed()) return false;
  snapshots_ = std::move(snapshots);
  return true;
}

void SiteHistory::thin(double now_seconds) {
  std::erase_if(snapshots_, [now_seconds](const Snapshot& snapshot) {
    return now_seconds - snapshot.seconds > kSparseness.at(snapshot.level).most_age_seconds;
  });
}

const SiteHistory::Snapshot* SiteHistory::near_age(double age_seconds) const {
  const double wanted = snapshots_.back().seconds - age_seconds;
  const auto nearest = std::ranges::min_element(snapshots_, {}, [wanted](const Snapshot& snapshot) {
    return std::abs(snapshot.seconds - wanted);
  });
  constexpr double kTolerance = 0.4;  // half of the widest spacing at any part of a window
  return std::abs(nearest->seconds - wanted) <= kTolerance * age_seconds ? &*nearest : nullptr;
}

SiteHistory::State SiteHistory::state_in(const Snapshot& snapshot, const std::vector<State>& states,
                                         std::uint32_t site) {
  const auto found = std::ranges::lower_bound(states, site, {}, &State::site);
  if (found != states.end() && found->site == site) return *found;
  State unknown;  // at most that much: what is not known is no growth
  unknown.live_bytes = snapshot.cutoff_bytes;
  return unknown;
}

double SiteHistory::surviving(const State& then, const State& now) {
  return std::max(0.0, then.live_bytes - std::max(0.0, now.freed_bytes - then.freed_bytes));
}

SiteHistory::State SiteHistory::Window::state_at(std::size_t point, std::uint32_t site) const {
  return state_in(*points[point], states[point], site);
}

std::optional<SiteHistory::Window> SiteHistory::window_of(std::size_t bound) const {
  const double seconds = ProbeAges::kBoundsSeconds.at(bound);
  Window window;
  for (std::size_t part = kParts; part > 0; --part) {
    const Snapshot* const point =
        near_age(seconds * static_cast<double>(part) / static_cast<double>(kParts));
    if (point == nullptr ||
        (!window.points.empty() && point->seconds <= window.points.back()->seconds))
      return std::nullopt;
    window.points.push_back(point);
  }
  if (window.points.back()->seconds >= snapshots_.back().seconds) return std::nullopt;
  for (const Snapshot* const point : window.points)
    window.states.push_back(point->states(options_.has_ages));
  if (options_.has_ages) return window;
  const Snapshot* const before = near_age(2 * seconds);
  if (before != nullptr && before->seconds < window.points.front()->seconds) {
    window.before = before;
    window.states_before = before->states(false);
  }
  return window;
}

// What had survived a window of that length, at its start and now.
std::pair<double, double> SiteHistory::survivors(const Window& window, std::size_t bound,
                                                 const State& state) const {
  const State first = window.state_at(0, state.site);
  if (options_.has_ages) return {first.older_bytes.at(bound), state.older_bytes.at(bound)};
  double then = 0;
  if (window.before != nullptr)
    then = surviving(state_in(*window.before, window.states_before, state.site), first);
  return {then, surviving(first, state)};
}

std::optional<SiteGrowth> SiteHistory::growth_of(const Window& window, std::size_t bound,
                                                 const State& state) const {
  const Snapshot& now = snapshots_.back();
  const Snapshot& start = *window.points.front();
  const State first = window.state_at(0, state.site);
  const double delta = state.live_bytes - first.live_bytes;
  const auto [survived_then, survived] = survivors(window, bound, state);
  const double born = std::max(0.0, state.live_bytes - survived);
  const double died = std::max(0.0, first.live_bytes - survived);
  const double sigma = std::sqrt(now.interval_bytes * (born + died));
  std::size_t rises = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    const double before = window.state_at(part, state.site).live_bytes;
    const double after =
        part + 1 < kParts ? window.state_at(part + 1, state.site).live_bytes : state.live_bytes;
    rises += after > before;
  }
  const bool old_ones_rise = survived > survived_then;
  if (delta <= options_.minimum_sigmas * sigma || rises + 1 < kParts || !old_ones_rise)
    return std::nullopt;
  SiteGrowth growth{state.site, now.seconds - start.seconds, delta, sigma, std::nullopt};
  const double total = now.live_bytes - start.live_bytes;
  if (total > 0) growth.share = std::min(1.0, delta / total);
  return growth;
}

std::vector<SiteGrowth> SiteHistory::growing_over(std::size_t bound) const {
  std::vector<SiteGrowth> growing;
  const std::optional<Window> window = window_of(bound);
  if (!window) return growing;
  for (const State& state : snapshots_.back().states(options_.has_ages)) {
    if (const auto growth = growth_of(*window, bound, state)) growing.push_back(*growth);
  }
  return growing;
}

std::vector<SiteGrowth> SiteHistory::growing() const {
  std::vector<SiteGrowth> all;
  if (snapshots_.empty()) return all;
  std::set<std::uint32_t> judged;
  // From the longest window, which says it best; the first bound is only a part of others.
  for (std::size_t bound = kBounds; bound > 1; --bound) {
    for (const SiteGrowth& growth : growing_over(bound - 1)) {
      if (judged.insert(growth.site).second) all.push_back(growth);
    }
  }
  std::ranges::sort(all, std::greater<>(), [](const SiteGrowth& growth) {
    return growth.delta_bytes / growth.window_seconds;
  });
  return all;
}

}  // namespace heapfloor
