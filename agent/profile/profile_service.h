// ProfileService: heap profiles of the probed programs of this host and of its Go programs, for
// those who ask, and which of their sites grow.
//
// Once a minute it looks at each target's sites (site_history.h); a suspect's list of growing sites
// comes from there. Go programs have kGoLookSeconds of a look, suspects first, whose goroutines are
// looked at as well, and what is kept of them is of at most kMostGoPrograms. Go programs whose
// memory is not read are asked for their profiles where they have an endpoint: in a look those that
// are suspected, at most kMostAsked. Profiles are made when they are asked for, a few at a time.
// Thread rule: every member may be called by any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "agent/clock.h"
#include "agent/profile/goroutine_waits.h"
#include "agent/profile/heap_profile.h"
#include "agent/profile/known_site.h"
#include "agent/profile/probe_reading.h"
#include "agent/profile/site_history.h"
#include "agent/profile/symboliser.h"
#include "collectors/go_board.h"
#include "collectors/host_root.h"
#include "collectors/probe_board.h"

namespace heapfloor {

struct ProfileRequest {
  std::variant<std::int32_t, ProcessId> target;  // a pid: of those that had it the latest
  HeapView view = HeapView::heap;
  double seconds = 0;                          // a difference over that long; 0: as it is now
  std::optional<Profile> base = std::nullopt;  // what is taken off
};

// Why there is no profile, in words for who asked.
struct ProfileRefusal {
  enum class Kind : std::uint8_t {
    gone,         // no process has that pid
    not_found,    // neither a probe nor Go in it, or it is not the same process
    unavailable,  // not now: nothing sampled yet, too many at once, the agent stops
  };
  Kind kind = Kind::not_found;
  std::string reason;
};

using ProfileAnswer = tl::expected<std::string, ProfileRefusal>;

class ProfileService {
 public:
  static constexpr double kMostSeconds = 300;
  static constexpr std::ptrdiff_t kMostAtOnce = 4;
  static constexpr double kGoLookSeconds = 0.25;
  static constexpr std::size_t kMostGoPrograms = 128;
  static constexpr std::size_t kMostAsked = 16;
  // Between two goroutine profiles of one program, which stands still for them.
  static constexpr double kWaitsSeconds = 300;

  // All outlive it.
  ProfileService(const HostRoot& root, const ProbeBoard& board, const Clock& clock)
      : root_(root), board_(board), clock_(clock) {}
  ProfileService(const ProfileService&) = delete;
  ProfileService& operator=(const ProfileService&) = delete;
  ~ProfileService() { stop(); }

  // Who is suspected of a leak, so that all of their largest sites are looked up by line. Before
  // start(); called by its thread.
  using SuspectSource = std::function<std::vector<ProcessId>()>;
  void set_suspect_source(SuspectSource source) { suspects_ = std::move(source); }

  // Which Go programs there are; outlives it. Before start(); without it there are none.
  void set_go_programs(const GoBoard& programs) { go_programs_ = &programs; }
  // Profiles of Go programs that tell them over HTTP. Before start(); without it there are none.
  struct EndpointProfiles {
    std::function<bool(const ProcessId&)> knows;
    // "heap", "allocs", "goroutine"; gzipped and hostile. Blocks, until a stop at most.
    std::function<Result<std::string>(const ProcessId&, std::string_view, const std::stop_token&)>
        fetch;
  };
  void set_endpoint_profiles(EndpointProfiles endpoints) { endpoints_ = std::move(endpoints); }
  // Whether its sites can be asked for.
  [[nodiscard]] bool knows(const ProcessId& id) const;

  // What the sites of targets held at earlier moments, as bytes for the history, as of the last
  // look; never null. At most kMostSavedBytes in all.
  using SavedSites = std::map<ProcessId, std::string>;
  [[nodiscard]] std::shared_ptr<const SavedSites> saved() const;
  // And back, before start(); what is not such bytes is ignored when its target is met.
  void restore(const ProcessId& id, std::string bytes) { restored_[id] = std::move(bytes); }
  static constexpr std::size_t kMostSavedBytes = std::size_t{8} << 20U;

