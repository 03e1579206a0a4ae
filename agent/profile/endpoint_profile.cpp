#include "agent/profile/endpoint_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/profile/go_heap.h"
#include "collectors/fnv_hash.h"

namespace heapfloor {
namespace {

struct Reason {
  std::string_view function;  // of the runtime or its neighbours, as it begins
  std::string_view reason;
};
// What the innermost functions of a stack say of why it waits; runtime.gopark is above all of them.
constexpr std::array<Reason, 11> kReasons = {{
    {"runtime.chanrecv", "chan receive"},
    {"runtime.chansend", "chan send"},
    {"runtime.selectgo", "select"},
    {"runtime.netpollblock", "IO wait"},
    {"internal/poll.runtime_pollWait", "IO wait"},
    {"runtime.semacquire", "semacquire"},
    {"sync.runtime_Semacquire", "semacquire"},
    {"sync.runtime_notifyListWait", "sync.Cond.Wait"},
    {"runtime.notetsleepg", "syscall"},
    {"time.Sleep", "sleep"},
    {"syscall.Syscall", "syscall"},
}};

std::string_view reason_of(std::string_view function) {
  const auto found = std::ranges::find_if(
      kReasons, [function](const Reason& reason) { return function.starts_with(reason.function); });
  return found == kReasons.end() ? std::string_view() : found->reason;
}

// How much of the program's own a function is.
enum class Rank : std::uint8_t { none, runtime, library, own };

Rank rank_of(std::string_view function) {
  if (is_go_runtime_function(function)) return Rank::runtime;
  return is_go_library_function(function) ? Rank::library : Rank::own;
}

GoroutineWait wait_of(const Profile& profile, const ProfileSample& sample) {
  GoroutineWait wait;
  wait.goroutines = static_cast<double>(std::max<std::int64_t>(0, sample.values.front()));
  Rank best = Rank::none;
  for (const std::uint32_t location : sample.locations) {
    for (const ProfileLine& line : profile.locations[location].lines) {
      const ProfileFunction& function = profile.functions[line.function];
      if (best == Rank::own) return wait;
      if (wait.reason.empty()) wait.reason = reason_of(function.name);
      const Rank rank = rank_of(function.name);
      if (rank <= best) continue;
      best = rank;
      wait.at = {function.name.substr(0, kMostGoNameBytes),
                 function.file.substr(0, kMostGoNameBytes), line.line};
    }
  }
  return wait;
}

std::int64_t value_of(const ProfileSample& sample, ProfileValue value) {
  return std::max<std::int64_t>(0, sample.values.at(static_cast<std::size_t>(value)));
}

void add(HeapSite& site, const ProfileSample& sample) {
  const auto value = [&sample](ProfileValue which) {
    return static_cast<double>(value_of(sample, which));
  };
  site.allocated_objects += value(ProfileValue::alloc_objects);
  site.allocated_bytes += value(ProfileValue::alloc_space);
  site.live_objects += value(ProfileValue::inuse_objects);
  site.live_bytes += value(ProfileValue::inuse_space);
}

}  // namespace

// Over the bytes of the addresses, the lowest first.
std::uint64_t stack_hash_of(const Profile& profile, const ProfileSample& sample) {
  constexpr unsigned kByteBits = 8;
  std::uint64_t hash = kFnvOffset;
  for (const std::uint32_t location : sample.locations) {
    std::uint64_t address = profile.locations[location].address;
    for (std::size_t i = 0; i < sizeof address; ++i, address >>= kByteBits)
      hash = fnv1a(static_cast<unsigned char>(address & UINT8_MAX), hash);
  }
  return hash;
}

HeapSites heap_sites_of(const Profile& profile) {
  std::map<std::uint32_t, HeapSite> sites;
  HeapSites heap;
  heap.is_go = true;
  heap.interval_bytes = static_cast<double>(std::max<std::int64_t>(1, profile.period_bytes));
  for (const ProfileSample& sample : profile.samples) {
    const std::uint64_t hash = stack_hash_of(profile, sample);
    HeapSite& site = sites[static_cast<std::uint32_t>(hash)];
    if (site.frames.empty()) {
      site.index = static_cast<std::uint32_t>(hash);
      site.stack_hash = hash;
      for (const std::uint32_t location : sample.locations)
        site.frames.push_back(profile.locations[location].address);
    }
    add(site, sample);
    heap.live_bytes += static_cast<double>(value_of(sample, ProfileValue::inuse_space));
  }
  heap.sites.reserve(sites.size());
  for (auto& [index, site] : sites) heap.sites.push_back(std::move(site));
  return heap;
}

GoroutineWaits goroutine_waits_of(const Profile& profile) {
  std::vector<GoroutineWait> all;
  GoroutineWaits waits;
  waits.source = "endpoint";
  for (const ProfileSample& sample : profile.samples) {
    GoroutineWait wait = wait_of(profile, sample);
    waits.goroutines += wait.goroutines;
    if (!wait.at.function.empty()) all.push_back(std::move(wait));
  }
  waits.seen = waits.goroutines;
  waits.waits = joined_waits(std::move(all));
  return waits;
}

std::string goroutine_waits_text(const GoroutineWaits& waits) {
  std::string text = fmt::format("{:.0f} goroutines\n", waits.goroutines);
  for (const GoroutineWait& wait : waits.waits) {
    text += fmt::format("{:.0f} in {}", wait.goroutines, wait.at.function);
    if (!wait.at.file.empty()) text += fmt::format(" ({}:{})", wait.at.file, wait.at.line);
    if (!wait.reason.empty()) text += fmt::format(": {}", wait.reason);
    text += '\n';
  }
  return text;
}

}  // namespace heapfloor
