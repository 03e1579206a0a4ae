#include "agent/exposition/explanation.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>
#include <vector>

#include "agent/alerts/cause_words.h"
#include "agent/alerts/leak_alerts.h"
#include "agent/exposition/signals.h"
#include "agent/exposition/site_words.h"
#include "agent/exposition/text_format.h"
#include "agent/series/process_facts.h"
#include "agent/trend/explain.h"

namespace heapfloor {
namespace {

constexpr double kNegligibleShare = 0.05;
constexpr double kMostUnixSeconds = 253'402'300'799;  // the last of the year 9999

// By Signal: what of the subject its floor is the floor of; empty: the subject says it itself.
constexpr std::array<std::string_view, kSignals> kSignalNouns = {"live heap",
                                                                 "live heap",
                                                                 "live heap",
                                                                 "memory",
                                                                 "elements",
                                                                 "capacity",
                                                                 "memory",
                                                                 "resident anonymous memory",
                                                                 "anonymous memory",
                                                                 "shared memory",
                                                                 "memory of the kernel",
                                                                 "threads",
                                                                 "open descriptors",
                                                                 "",
                                                                 ""};

// Everything that the sentences are made from.
class Subject {
 public:
  Subject(const Snapshot& of, const WatchRow& row, Signal measured)
      : snapshot(of),
        watch(row),
        verdict(row.verdict),
        signal(measured),
        counted(signal_info(measured).counted) {}

  const Snapshot& snapshot;
  const WatchRow& watch;
  const Verdict& verdict;
  Signal signal;
  std::string_view counted;  // empty: bytes

  [[nodiscard]] std::string amount(double value) const {
    return say_amount(signal, std::max(0.0, value));
  }
  // "2026-11-29 05:40 UTC".
  [[nodiscard]] std::string time(double steady_seconds) const {
    return minute(steady_seconds) + " UTC";
  }
  // "05:10", where that is of the same day as `near_seconds`; else "2026-11-28 23:50".
  [[nodiscard]] std::string time_near(double steady_seconds, double near_seconds) const {
    constexpr std::size_t kDate = std::string_view("2026-11-29 ").size();
    const std::string text = minute(steady_seconds);
    const bool is_same_day = text.substr(0, kDate) == minute(near_seconds).substr(0, kDate);
    return is_same_day ? text.substr(kDate) : text;
  }

