#include "agent/profile/heap_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "agent/profile/go_heap.h"

namespace heapfloor {
namespace {

// pprof leaves out a frame of that name and everything it called: of a stack that went through the
// allocator the caller is what is asked for. The whole name has to match, without parameters.
constexpr std::string_view kDropFrames =
    "malloc|calloc|realloc|reallocarray|memalign|posix_memalign|aligned_alloc|valloc|pvalloc|"
    "__libc_(malloc|calloc|realloc|memalign)|operator new(\\[\\])?|"
    "(__gnu_cxx|std)::(__)?new_allocator<.*>::allocate|"
    "std::(__cxx11::)?allocator_traits<.*>::allocate|std::allocator<.*>::allocate|"
    "(std::__[0-9]+::)?__libcpp_(operator_new|allocate).*|"
    "heapfloor::.*::allocate";

constexpr std::string_view kRestFunction = "[sites beyond the table]";
constexpr std::string_view kGoBasis =
    "heapfloor: sampled by the program's own runtime, as of its last collection";

std::int64_t whole(double value) {
  constexpr double kMost = 9.0e18;
  return std::llround(std::clamp(value, -kMost, kMost));
}

double size_of(const HeapSite& site, HeapView view) {
  return std::abs(view == HeapView::heap ? site.live_bytes : site.allocated_bytes);
}

std::array<std::int64_t, kProfileValues> values_of(const HeapSite& site) {
  return {whole(site.allocated_objects), whole(site.allocated_bytes), whole(site.live_objects),
          whole(site.live_bytes)};
}

bool is_nothing(const HeapSite& site) {
  return std::ranges::all_of(values_of(site), [](std::int64_t value) { return value == 0; });
}

std::vector<const HeapSite*> largest_first(const HeapSites& heap, HeapView view) {
  std::vector<const HeapSite*> sites;
  for (const HeapSite& site : heap.sites) {
    if (!is_nothing(site)) sites.push_back(&site);
  }
  std::ranges::stable_sort(sites, std::greater<>(),
                           [view](const HeapSite* site) { return size_of(*site, view); });
  return sites;
}

// Every address once, in the order in which they are met.
class Addresses {
 public:
  std::uint32_t index(std::uint64_t address) {
    const auto [place, is_new] =
        places_.try_emplace(address, static_cast<std::uint32_t>(all_.size()));
    if (is_new) all_.push_back(address);
    return place->second;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& all() const { return all_; }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> places_;
  std::vector<std::uint64_t> all_;
};

void add_label(ProfileSample& sample, std::string_view key, const std::string& text) {
  if (!text.empty()) sample.labels.push_back({std::string(key), text});
}

std::string error_comment(const HeapSites& heap) {
  // A site of M live bytes is estimated with a relative standard error of sqrt(T / M).
  const auto percent = [&heap](double megabytes) {
    return 100 * std::sqrt(heap.interval_bytes / (megabytes * 1e6));
  };
  return fmt::format(
      "heapfloor: one sample every {:.0f} bytes on average; the relative standard error of M bytes "
      "is sqrt({:.0f}/M): {:.2g} % of 5 MB, {:.2g} % of 50 MB, {:.2g} % of 500 MB",
      heap.interval_bytes, heap.interval_bytes, percent(5), percent(50), percent(500));
}

std::vector<std::string> comments_of(const HeapSites& heap) {
  std::vector<std::string> comments = {error_comment(heap)};
  if (heap.is_go) comments.emplace_back(kGoBasis);
  if (heap.samples_lost > 0)
    comments.push_back(
        fmt::format("heapfloor: {} samples found no place and are missing", heap.samples_lost));
  if (heap.stacks_without_site > 0)
    comments.push_back(fmt::format("heapfloor: {} samples are counted at {}",
                                   heap.stacks_without_site, kRestFunction));
  return comments;
}

// The location of what found no place in the probe's table of stacks.
std::uint32_t add_rest(Profile& profile) {
  const auto function = static_cast<std::uint32_t>(profile.functions.size());
  profile.functions.push_back({std::string(kRestFunction), {}, {}});
  profile.locations.push_back({0, std::nullopt, {{function, 0}}});
  return static_cast<std::uint32_t>(profile.locations.size() - 1);
}

void add_go_container(const Profile& profile, ProfileSample& sample) {
  std::vector<std::string_view> functions = functions_of(profile, sample);
  if (!sample.locations.empty())
    functions.insert(functions.begin(), profile.locations[sample.locations.front()].called);
  if (const auto container = go_container_of(functions))
    add_label(sample, "container", std::string(*container));
}

// As /debug/pprof/heap of Go does it: the runtime's functions at the leaf are left out, unless
// there is nothing else.
void trim_runtime(const Profile& profile, ProfileSample& sample) {
  const auto first = std::ranges::find_if(sample.locations, [&](std::uint32_t location) {
    const auto& lines = profile.locations[location].lines;
    return lines.empty() || !is_go_runtime_function(profile.functions[lines.front().function].name);
  });
  if (first != sample.locations.end()) sample.locations.erase(sample.locations.begin(), first);
  // Nor is what every goroutine returns to.
  const auto name_of = [&profile](std::uint32_t location) -> std::string_view {
    const auto& lines = profile.locations[location].lines;
    return lines.empty() ? std::string_view() : profile.functions[lines.front().function].name;
  };
  if (sample.locations.size() > 1 && name_of(sample.locations.back()) == "runtime.goexit")
    sample.locations.pop_back();
}

void add_container(const Profile& profile, ProfileSample& sample) {
  const std::vector<std::string_view> functions = functions_of(profile, sample);
  const std::optional<ContainerType> type = container_of(functions);
  if (!type) return;
  add_label(sample, "container", type->container);
  add_label(sample, "element", type->element);
}

}  // namespace

std::vector<std::string_view> functions_of(const Profile& profile, const ProfileSample& sample) {
  std::vector<std::string_view> functions;
  for (const std::uint32_t location : sample.locations) {
    for (const ProfileLine& line : profile.locations[location].lines)
      functions.push_back(profile.functions[line.function].name);
  }
  return functions;
}

Profile heap_profile(const HeapSites& heap, const std::vector<CodeMapping>& mappings,
                     const CodeFiles& files, Symboliser& symboliser,
                     const HeapProfileOptions& options) {
  constexpr double kNanoseconds = 1e9;
  Profile profile;
  profile.default_type = options.view == HeapView::heap ? "inuse_space" : "alloc_space";
  if (!heap.is_go) profile.drop_frames = kDropFrames;
  profile.period_bytes = whole(heap.interval_bytes);
  profile.time_nanoseconds = whole(options.time_unix_seconds * kNanoseconds);
  profile.duration_nanoseconds = whole(options.duration_seconds * kNanoseconds);
  profile.comments = comments_of(heap);
  Addresses addresses;
  for (const HeapSite* const site : largest_first(heap, options.view)) {
    ProfileSample& sample = profile.samples.emplace_back();
    sample.values = values_of(*site);
    // A return address may be the next function's: the call is before it.
    for (const std::uint64_t frame : site->frames)
      sample.locations.push_back(addresses.index(frame == 0 ? 0 : frame - 1));
    add_label(sample, "structure", site->structure);
    add_label(sample, "phase", site->phase);
  }
  symboliser.symbolise(profile, addresses.all(), options.most_lines, mappings, files);
  std::optional<std::uint32_t> rest;
  for (ProfileSample& sample : profile.samples) {
    if (sample.locations.empty()) {
      if (!rest) rest = add_rest(profile);
      sample.locations.push_back(*rest);
    }
    if (heap.is_go) {
      add_go_container(profile, sample);
      trim_runtime(profile, sample);
    } else {
      add_container(profile, sample);
    }
  }
  return profile;
}

}  // namespace heapfloor
