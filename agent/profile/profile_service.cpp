#include "agent/profile/profile_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapfloor {
namespace {

constexpr double kLookSeconds = 60;
constexpr std::size_t kMostShownSites = 10;
constexpr std::size_t kMostPreparedSites = 64;
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

// Those sites of a heap alone, in the order of the growths.
HeapSites only(const HeapSites& heap, const std::vector<SiteGrowth>& growths) {
  HeapSites few;
  few.interval_bytes = heap.interval_bytes;
  for (const SiteGrowth& growth : growths) {
    const auto site = std::ranges::lower_bound(heap.sites, growth.site, {}, &HeapSite::index);
    if (site != heap.sites.end() && site->index == growth.site) few.sites.push_back(*site);
  }
  std::ranges::sort(few.sites, {}, &HeapSite::index);
  return few;
}

HeapSites largest(const HeapSites& heap, std::size_t most) {
  HeapSites few;
  few.interval_bytes = heap.interval_bytes;
  few.sites = heap.sites;
  std::ranges::sort(few.sites, std::greater<>(), &HeapSite::live_bytes);
  if (few.sites.size() > most) few.sites.resize(most);
  return few;
}

std::string label_of(const ProfileSample& sample, std::string_view key) {
  const auto found = std::ranges::find(sample.labels, key, &ProfileLabel::key);
  return found == sample.labels.end() ? std::string() : found->text;
}

// The first frame that is no library's says where; a stack of nothing else, its innermost one.
GrowingSite described(const Profile& profile, const ProfileSample& sample) {
  GrowingSite site;
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
    return refusal(Kind::not_found, fmt::format("there is no process {}", pid));
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
                             const ProfileRequest& request) {
  HeapProfileOptions options;
  options.view = request.view;
  options.time_unix_seconds = clock_.wall_seconds();
  options.duration_seconds = request.seconds;
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
  Profile profile = make(*taken, heap, request);
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

std::shared_ptr<const GrowingSites> ProfileService::growing() const {
  const std::scoped_lock lock(growing_mutex_);
  return growing_;
}

// Its tables of symbols are loaded while its files can still be opened.
void ProfileService::prepare(const Taken& taken, Watched& watched) {
  if (watched.is_prepared || taken.heap.sites.empty()) return;
  static_cast<void>(make(taken, largest(taken.heap, kMostPreparedSites), {}));
  watched.is_prepared = true;
}

void ProfileService::describe(const Taken& taken, const std::vector<SiteGrowth>& growths,
                              Watched& watched) {
  std::vector<SiteGrowth> fresh;
  for (const SiteGrowth& growth : growths) {
    if (!watched.shown.contains(growth.site)) fresh.push_back(growth);
  }
  for (const SiteGrowth& growth : fresh) {
    const HeapSites one = only(taken.heap, {growth});
    const Profile profile = make(taken, one, {});
    if (!profile.samples.empty())
      watched.shown[growth.site] = described(profile, profile.samples.front());
  }
}

std::vector<GrowingSite> ProfileService::growing_of(const Taken& taken, Watched& watched) {
  std::vector<SiteGrowth> growths = watched.history.growing();
  if (growths.size() > kMostShownSites) growths.resize(kMostShownSites);
  std::erase_if(watched.shown, [&growths](const auto& shown) {
    return std::ranges::find(growths, shown.first, &SiteGrowth::site) == growths.end();
  });
  describe(taken, growths, watched);
  std::vector<GrowingSite> sites;
  for (const SiteGrowth& growth : growths) {
    const auto shown = watched.shown.find(growth.site);
    if (shown == watched.shown.end()) continue;
    GrowingSite& site = sites.emplace_back(shown->second);
    const double error = kSigmasOfInterval * growth.sigma_bytes / growth.window_seconds;
    site.window_seconds = growth.window_seconds;
    site.bytes_per_second = growth.delta_bytes / growth.window_seconds;
    site.low_bytes_per_second = site.bytes_per_second - error;
    site.high_bytes_per_second = site.bytes_per_second + error;
    site.share = growth.share;
  }
  return sites;
}

void ProfileService::look() {
  const std::scoped_lock lock(look_mutex_);
  const std::vector<ProbedTarget> targets = board_.targets();
  auto growing = std::make_shared<GrowingSites>(*this->growing());
  const auto is_there = [&targets](const ProcessId& id) {
    return std::ranges::find(targets, id, &ProbedTarget::id) != targets.end();
  };
  std::erase_if(watched_, [&](const auto& entry) { return !is_there(entry.first); });
  std::erase_if(*growing, [&](const auto& entry) { return !is_there(entry.first); });
  for (const ProbedTarget& target : targets) {
    if (stop_.stop_requested()) return;
    if (target.ended_seconds) continue;  // what was said of it last stands
    const auto taken = take(target.id);
    if (!taken) continue;
    Watched& watched = watched_[target.id];
    watched.history.add(taken->heap, clock_.steady_seconds());
    prepare(*taken, watched);
    std::vector<GrowingSite> sites = growing_of(*taken, watched);
    if (sites.empty())
      growing->erase(target.id);
    else
      growing->insert_or_assign(target.id, std::move(sites));
  }
  const std::scoped_lock growing_lock(growing_mutex_);
  growing_ = std::move(growing);
}

}  // namespace heapfloor