 private:
  [[nodiscard]] std::string minute(double steady_seconds) const {
    const double unix_seconds =
        std::clamp(steady_seconds + snapshot.wall_offset_seconds, 0.0, kMostUnixSeconds);
    const auto whole = static_cast<std::time_t>(std::llround(unix_seconds));
    return fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(whole));
  }
};

void add_sentence(std::string& text, const std::string& sentence) {
  if (sentence.empty()) return;
  if (!text.empty()) text += ' ';
  text += sentence;
}

// "payments (pid 4711)"; "the structure user_cache of payments (pid 4711)"; "the cgroup
// nginx.service".
std::string name_of(const WatchRow& watch) {
  const std::string name = visible_name(watch.name.empty() ? watch.subject : watch.name);
  const std::string process =
      watch.process.pid == 0 ? name : fmt::format("{} (pid {})", name, watch.process.pid);
  if (!watch.part.empty())
    return fmt::format("the {} {} of {}", watch.scope, visible_name(watch.part), process);
  return watch.scope == "cgroup" ? "the cgroup " + name : process;
}

std::string_view unit_in(std::string_view amount) {
  const std::size_t space = amount.find(' ');
  return space == std::string_view::npos ? std::string_view() : amount.substr(space);
}

// "38 to 902 threads"; "900 MiB to 1.20 GiB".
std::string range(std::string_view low, std::string_view high) {
  const std::string_view unit = unit_in(low);
  if (unit == unit_in(high)) low.remove_suffix(unit.size());
  return fmt::format("{} to {}", low, high);
}

// "212 MB/h (198 to 230)".
std::string growth_words(Signal signal, const Growth& growth) {
  const std::string estimate = say_growth(signal, growth.estimate);
  std::string interval = range(say_growth(signal, growth.low), say_growth(signal, growth.high));
  const std::string_view unit = unit_in(estimate);
  const bool is_in_one_unit =
      interval.ends_with(unit) && interval.find(unit) == interval.size() - unit.size();
  if (is_in_one_unit) interval.resize(interval.size() - unit.size());
  return fmt::format("{} ({})", estimate, interval);
}

std::string growth_sentence(const Subject& subject) {
  const Verdict& verdict = subject.verdict;
  const std::string_view noun = kSignalNouns.at(static_cast<std::size_t>(subject.signal));
  std::string text =
      fmt::format("The floor of {}{}", noun.empty() ? "" : fmt::format("the {} of ", noun),
                  name_of(subject.watch));
  if (!known_growth(verdict)) return text + " does not rise now.";
  const double start = verdict.window_start_seconds;
  return text +
         fmt::format(" {} from {} since {} ({}), by {}.",
                     is_growing(subject.watch) ? "rose" : "had risen",
                     range(subject.amount(line_at(verdict, start)), subject.amount(verdict.floor)),
                     subject.time(start), say_span(verdict.window_end_seconds - start),
                     growth_words(subject.signal, verdict.growth));
}

// "over 48 floors, the last 12 each above the one before, and 2 earlier runs that grew alike".
std::string seen_words(const Verdict& verdict) {
  constexpr std::uint32_t kWorthTelling = 3;
  std::string text = fmt::format("over {} floors", verdict.floors);
  if (verdict.rising_floors >= kWorthTelling)
    text += fmt::format(", the last {} each above the one before", verdict.rising_floors);
  if (verdict.earlier_lives > 0) {
    text += fmt::format(", and over {} earlier run{} of the program that grew alike",
                        verdict.earlier_lives, verdict.earlier_lives == 1 ? "" : "s");
  }
  return text;
}

std::string certainty_sentence(const Subject& subject) {
  const WatchRow& watch = subject.watch;
  const std::string since = subject.time(watch.state_since_seconds);
  if (watch.ended_seconds)
    return fmt::format("It has ended at {}.", subject.time(*watch.ended_seconds));
  if (watch.state == LeakState::recovering) {
    const std::string why =
        watch.revocation.empty() ? std::string() : fmt::format(" after a {}", watch.revocation);
    return fmt::format("It was called leaking, and is recovering since {}{}.", since, why);
  }
  if (watch.is_retention) {
    return fmt::format(
        "It is suspected since {}, and no more than that: what the program holds is level, its {} "
        "keeps what was freed.",
        since, watch.runtime.empty() ? "allocator" : watch.runtime);
  }
  if (watch.state == LeakState::leaking) {
    // Three nines are as many as the trend test can tell of.
    return fmt::format("It is called leaking since {}: confirmed {}, at a confidence of {:.1f} %.",
                       since, seen_words(subject.verdict),
                       100 * std::min(subject.verdict.confidence, 0.999));
  }
  const std::string hold = explain_hold(subject.verdict, subject.counted);
  return fmt::format(
      "It is suspected since {}, {}; {}.", since, seen_words(subject.verdict),
      hold.empty() ? "the next floors have to confirm it" : "not confirmed: " + hold);
}

std::string share_words(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} % of the growth", 100 * *share)
               : std::string("growth of its own");
}

std::string structure_sentence(const Subject& subject) {
  const WatchRow& watch = subject.watch;
  if (watch.structures.empty()) return {};
  const LeakPart& first = watch.structures.front();
  std::string text = fmt::format("The structure {} has {} ({})", visible_name(first.name),
                                 share_words(first.share), say_rate(first.growth_bytes_per_second));
  if (!first.phase.empty()) text += fmt::format(", in its phase {}", visible_name(first.phase));
  return text + ".";
}

std::string site_sentence(const std::optional<ExplainedSite>& site) {
  if (!site || site->function.empty()) return {};
  std::string text =
      fmt::format("{} is allocated by {}", share_words(site->share), visible_name(site->function));
  text.front() = text.front() == 'g' ? 'G' : text.front();
  if (!site->file.empty()) {
    // The directories are of the machine that built it.
    text += fmt::format(" ({}:{})", visible_name(base_name(site->file)), site->line);
  }
  return text + fmt::format(" ({}).", say_rate(site->growth_bytes_per_second));
}

