#include "agent/profile/profile_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "agent/profile/endpoint_profile.h"
#include "agent/profile/go_heap.h"
#include "agent/profile/go_waits.h"

namespace heapfloor {
namespace {

constexpr std::uint32_t kLooksForRestored = 15;
constexpr double kLookSeconds = 60;
constexpr std::size_t kMostGrowing = 10;  // of a target, that are shown
constexpr std::size_t kMostLargest = 32;
constexpr double kSigmasOfInterval = 1.96;  // 95 % of a normal distribution

using Kind = ProfileRefusal::Kind;

tl::unexpected<ProfileRefusal> refusal(Kind kind, std::string reason) {
  return tl::unexpected(ProfileRefusal{kind, std::move(reason)});
}

std::string no_probe(std::int32_t pid) {
  return fmt::format(
      "no probe in process {0}: start it with `heapfloor run -- PROGRAM`, or link "
      "heapfloor::probe",
      pid);
}

class Place {
 public:
  explicit Place(std::counting_semaphore<ProfileService::kMostAtOnce>& places)
      : places_(places), is_taken_(places.try_acquire()) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (is_taken_) places_.release();
  }
  [[nodiscard]] bool is_taken() const { return is_taken_; }

 private:
  std::counting_semaphore<ProfileService::kMostAtOnce>& places_;
  bool is_taken_;
};

// The largest sites of a heap by what lives.
std::vector<std::uint32_t> largest(const HeapSites& heap, std::size_t most) {
  std::vector<const HeapSite*> sites;
  for (const HeapSite& site : heap.sites) {
    if (!site.frames.empty() && site.live_bytes > 0) sites.push_back(&site);
  }
  std::ranges::sort(sites, std::greater<>(), [](const HeapSite* site) { return site->live_bytes; });
  if (sites.size() > most) sites.resize(most);
  std::vector<std::uint32_t> indices;
  indices.reserve(sites.size());
  for (const HeapSite* const site : sites) indices.push_back(site->index);
  return indices;
}

std::string label_of(const ProfileSample& sample, std::string_view key) {
  const auto found = std::ranges::find(sample.labels, key, &ProfileLabel::key);
  return found == sample.labels.end() ? std::string() : found->text;
}

// The first frame that is no library's says where; a stack of nothing else, its innermost one.
KnownSite described(const Profile& profile, const ProfileSample& sample, bool is_go) {
  KnownSite site;
  const ProfileLine* chosen = nullptr;
  const auto is_library = [&](const ProfileLine& line) {
    const std::string_view name = profile.functions[line.function].name;
    return is_go ? is_go_library_function(name) : is_library_function(name);
  };
  for (const std::uint32_t location : sample.locations) {
    for (const ProfileLine& line : profile.locations[location].lines) {
      if (chosen == nullptr || !is_library(line)) chosen = &line;
      if (!is_library(line)) break;
    }
    if (chosen != nullptr && !is_library(*chosen)) break;
  }
  if (chosen != nullptr) {
    site.function = profile.functions[chosen->function].name;
    site.file = profile.functions[chosen->function].file;
    site.line = chosen->line;
  }
  site.structure = label_of(sample, "structure");
  site.phase = label_of(sample, "phase");
  site.container = label_of(sample, "container");
  site.element = label_of(sample, "element");
  return site;
}

std::string encoded(const Profile& profile) { return gzip(encode_profile(profile)); }

}  // namespace

void ProfileService::start() {
  thread_ = std::thread([this] {
    const std::stop_token stop = stop_.get_token();
    double next_seconds = clock_.steady_seconds();
    while (clock_.wait_until(next_seconds, stop)) {
      look();
      next_seconds = std::max(next_seconds + kLookSeconds, clock_.steady_seconds());
    }
  });
}

void ProfileService::stop() {
  stop_.request_stop();
  if (thread_.joinable()) thread_.join();
}

