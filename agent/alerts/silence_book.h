// SilenceBook: which alerts nobody wants to hear of for a while, and until when.
//
// A silence hides nothing: its alerts are shown as silenced; they are only not sent. It ends at a
// time, when it is removed, or, where it was asked for, at the next build of a program: when a
// program of a group it matches is of another build than all that were there when the program was
// first seen under the silence, the silence no longer holds for that group. Pure; times are Unix
// seconds. Not thread-safe: the owner locks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_rule.h"
#include "collectors/result.h"

namespace heapfloor {

// What a silence matches by.
inline constexpr std::array<std::string_view, 6> kSilenceLabels = {
    "alertname", "scope", "subject", "group", "signal", "severity"};

struct Silence {
  std::string id;
  Matchers matchers;  // labels of kSilenceLabels
  std::string comment;
  std::string created_by;
  double starts_at_seconds = 0;
  std::optional<double> ends_at_seconds;  // nothing: while it stands in the configuration
  bool until_next_build = false;
  bool is_configured = false;  // from the configuration, where alone it can be removed
  // Program of a group (program_key()) → its builds in the tick in which it was first seen.
  std::map<std::string, std::set<std::string>> builds;
  std::set<std::string> rebuilt;  // groups that have a program of another build now
};

// What a subject runs.
struct ProgramBuild {
  std::string program;  // what all its builds are called
  // A build id, and behind a blank that of its container's image where it is known.
  std::string build;
};

// Nothing where that cannot be told; the build then counts as unchanged.
using BuildSource = std::function<std::optional<ProgramBuild>(const std::string& subject)>;

std::string program_key(std::string_view group, std::string_view program);

class SilenceBook {
 public:
  // Takes a silence that was asked for; its id, start and builds are the book's. An error when
  // there are kMost already.
  [[nodiscard]] Result<std::string> add(Silence silence, double now_seconds);
  // Ends a silence at once: false when there is none of that id, or it is configured.
  bool remove(std::string_view id);
  // The silences of the configuration in place of those of the one before. What did not change
  // keeps its start and its builds.
  void set_configured(const std::vector<Silence>& silences, double now_seconds);

  // The subjects that are there in a tick, each once, whether they have an alert or not: their
  // builds are learned by the silences that wait for the next one.
  void observe(std::span<const AlertCondition> subjects, const BuildSource& build_of,
               double now_seconds);
  [[nodiscard]] bool wants_builds(double now_seconds) const;

  // The id of a silence that holds for the alert now, or nothing.
  [[nodiscard]] std::optional<std::string> silencing(const AlertCondition& condition,
                                                     double now_seconds) const;

  // Forgets what has ended kKeptSeconds ago.
  void forget_ended(double now_seconds);

  [[nodiscard]] const std::vector<Silence>& silences() const { return silences_; }  // by age

  // Those that were asked for, as bytes for the history; and back, before any was added. What is
  // not such a document is refused whole.
  [[nodiscard]] std::string save() const;
  // Grows when save() may say something else than before.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] Result<void> load(std::string_view bytes);

  static constexpr std::size_t kMost = 1000;
  static constexpr std::size_t kMostBuilds = 100;  // programs that one silence follows
  static constexpr double kKeptSeconds = 3600;

 private:
  std::vector<Silence> silences_;
  std::uint64_t added_ = 0;
  std::uint64_t version_ = 0;
};

// Whether it holds at that time; by its end alone, whatever was built meanwhile.
[[nodiscard]] bool is_active(const Silence& silence, double now_seconds);

}  // namespace heapfloor