std::string goroutine_sentence(const Subject& subject) {
  if (!subject.watch.goroutines) return {};
  const GoroutineGrowth& gained = *subject.watch.goroutines;
  std::string text = fmt::format(
      "Its goroutines rose from {:.0f} to {:.0f} meanwhile{}.", gained.before, gained.now,
      gained.stack_share
          ? fmt::format("; their stacks are {:.0f} % of the growth", 100 * *gained.stack_share)
          : std::string());
  if (gained.waits) add_sentence(text, visible_name(say_goroutine_waits(*gained.waits)));
  return text;
}

// What else of the same subject grows.
std::string company_sentence(const Subject& subject) {
  std::vector<std::string> others;
  for (const WatchRow& watch : subject.snapshot.watches) {
    if (&watch == &subject.watch || watch.subject != subject.watch.subject || !is_growing(watch))
      continue;
    const std::optional<Signal> signal = find_signal(watch.signal);
    if (signal && !signal_info(*signal).counted.empty() && known_growth(watch.verdict)) {
      others.push_back(fmt::format("{} ({})", kSignalNouns.at(static_cast<std::size_t>(*signal)),
                                   say_growth(*signal, watch.verdict.growth.estimate)));
    }
  }
  if (others.empty()) return {};
  return fmt::format("It gains {} as well.", fmt::join(others, " and "));
}

bool has_passed(const Verdict& verdict, Gate gate) {
  return verdict.gates.at(static_cast<std::size_t>(gate)).outcome == GateOutcome::passed;
}

bool is_of_memory(const Subject& subject) {
  return subject.counted.empty() && subject.signal != Signal::external;
}

// What the numbers rule out.
std::string negation_sentence(const Subject& subject) {
  const Verdict& verdict = subject.verdict;
  std::vector<std::string> ruled_out;
  if (has_passed(verdict, Gate::still_growing) && has_passed(verdict, Gate::shape))
    ruled_out.emplace_back("a warm-up that levels off");
  if (has_passed(verdict, Gate::season)) ruled_out.emplace_back("the rise of a day");
  if (is_of_memory(subject) && subject.watch.causes) {
    const GrowthCauses& causes = *subject.watch.causes;
    if (causes.file_cache < kNegligibleShare) ruled_out.emplace_back("the cache of files");
    if (causes.is_live_known && causes.allocator_retention < kNegligibleShare)
      ruled_out.emplace_back("freed memory that the allocator keeps");
  }
  if (ruled_out.empty()) return {};
  return fmt::format("It is not {}.", fmt::join(ruled_out, ", nor "));
}

std::string unknown_sentence(const Subject& subject) {
  if (subject.verdict.follows_load) return "The load rose as well, and may be the reason.";
  const bool may_be_retention = subject.watch.causes && !subject.watch.causes->is_live_known &&
                                subject.watch.causes->unattributed >= kNegligibleShare;
  if (!may_be_retention || !is_of_memory(subject)) return {};
  return "Whether the program holds this memory, or its allocator keeps what was freed, cannot be "
         "told from outside.";
}

std::string build_sentence(const Subject& subject) {
  if (!subject.watch.builds) return {};
  std::string text =
      say_builds(*subject.watch.builds, subject.signal,
                 subject.snapshot.time_seconds + subject.snapshot.wall_offset_seconds);
  text.front() = 'S';
  return text + ".";
}

std::string forecast_sentence(const Subject& subject) {
  const Verdict& verdict = subject.verdict;
  if (!verdict.limit) return "No limit is known, so nothing is predicted.";
  const std::optional<Exhaustion> end = shown_exhaustion(subject.watch);
  if (!end) return {};
  const std::string_view source = subject.watch.limit_source;
  std::string text =
      fmt::format("At this pace it reaches the limit of {}{}", subject.amount(*verdict.limit),
                  source.empty() ? "" : fmt::format(" ({})", source));
  const double left = end->at_seconds - subject.snapshot.time_seconds;
  if (left < 60) return text + " within a minute.";
  const double earliest = std::max(end->earliest_seconds, subject.snapshot.time_seconds);
  const std::string latest = end->latest_seconds
                                 ? "to " + subject.time_near(*end->latest_seconds, end->at_seconds)
                                 : std::string("at the earliest, no upper bound");
  return text + fmt::format(" at {}, in {} ({} {}).", subject.time(end->at_seconds), say_span(left),
                            subject.time_near(earliest, end->at_seconds), latest);
}