  // Starts to look at the targets, each minute, on a thread of its own.
  void start();
  // Ends that, and every request that waits for its seconds.
  void stop();

  // A gzipped profile with at least one sample. Blocks for request.seconds (at most kMostSeconds).
  [[nodiscard]] ProfileAnswer profile(const ProfileRequest& request);

  // One look at all targets; what start() does each minute.
  void look();
  // What is known of the sites that grow and of the largest ones, as of the last look; never null.
  [[nodiscard]] std::shared_ptr<const KnownSites> sites() const;
  // Where the goroutines of the Go programs that are suspected were at the last look; never null.
  [[nodiscard]] std::shared_ptr<const KnownWaits> waits() const;
  // Those of one program, which is asked for them where it has an endpoint and they are older than
  // kWaitsSeconds. Blocks.
  [[nodiscard]] std::optional<GoroutineWaits> goroutines_of(const ProcessId& id) const;

 private:
  // A site that was named, and whether lines were looked up for that.
  struct Named {
    KnownSite site;
    bool has_lines = false;
  };
  struct Watched {
    Watched() = default;
    explicit Watched(const SiteHistoryOptions& options) : history(options) {}
    SiteHistory history;
    std::map<std::uint32_t, Named> named;  // by index of HeapSite
  };
  struct Taken {
    HeapSites heap;
    ProbedTarget target;
  };

  [[nodiscard]] tl::expected<Taken, ProfileRefusal> take(const ProcessId& id) const;
  [[nodiscard]] tl::expected<Taken, ProfileRefusal> take_go(const ProcessId& id) const;
  [[nodiscard]] std::vector<ProcessId> go_targets(const std::vector<ProcessId>& suspects) const;
  // The one of the target, which may be new: what is known of it from before the start comes back.
  [[nodiscard]] Watched& watched(const ProcessId& id, const SiteHistoryOptions& options);
  [[nodiscard]] std::shared_ptr<const SavedSites> save() const;
  void look_at_go(const std::vector<ProcessId>& suspects, KnownSites& known, KnownWaits& waits);
  // Whether its memory is not read, and it has an endpoint.
  [[nodiscard]] bool is_asked(const ProcessId& id) const;
  void look_at_endpoints(const std::vector<ProcessId>& suspects, KnownSites& known,
                         KnownWaits& waits);
  [[nodiscard]] Result<Profile> ask_for(const ProcessId& id, HeapView view) const;
  [[nodiscard]] ProfileAnswer profile_of_endpoint(const ProcessId& id,
                                                  const ProfileRequest& request);
  [[nodiscard]] tl::expected<ProcessId, ProfileRefusal> find(const ProfileRequest& request) const;
  [[nodiscard]] Profile make(const Taken& taken, const HeapSites& heap, HeapProfileOptions options);
  [[nodiscard]] std::vector<KnownSite> known_of(const Taken& taken, bool is_suspect,
                                                Watched& watched);
  // Names those sites of a heap.
  void name(const Taken& taken, std::vector<std::uint32_t> sites, bool with_lines,
            Watched& watched);

  const HostRoot& root_;
  const ProbeBoard& board_;
  const GoBoard* go_programs_ = nullptr;
  const Clock& clock_;
  SuspectSource suspects_;
  EndpointProfiles endpoints_;
  Symboliser symboliser_;
  std::counting_semaphore<kMostAtOnce> places_{kMostAtOnce};
  std::stop_source stop_;
  std::mutex look_mutex_;  // watched_
  std::map<ProcessId, Watched> watched_;
  SavedSites restored_;  // of targets that were not met yet
  std::uint32_t looks_ = 0;
  ProcessId last_go_;  // that was looked at
  mutable std::mutex sites_mutex_;
  std::shared_ptr<const KnownSites> sites_ = std::make_shared<const KnownSites>();
  std::shared_ptr<const KnownWaits> waits_ = std::make_shared<const KnownWaits>();
  std::shared_ptr<const SavedSites> saved_ = std::make_shared<const SavedSites>();
  std::thread thread_;
};

}  // namespace heapfloor
