#include "agent/probe_follower.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "agent/trend/signal_list.h"
#include "collectors/fnv_hash.h"
#include "collectors/go_metrics.h"
#include "collectors/probe_metrics.h"

namespace heapfloor {
namespace {

constexpr double kPartOfMinimum = 1.0 / 16;
constexpr std::size_t kConcentrated = 5;
constexpr double kMostSiteAgeSeconds = 900;

std::uint64_t stack_hash_of(std::string_view digits) {
  constexpr int kHexadecimal = 16;
  std::uint64_t hash = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), hash, kHexadecimal);
  return hash;
}

// Whether the record of a process is the probe collector's: nearly all are others'.
bool is_of_probe(const SampleBatch& batch, std::size_t index) {
  const auto samples = batch.samples(index);
  const std::less<> before;
  return !samples.empty() && !before(samples.front().desc, kProbeProcessMetrics.data()) &&
         before(samples.front().desc, kProbeProcessMetrics.data() + kProbeProcessMetrics.size());
}

// Of a probe, or of a Go program.
std::optional<double> site_live(const SampleBatch& batch, std::size_t index) {
  const std::optional<double> live = batch.value(index, kSiteLive);
  return live ? live : batch.value(index, kGoSiteLive);
}

std::uint64_t stack_of(const SampleBatch& batch, std::size_t index) {
  return stack_hash_of(batch.entity(index).name);
}

std::optional<double> sampled_live(const WatchList& watches, const ProcessId& id) {
  const Watch* const live = watches.find({EntityKind::process, Signal::sampled_live, id});
  return live == nullptr ? std::nullopt : std::optional(live->last_value);
}

}  // namespace

std::optional<double> anonymous_bytes(const ProcessEntry& process) {
  if (!process.anon_bytes) return std::nullopt;
  return *process.anon_bytes + process.swap_bytes.value_or(0);
}

ProbeFollower::ProbeFollower()
    : allocators_(EntityKind::allocator, kAllocatorMetrics, kMostRows),
      structures_(EntityKind::structure, kStructureMetrics, kMostRows),
      arenas_(EntityKind::arena, kArenaMetrics, kMostArenas) {}

void ProbeFollower::follow(const SampleBatch& batch, const GroupTable& groups,
                           const ViewSource& view_of, double minimum_bytes, double now_seconds,
                           WatchList& watches) {
  ++tick_;
  allocators_.ingest(batch, groups, agent_, now_seconds);
  structures_.ingest(batch, groups, std::nullopt, now_seconds);
  arenas_.ingest(batch, groups, std::nullopt, now_seconds);
  const Tick tick{batch, groups, view_of, minimum_bytes, now_seconds, watches};
  for (const ProcessEntry& process : groups.processes()) follow_heap(tick, process);
  const ProcessId* sites_of = nullptr;
  std::map<ProcessId, double> live_of_go;
  for (std::size_t index = 0; index < batch.entities(); ++index) {
    const Entity entity = batch.entity(index);
    if (entity.kind == EntityKind::go) {
      if (const auto live = batch.value(index, kGoLive)) live_of_go[entity.process] = *live;
    }
    if (entity.kind == EntityKind::allocator)
      take_time(entity.process, batch.value(index, kAllocatorSampled));
    if (entity.kind != EntityKind::structure && entity.kind != EntityKind::site) continue;
    const ProcessEntry* const process = find_process(groups, entity.process);
    if (process == nullptr) continue;
    if (entity.kind == EntityKind::site) {
      // The first of a process's sites begins its list anew.
      if (sites_of == nullptr || *sites_of != process->id) sites_[process->id].largest.clear();
      sites_of = &process->id;
      const auto go = live_of_go.find(process->id);
      take_site(
          tick, index,
          go == live_of_go.end() ? sampled_live(watches, process->id) : std::optional(go->second));
    }
    follow_part(tick, index, *process);
  }
  std::erase_if(known_, [this](const auto& known) { return known.second.tick != tick_; });
  keep_sites(tick);
}

void ProbeFollower::follow_heap(const Tick& tick, const ProcessEntry& process) {
  std::optional<double> in_use, free, trims, sampled;
  for (std::size_t record = 0; record < process.batch_entity_count; ++record) {
    const std::size_t index = process.batch_entities.at(record);
    if (!is_of_probe(tick.batch, index)) continue;
    if (!in_use) in_use = tick.batch.value(index, kProbedInUse);
    if (!free) free = tick.batch.value(index, kProbedFree);
    if (!trims) trims = tick.batch.value(index, kProbedTrims);
    if (!sampled) sampled = tick.batch.value(index, kProbedSampledLive);
  }
  const std::optional<double> live = in_use ? in_use : sampled;
  if (!live) return;
  Known& known = known_[process.id];
  known.tick = tick_;
  known.heap = LiveHeap{*live, free};
  const std::optional<double> anon = anonymous_bytes(process);
  // The heap of a program is as worth watching as its memory: that it is level says much.
  const bool is_large = anon && *anon >= tick.minimum_bytes;
  const double least = is_large ? 0 : tick.minimum_bytes;
  if (in_use)
    watch(tick, {EntityKind::process, Signal::allocator_live, process.id}, process, {}, *in_use,
          trims, least);
  if (sampled)
    watch(tick, {EntityKind::process, Signal::sampled_live, process.id}, process, {}, *sampled,
          std::nullopt, least);
}

// An allocator's figures are those of when the probe last read it.
void ProbeFollower::take_time(const ProcessId& id, const std::optional<double>& sampled_seconds) {
  const auto found = known_.find(id);
  if (found != known_.end() && found->second.heap)
    found->second.heap->told_seconds = sampled_seconds;
}

