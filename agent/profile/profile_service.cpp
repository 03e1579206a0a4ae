#include "agent/profile/profile_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapfloor {
namespace {

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
KnownSite described(const Profile& profile, const ProfileSample& sample) {
  KnownSite site;
  const ProfileLine* chosen = nullptr;
  for (const std::uint32_t location : sample.locations) {
    for (const ProfileLine& line : profile.locations[location].lines) {
      const bool is_library = is_library_function(profile.functions[line.function].name);
      if (chosen == nullptr || !is_library) chosen = &line;
      if (!is_library) break;
    }
    if (chosen != nullptr && !is_library_function(profile.functions[chosen->function].name)) break;
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
    return refusal(Kind::not_found, no_probe(id->pid));
  }
  const std::int32_t pid = std::get<std::int32_t>(request.target);
  const std::optional<ProbedTarget> target = board_.find(pid);
  if (target) return target->id;
  const auto process = root_.open_process(pid);
  if (!process && process.error().kind == ErrorKind::gone)
    return refusal(Kind::gone, fmt::format("there is no process {}", pid));
  return refusal(Kind::not_found, no_probe(pid));
}

tl::expected<ProfileService::Taken, ProfileRefusal> ProfileService::take(
    const ProcessId& id) const {
  std::optional<ProbedTarget> target = board_.find(id);
  if (!target) return refusal(Kind::not_found, no_probe(id.pid));
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

void ProfileService::name(const Taken& taken, std::vector<std::uint32_t> sites, bool with_lines,
                          Watched& watched) {
  std::ranges::sort(sites);
  HeapSites few;
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
    named.site = described(profile, profile.samples[i]);
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

void ProfileService::look() {
  const std::scoped_lock lock(look_mutex_);
  const std::vector<ProbedTarget> targets = board_.targets();
  const std::vector<ProcessId> suspects = suspects_ ? suspects_() : std::vector<ProcessId>();
  auto known = std::make_shared<KnownSites>(*sites());
  const auto is_gone = [&targets](const auto& entry) {
    return std::ranges::find(targets, entry.first, &ProbedTarget::id) == targets.end();
  };
  std::erase_if(watched_, is_gone);
  std::erase_if(*known, is_gone);
  for (const ProbedTarget& target : targets) {
    if (stop_.stop_requested()) return;
    if (target.ended_seconds) {
      watched_.erase(target.id);  // what was said of it last stands
      continue;
    }
    const auto taken = take(target.id);
    if (!taken) continue;
    Watched& watched = watched_[target.id];
    watched.history.add(taken->heap, clock_.steady_seconds());
    const bool is_suspect = std::ranges::find(suspects, target.id) != suspects.end();
    known->insert_or_assign(target.id, known_of(*taken, is_suspect, watched));
  }
  const std::scoped_lock sites_lock(sites_mutex_);
  sites_ = std::move(known);
}

}  // namespace heapfloor