tl::expected<ProcessId, ProfileRefusal> ProfileService::find(const ProfileRequest& request) const {
  if (const auto* const id = std::get_if<ProcessId>(&request.target)) {
    if (board_.find(*id)) return *id;
    if (go_programs_ != nullptr && go_programs_->find(*id)) return *id;
    return refusal(Kind::not_found, no_probe(id->pid));
  }
  const std::int32_t pid = std::get<std::int32_t>(request.target);
  const std::optional<ProbedTarget> target = board_.find(pid);
  const auto go = go_programs_ != nullptr ? go_programs_->find(pid) : std::nullopt;
  // One that has ended may have had the pid before.
  if (go && (!target || target->ended_seconds)) return go->id;
  if (target) return target->id;
  const auto process = root_.open_process(pid);
  if (!process && process.error().kind == ErrorKind::gone)
    return refusal(Kind::gone, fmt::format("there is no process {}", pid));
  return refusal(Kind::not_found, no_probe(pid));
}

tl::expected<ProfileService::Taken, ProfileRefusal> ProfileService::take(
    const ProcessId& id) const {
  std::optional<ProbedTarget> target = board_.find(id);
  if (!target) return take_go(id);
  const Result<ProbeSegmentBytes> segment = board_.read_segment(id);
  if (!segment)
    return refusal(Kind::unavailable, fmt::format("the probe of process {} cannot be read: {}",
                                                  id.pid, segment.error().reason));
  const double now_seconds = target->ended_seconds.value_or(clock_.steady_seconds());
  Result<HeapSites> heap = heap_sites_of(*segment, now_seconds);
  if (!heap)
    return refusal(Kind::unavailable,
                   fmt::format("no profile of process {}: {}", id.pid, heap.error().reason));
  return Taken{std::move(*heap), std::move(*target)};
}

tl::expected<ProfileService::Taken, ProfileRefusal> ProfileService::take_go(
    const ProcessId& id) const {
  const auto entry = go_programs_ != nullptr ? go_programs_->find(id) : std::nullopt;
  if (!entry) return refusal(Kind::not_found, no_probe(id.pid));
  const auto none = [&id](std::string_view why) {
    return refusal(Kind::unavailable, fmt::format("no profile of process {}: {}", id.pid, why));
  };
  if (entry->refusal) return none(say_go_refusal(*entry->refusal));
  auto sites = entry->source->read();
  if (!sites) return none(sites.error().reason);
  return Taken{heap_sites_of(std::move(*sites)),
               {id, {}, code_maps_of(root_, id.pid), id.pid, std::nullopt}};
}

bool ProfileService::knows(const ProcessId& id) const {
  if (board_.find(id)) return true;
  const auto entry = go_programs_ != nullptr ? go_programs_->find(id) : std::nullopt;
  return entry && (entry->source != nullptr || is_asked(id));
}

bool ProfileService::is_asked(const ProcessId& id) const {
  if (!endpoints_.knows || board_.find(id)) return false;
  const auto entry = go_programs_ != nullptr ? go_programs_->find(id) : std::nullopt;
  return entry && entry->source == nullptr && endpoints_.knows(id);
}

// With amounts that can be added up, and without labels: those of Go are sizes of blocks.
Result<Profile> ProfileService::ask_for(const ProcessId& id, HeapView view) const {
  constexpr std::int64_t kMostAmount = std::int64_t{1} << 53U;
  const Result<std::string> bytes =
      endpoints_.fetch(id, view == HeapView::allocs ? "allocs" : "heap", stop_.get_token());
  if (!bytes) return Failure(bytes.error());
  Result<Profile> profile = decode_profile(*bytes);
  if (!profile) return profile;
  for (ProfileSample& sample : profile->samples) {
    for (std::int64_t& value : sample.values)
      value = std::clamp<std::int64_t>(value, 0, kMostAmount);
    sample.labels.clear();
  }
  return profile;
}

ProfileAnswer ProfileService::profile_of_endpoint(const ProcessId& id,
                                                  const ProfileRequest& request) {
  const auto none = [&id](std::string_view why) {
    return refusal(Kind::unavailable, fmt::format("no profile of process {}: {}", id.pid, why));
  };
  Result<Profile> profile = ask_for(id, request.view);
  if (!profile) return none(profile.error().reason);
  if (request.seconds > 0) {
    const double seconds = std::min(request.seconds, kMostSeconds);
    if (!clock_.wait_until(clock_.steady_seconds() + seconds, stop_.get_token()))
      return refusal(Kind::unavailable, "the agent is stopping");
    Result<Profile> later = ask_for(id, request.view);
    if (!later) return none(later.error().reason);
    profile = difference(*later, *profile);
  }
  if (request.base) profile = difference(*profile, *request.base);
  if (profile->samples.empty()) return none("nothing was sampled, or nothing changed");
  return encoded(*profile);
}