void ProbeFollower::follow_part(const Tick& tick, std::size_t index, const ProcessEntry& process) {
  const Entity entity = tick.batch.entity(index);
  const double least = tick.minimum_bytes * kPartOfMinimum;
  if (entity.kind == EntityKind::site) {
    const std::optional<double> live = site_live(tick.batch, index);
    const SeriesKey key{EntityKind::site, Signal::site_bytes, process.id,
                        stack_of(tick.batch, index)};
    if (live) watch(tick, key, process, entity.name, *live, std::nullopt, least);
    return;
  }
  const std::uint64_t name = fnv1a(entity.name);
  const std::optional<double> epochs = tick.batch.value(index, kStructureEpochs);
  const std::optional<double> bytes = tick.batch.value(index, kStructureMemory);
  const std::optional<double> elements = tick.batch.value(index, kStructureElements);
  if (bytes)
    watch(tick, {EntityKind::structure, Signal::structure_bytes, process.id, name}, process,
          entity.name, *bytes, epochs, least);
  if (elements)
    watch(tick, {EntityKind::structure, Signal::structure_elements, process.id, name}, process,
          entity.name, *elements, epochs, kLeastElements);
}

// A part of the process's memory meets the limit when the whole does: what is not of it stays.
// Elements meet no limit of memory.
void ProbeFollower::watch(const Tick& tick, const SeriesKey& key, const ProcessEntry& process,
                          std::string_view part, double value, std::optional<double> epoch,
                          double least) {
  if (value < least && !tick.watches.is_watched(key)) return;
  ProcessView view = tick.view_of(process);
  const std::optional<double> anon = anonymous_bytes(process);
  const bool is_bytes = signal_info(key.signal).counted.empty();
  Observation reading;
  reading.time_seconds = tick.now_seconds;
  reading.value = value;
  if (epoch) reading.epoch = static_cast<std::uint64_t>(*epoch);
  if (is_bytes && anon && view.limit.bytes)
    reading.limit = *view.limit.bytes - std::max(0.0, *anon - value);
  view.labels.limit_source = reading.limit ? view.limit.source : std::string_view();
  view.labels.part = part;
  tick.watches.observe(key, view.labels, reading);
}

void ProbeFollower::take_site(const Tick& tick, std::size_t index,
                              const std::optional<double>& live_bytes) {
  const Entity entity = tick.batch.entity(index);
  Sites& sites = sites_[entity.process];
  sites.read_seconds = tick.now_seconds;
  sites.is_of_probe = tick.batch.value(index, kSiteLive).has_value();
  SiteFacts facts;
  facts.live_bytes = site_live(tick.batch, index).value_or(0);
  for (const auto& [attribute, text] : tick.batch.descriptions(index)) {
    if (attribute == Attribute::location) facts.location = text;
    if (attribute == Attribute::structure) facts.structure = text;
    if (attribute == Attribute::phase) facts.phase = text;
  }
  sites.largest.emplace_back(stack_of(tick.batch, index), std::move(facts));
  if (!live_bytes || *live_bytes <= 0) return;
  double largest = 0;
  for (std::size_t i = 0; i < std::min(kConcentrated, sites.largest.size()); ++i)
    largest += sites.largest[i].second.live_bytes;
  sites.concentration = std::clamp(largest / *live_bytes, 0.0, 1.0);
}

// Sites are read now and then; in between they are there.
void ProbeFollower::keep_sites(const Tick& tick) {
  std::erase_if(sites_, [&](const auto& entry) {
    const bool is_dropped = entry.second.is_of_probe && !known_.contains(entry.first);
    return is_dropped || find_process(tick.groups, entry.first) == nullptr ||
           tick.now_seconds - entry.second.read_seconds > kMostSiteAgeSeconds;
  });
  for (const auto& [id, sites] : sites_) {
    for (const auto& [hash, facts] : sites.largest)
      tick.watches.touch({EntityKind::site, Signal::site_bytes, id, hash}, tick.now_seconds);
  }
}

std::optional<bool> ProbeFollower::is_level(const ProcessId& id, const WatchList& watches) const {
  if (!knows(id)) return std::nullopt;
  bool is_known = false;
  for (const Signal signal : {Signal::allocator_live, Signal::sampled_live}) {
    const Watch* const live = watches.find({EntityKind::process, signal, id});
    if (live == nullptr || live->judge.state() == LeakState::learning) continue;
    // One of them that rises is enough.
    if (live->judge.state() != LeakState::stable) return false;
    is_known = true;
  }
  return is_known ? std::optional(true) : std::nullopt;
}

std::optional<LiveHeap> ProbeFollower::heap(const ProcessId& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? std::nullopt : found->second.heap;
}

const std::vector<std::pair<std::uint64_t, SiteFacts>>& ProbeFollower::sites(
    const ProcessId& id) const {
  static const std::vector<std::pair<std::uint64_t, SiteFacts>> kNone;
  const auto found = sites_.find(id);
  return found == sites_.end() ? kNone : found->second.largest;
}

std::optional<double> ProbeFollower::concentration(const Watch& watch) const {
  const ProcessId& id = watch.key.process;
  const bool is_of_go =
      watch.key.kind == EntityKind::go && watch.key.signal == Signal::gc_live && !knows(id);
  if (!is_of_go && watch.key.signal != Signal::sampled_live) return std::nullopt;
  const auto found = sites_.find(id);
  return found == sites_.end() ? std::nullopt : found->second.concentration;
}

}  // namespace heapfloor