std::string next_for_memory(const Subject& subject, const std::optional<ExplainedSite>& site) {
  const WatchRow& watch = subject.watch;
  const std::optional<GrowthCauses>& causes = watch.causes;
  const std::int32_t pid = watch.process.pid;
  if (watch.is_retention) {
    return "Next: have the allocator give memory back (malloc_trim, a purge; fewer arenas), or "
           "give the service more room; there is no leak to look for.";
  }
  if (watch.goroutines && watch.goroutines->stack_share.value_or(0) >= kNegligibleShare) {
    return watch.goroutines->waits ? "Next: see why what these goroutines wait for never comes, "
                                     "and who should end them."
                                   : "Next: see where the new goroutines wait (its goroutine "
                                     "profile, if it serves one).";
  }
  if (causes && causes->thread_stacks.value_or(0) > 0.5)
    return fmt::format("Next: see which threads become more (ls /proc/{}/task, their comm).", pid);
  if (causes && causes->shared_memory > 0.5)
    return "Next: see which files in /dev/shm or which shared mappings grow.";
  if (!watch.structures.empty()) {
    return fmt::format(
        "Next: look at what is put into {} and never taken out; its heap profile "
        "has the stacks.",
        visible_name(watch.structures.front().name));
  }
  if (site && !site->function.empty())
    return "Next: compare the heap profile with an earlier one (go tool pprof -diff_base), and "
           "look at who keeps what this site allocates.";
  if (watch.runtime == "JVM") {
    return fmt::format(
        "Next: see which classes grow (`heapfloor histogram --pid {}`, twice; it says first for "
        "how "
        "long it would stop the JVM).",
        pid);
  }
  if (watch.scope == "cgroup" || watch.scope == "external")
    return "Next: see which of its processes grows.";
  if (pid != 0 && watch.runtime.empty()) {
    return "Next: start it by `heapfloor run -- PROGRAM` to learn which allocation sites and "
           "structures grow.";
  }
  return {};
}

std::string next_sentence(const Subject& subject, const std::optional<ExplainedSite>& site) {
  if (!is_growing(subject.watch)) return {};
  const std::int32_t pid = subject.watch.process.pid;
  if (subject.watch.scope == "structure")
    return "Next: look at what is put into it and never taken out.";
  if (subject.watch.scope == "site") return "Next: look at who keeps what this site allocates.";
  switch (subject.signal) {
    case Signal::threads:
      return fmt::format("Next: see which threads become more (ls /proc/{}/task, their comm).",
                         pid);
    case Signal::file_descriptors:
      return fmt::format("Next: see what stays open (ls -l /proc/{}/fd).", pid);
    case Signal::cgroup_shmem:
      return "Next: see which files in /dev/shm or on a tmpfs of this cgroup grow.";
    case Signal::cgroup_slab:
      return "Next: see which of the kernel's caches grows (slabtop): often directory entries or "
             "inodes of many files.";
    default:
      return next_for_memory(subject, site);
  }
}

}  // namespace

std::string explanation(const Snapshot& snapshot, const WatchRow& watch,
                        const ExplainedSites& sites) {
  const std::optional<Signal> signal = find_signal(watch.signal);
  if (!signal) return {};
  const Subject subject(snapshot, watch, *signal);
  std::string text = growth_sentence(subject);
  add_sentence(text, certainty_sentence(subject));
  if (known_growth(subject.verdict)) {
    if (is_of_memory(subject) && watch.causes) add_sentence(text, say_causes(*watch.causes));
    add_sentence(text, structure_sentence(subject));
    add_sentence(text, sites.words.empty() ? site_sentence(sites.first) : sites.words);
    add_sentence(text, goroutine_sentence(subject));
    add_sentence(text, company_sentence(subject));
  }
  if (is_growing(subject.watch)) {
    add_sentence(text, negation_sentence(subject));
    add_sentence(text, unknown_sentence(subject));
  }
  add_sentence(text, build_sentence(subject));
  if (is_growing(subject.watch)) add_sentence(text, forecast_sentence(subject));
  add_sentence(text, next_sentence(subject, sites.first));
  // Names may have line ends and the like, which have no place in a paragraph.
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, ' ');
  return text;
}

}  // namespace heapfloor