Profile ProfileService::make(const Taken& taken, const HeapSites& heap,
                             HeapProfileOptions options) {
  options.time_unix_seconds = clock_.wall_seconds();
  const Result<std::vector<CodeMapping>> mappings = parse_code_mappings(taken.target.mappings);
  const std::unique_ptr<CodeFiles> files = code_files_of(root_, taken.target.id);
  return heap_profile(heap, mappings ? *mappings : std::vector<CodeMapping>(), *files, symboliser_,
                      options);
}

ProfileAnswer ProfileService::profile(const ProfileRequest& request) {
  const Place place(places_);
  if (!place.is_taken())
    return refusal(Kind::unavailable,
                   fmt::format("{} profiles are being made already: try again", kMostAtOnce));
  const auto id = find(request);
  if (!id) return tl::unexpected(id.error());
  if (is_asked(*id)) return profile_of_endpoint(*id, request);
  auto taken = take(*id);
  if (!taken) return tl::unexpected(taken.error());
  HeapSites heap = taken->heap;
  if (request.seconds > 0) {
    const double seconds = std::min(request.seconds, kMostSeconds);
    if (!clock_.wait_until(clock_.steady_seconds() + seconds, stop_.get_token()))
      return refusal(Kind::unavailable, "the agent is stopping");
    auto later = take(*id);
    if (!later) return tl::unexpected(later.error());
    heap = difference(later->heap, taken->heap);
    taken = std::move(later);
  }
  Profile profile = make(*taken, heap, {.view = request.view, .duration_seconds = request.seconds});
  if (request.base) profile = difference(profile, *request.base);
  if (!profile.samples.empty()) return encoded(profile);
  const bool is_difference = request.seconds > 0 || request.base;
  const std::string why =
      is_difference ? fmt::format("nothing that was sampled changed in process {}", id->pid)
                    : fmt::format(
                          "nothing was sampled in process {} yet: one sample is taken every {:.0f} "
                          "bytes that it allocates; try again later",
                          id->pid, taken->heap.interval_bytes);
  return refusal(Kind::unavailable, why);
}

std::shared_ptr<const KnownSites> ProfileService::sites() const {
  const std::scoped_lock lock(sites_mutex_);
  return sites_;
}

std::shared_ptr<const KnownWaits> ProfileService::waits() const {
  const std::scoped_lock lock(sites_mutex_);
  return waits_;
}

void ProfileService::name(const Taken& taken, std::vector<std::uint32_t> sites, bool with_lines,
                          Watched& watched) {
  std::ranges::sort(sites);
  HeapSites few;
  few.is_go = taken.heap.is_go;
  few.interval_bytes = taken.heap.interval_bytes;
  for (const std::uint32_t index : sites) {
    const auto known = watched.named.find(index);
    const bool is_done = known != watched.named.end() && (known->second.has_lines || !with_lines);
    const auto site = std::ranges::lower_bound(taken.heap.sites, index, {}, &HeapSite::index);
    if (is_done || site == taken.heap.sites.end() || site->index != index) continue;
    few.sites.push_back(*site);
    // Its place in the profile is by size: equal sizes keep the order of the sites.
    few.sites.back().live_bytes = few.sites.back().live_objects = 1;
  }
  if (few.sites.empty()) return;
  const Profile profile =
      make(taken, few, {.most_lines = with_lines ? HeapProfileOptions().most_lines : 0});
  for (std::size_t i = 0; i < few.sites.size() && i < profile.samples.size(); ++i) {
    Named& named = watched.named[few.sites[i].index];
    named.site = described(profile, profile.samples[i], few.is_go);
    named.site.stack_hash = few.sites[i].stack_hash;
    named.has_lines = with_lines;
  }
}

