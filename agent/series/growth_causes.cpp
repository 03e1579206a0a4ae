#include "agent/series/growth_causes.h"

#include <algorithm>

namespace heapfloor {
namespace {

constexpr double kExplains = 0.5;

double rise(const std::optional<double>& growth) { return std::max(0.0, growth.value_or(0)); }

}  // namespace

std::optional<LiveHeap> both_heaps(const std::optional<LiveHeap>& one,
                                   const std::optional<LiveHeap>& other) {
  if (!one || !other) return one ? one : other;
  LiveHeap both{one->live_bytes + other->live_bytes, std::nullopt, one->told_seconds};
  if (one->free_bytes && other->free_bytes) both.free_bytes = *one->free_bytes + *other->free_bytes;
  if (other->told_seconds)
    both.told_seconds =
        std::min(both.told_seconds.value_or(*other->told_seconds), *other->told_seconds);
  return both;
}

std::optional<GrowthCauses> causes_of(const MemoryGrowth& growth,
                                      std::optional<double> stack_bytes) {
  const double anon = std::max(0.0, growth.anon_bytes);
  const double file = rise(growth.file_bytes);
  const double shmem = rise(growth.shmem_bytes);
  const double whole = anon + file + shmem;
  if (whole <= 0) return std::nullopt;
  const bool has_more_threads = rise(growth.threads) > 0;
  const bool are_stacks_known = growth.threads && (!has_more_threads || stack_bytes);
  const double stacks =
      are_stacks_known ? std::min(anon, rise(growth.threads) * stack_bytes.value_or(0)) : 0;
  const double live = std::min(anon - stacks, rise(growth.live_bytes));
  const double rest = anon - stacks - live;
  double retained = 0;
  if (growth.live_bytes && growth.free_bytes) retained = std::min(rest, rise(growth.free_bytes));
  if (growth.live_bytes && !growth.free_bytes && (are_stacks_known || !growth.threads))
    retained = rest;
  GrowthCauses causes;
  causes.live_growth = live / whole;
  causes.allocator_retention = retained / whole;
  causes.file_cache = file / whole;
  causes.shared_memory = shmem / whole;
  if (are_stacks_known) causes.thread_stacks = stacks / whole;
  causes.unattributed = (rest - retained) / whole;
  causes.is_live_known = growth.live_bytes.has_value();
  causes.growth_bytes = whole;
  causes.seconds = growth.seconds;
  causes.threads = growth.threads_now;
  causes.threads_gained = growth.threads;
  causes.stack_bytes = stack_bytes;
  return causes;
}

std::array<CauseShare, 6> cause_shares(const GrowthCauses& causes) {
  return {{{"live_growth", causes.live_growth},
           {"allocator_retention", causes.allocator_retention},
           {"file_cache", causes.file_cache},
           {"shared_memory", causes.shared_memory},
           {"thread_stacks", causes.thread_stacks},
           {"unattributed", causes.unattributed}}};
}

std::optional<bool> is_retention(const GrowthCauses& causes) {
  if (!causes.is_live_known) return std::nullopt;
  const double beside_live =
      causes.allocator_retention + causes.thread_stacks.value_or(0) + causes.unattributed;
  const double anon = causes.live_growth + beside_live;
  if (anon <= 0) return std::nullopt;
  if (causes.live_growth >= kExplains * anon) return false;
  if (causes.allocator_retention >= kExplains * beside_live) return true;
  return std::nullopt;
}

}  // namespace heapfloor