std::vector<KnownSite> ProfileService::known_of(const Taken& taken, bool is_suspect,
                                                Watched& watched) {
  std::vector<SiteGrowth> growths = watched.history.growing();
  if (growths.size() > kMostGrowing) growths.resize(kMostGrowing);
  std::vector<std::uint32_t> growing;
  growing.reserve(growths.size());
  for (const SiteGrowth& growth : growths) growing.push_back(growth.site);
  const std::vector<std::uint32_t> large = largest(taken.heap, kMostLargest);
  const auto is_in = [](const std::vector<std::uint32_t>& all, std::uint32_t site) {
    return std::ranges::find(all, site) != all.end();
  };
  std::erase_if(watched.named, [&](const auto& named) {
    return !is_in(growing, named.first) && !is_in(large, named.first);
  });
  // By their symbols all of them, at once, so that they are known should the program end; by their
  // lines those that grow, and all of a suspect.
  name(taken, large, is_suspect, watched);
  name(taken, growing, true, watched);
  std::vector<KnownSite> known;
  for (const SiteGrowth& growth : growths) {
    const auto named = watched.named.find(growth.site);
    if (named == watched.named.end()) continue;
    const double error = kSigmasOfInterval * growth.sigma_bytes / growth.window_seconds;
    const double pace = growth.delta_bytes / growth.window_seconds;
    known.push_back(named->second.site);
    known.back().growth =
        KnownGrowth{growth.window_seconds, pace, pace - error, pace + error, growth.share};
  }
  for (const std::uint32_t site : large) {
    const auto named = watched.named.find(site);
    if (named != watched.named.end() && !is_in(growing, site)) known.push_back(named->second.site);
  }
  return known;
}

// Suspects first, then the others behind the one that was looked at last.
std::vector<ProcessId> ProfileService::go_targets(const std::vector<ProcessId>& suspects) const {
  std::vector<ProcessId> targets;
  for (const auto& source : go_programs_->sources()) targets.push_back(source->id());
  const auto others =
      std::stable_partition(targets.begin(), targets.end(), [&suspects](const ProcessId& id) {
        return std::ranges::find(suspects, id) != suspects.end();
      });
  const auto first =
      std::find_if(others, targets.end(), [this](const ProcessId& id) { return last_go_ < id; });
  std::rotate(others, first, targets.end());
  return targets;
}

// What it keeps of each is small: their runtimes take fewer samples than probes do.
void ProfileService::look_at_go(const std::vector<ProcessId>& suspects, KnownSites& known,
                                KnownWaits& waits) {
  constexpr SiteHistoryOptions kOptions = {.most_sites = 256, .has_ages = false};
  const double start_seconds = clock_.steady_seconds();
  auto kept = static_cast<std::size_t>(std::ranges::count_if(
      watched_, [](const auto& entry) { return !entry.second.history.is_of_ages(); }));
  for (const ProcessId& id : go_targets(suspects)) {
    const double now_seconds = clock_.steady_seconds();
    if (stop_.stop_requested() || now_seconds - start_seconds > kGoLookSeconds) return;
    const bool is_suspect = std::ranges::find(suspects, id) != suspects.end();
    if (!is_suspect) last_go_ = id;
    const auto entry = is_suspect ? go_programs_->find(id) : std::nullopt;
    if (entry && entry->source != nullptr) {
      if (auto read = read_goroutine_waits(root_, *entry->source, now_seconds))
        waits.insert_or_assign(id, std::move(*read));
    }
    const bool is_known = watched_.contains(id);
    if (board_.find(id) || (!is_known && !is_suspect && kept >= kMostGoPrograms)) continue;
    const auto taken = take_go(id);
    if (!taken) continue;
    kept += is_known ? 0 : 1;
    Watched& target = watched(id, kOptions);
    target.history.add(taken->heap, now_seconds);
    known.insert_or_assign(id, known_of(*taken, is_suspect, target));
  }
}

std::optional<GoroutineWaits> ProfileService::goroutines_of(const ProcessId& id) const {
  const auto all = waits();
  const auto known = all->find(id);
  const double now_seconds = clock_.steady_seconds();
  std::optional<GoroutineWaits> found;
  if (known != all->end()) found = known->second;
  const bool is_fresh = found && found->time_seconds + kWaitsSeconds > now_seconds;
  if (is_fresh || !is_asked(id)) return found;
  const auto bytes = endpoints_.fetch(id, "goroutine", stop_.get_token());
  if (!bytes) return found;
  const auto profile = decode_goroutine_profile(*bytes);
  if (!profile) return found;
  found = goroutine_waits_of(*profile);
  found->time_seconds = now_seconds;
  return found;
}

void ProfileService::look_at_endpoints(const std::vector<ProcessId>& suspects, KnownSites& known,
                                       KnownWaits& waits) {
  constexpr SiteHistoryOptions kOptions = {.most_sites = 256, .has_ages = false};
  std::set<ProcessId> asked(suspects.begin(), suspects.end());
  std::erase_if(asked, [this](const ProcessId& id) { return !is_asked(id); });
  while (asked.size() > kMostAsked) asked.erase(std::prev(asked.end()));
  for (const ProcessId& id : asked) {
    if (stop_.stop_requested()) return;
    const double now_seconds = clock_.steady_seconds();
    if (auto goroutines = goroutines_of(id)) waits.insert_or_assign(id, std::move(*goroutines));
    const auto profile = ask_for(id, HeapView::heap);
    if (!profile) continue;
    const Taken taken{heap_sites_of(*profile), {id, {}, {}, id.pid, std::nullopt}};
    Watched& kept = watched(id, kOptions);
    kept.history.add(taken.heap, now_seconds);
    // Its functions have names already.
    for (const ProfileSample& sample : profile->samples) {
      const std::uint64_t hash = stack_hash_of(*profile, sample);
      Named& named = kept.named[static_cast<std::uint32_t>(hash)];
      named = {described(*profile, sample, true), true};
      named.site.stack_hash = hash;
    }
    known.insert_or_assign(id, known_of(taken, true, kept));
  }
}

void ProfileService::look() {
  const std::scoped_lock lock(look_mutex_);
  const std::vector<ProbedTarget> targets = board_.targets();
  const std::vector<ProcessId> suspects = suspects_ ? suspects_() : std::vector<ProcessId>();
  auto known = std::make_shared<KnownSites>(*sites());
  auto known_waits = std::make_shared<KnownWaits>(*waits());
  const auto is_gone = [&](const auto& entry) {
    return std::ranges::find(targets, entry.first, &ProbedTarget::id) == targets.end() &&
           !knows(entry.first);
  };
  std::erase_if(watched_, is_gone);
  std::erase_if(*known, is_gone);
  std::erase_if(*known_waits, is_gone);
  for (const ProbedTarget& target : targets) {
    if (stop_.stop_requested()) return;
    if (target.ended_seconds) {
      watched_.erase(target.id);  // what was said of it last stands
      continue;
    }
    const auto taken = take(target.id);
    if (!taken) continue;
    Watched& kept = watched(target.id, {});
    kept.history.add(taken->heap, clock_.steady_seconds());
    const bool is_suspect = std::ranges::find(suspects, target.id) != suspects.end();
    known->insert_or_assign(target.id, known_of(*taken, is_suspect, kept));
  }
  if (go_programs_ != nullptr) look_at_go(suspects, *known, *known_waits);
  look_at_endpoints(suspects, *known, *known_waits);
  // A target that was not met by now has ended.
  if (++looks_ == kLooksForRestored) restored_.clear();
  std::shared_ptr<const SavedSites> saved = save();
  const std::scoped_lock sites_lock(sites_mutex_);
  sites_ = std::move(known);
  waits_ = std::move(known_waits);
  saved_ = std::move(saved);
}

ProfileService::Watched& ProfileService::watched(const ProcessId& id,
                                                 const SiteHistoryOptions& options) {
  const auto [found, is_new] = watched_.try_emplace(id, options);
  const auto restored = is_new ? restored_.find(id) : restored_.end();
  if (restored == restored_.end()) return found->second;
  ByteReader in(restored->second);
  SiteHistory history(options);
  if (history.restore(in) && in.finished()) found->second.history = std::move(history);
  restored_.erase(restored);
  return found->second;
}

std::shared_ptr<const ProfileService::SavedSites> ProfileService::save() const {
  auto saved = std::make_shared<SavedSites>(restored_);
  std::size_t size = 0;
  for (const auto& [id, bytes] : *saved) size += bytes.size();
  for (const auto& [id, target] : watched_) {
    std::string bytes;
    ByteWriter out(bytes);
    target.history.save(out);
    size += bytes.size();
    if (size > kMostSavedBytes) break;
    saved->insert_or_assign(id, std::move(bytes));
  }
  return saved;
}

std::shared_ptr<const ProfileService::SavedSites> ProfileService::saved() const {
  const std::scoped_lock lock(sites_mutex_);
  return saved_;
}

}  // namespace heapfloor
