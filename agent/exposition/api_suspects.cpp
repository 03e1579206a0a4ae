#include "agent/exposition/api_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "agent/alerts/cause_words.h"
#include "agent/exposition/api_parts.h"
#include "agent/exposition/explanation.h"
#include "agent/exposition/known_sites.h"
#include "agent/exposition/signals.h"
#include "agent/exposition/site_words.h"
#include "agent/exposition/text_format.h"
#include "agent/trend/explain.h"
#include "agent/trend/forecast.h"

namespace heapfloor {
namespace {

bool is_suspect(const WatchRow& watch) { return watch.state >= LeakState::suspected; }

std::string_view severity_of(const Snapshot& snapshot, const WatchRow& watch) {
  if (!shown_exhaustion(watch)) return severity_name(Severity::info);
  return severity_name(severity(watch.verdict, snapshot.time_seconds));
}

// Why there is no more of it.
std::string_view end_of(std::string_view scope) {
  if (scope == "cgroup") return "the cgroup was removed";
  if (scope == "structure") return "its process has ended, or does not tell of it any more";
  if (scope == "site")
    return "its process has ended, or it is not among its largest sites any more";
  return "its process has ended";
}

// The verdict in words; of a revoked leak, first why it was revoked.
std::string reason_of(const Snapshot& snapshot, const WatchRow& watch) {
  const double now = watch.ended_seconds.value_or(snapshot.time_seconds);
  std::string reason = explain(watch.verdict, now, counted_by(watch.signal));
  if (watch.ended_seconds) {
    return std::string(end_of(watch.scope)) + "; before that: " + reason;
  }
  if (watch.is_retention) {
    return "held, since the program's live heap is level: its " +
           std::string(watch.runtime.empty() ? "allocator" : watch.runtime) +
           " keeps what was freed; " + reason;
  }
  if (watch.state != LeakState::recovering || watch.revocation.empty()) return reason;
  return "revoked after a " + std::string(watch.revocation) + "; now: " + reason;
}

Json gates_json(const Verdict& verdict, std::string_view counted) {
  Json gates = Json::array();
  for (std::size_t i = 0; i < kGates; ++i) {
    const GateResult& result = verdict.gates.at(i);
    const auto gate = static_cast<Gate>(i);
    Json passed;  // null: not asked
    if (result.outcome == GateOutcome::passed) passed = true;
    if (result.outcome == GateOutcome::failed) passed = false;
    gates.push_back({{"gate", gate_name(gate)},
                     {"passed", std::move(passed)},
                     {"detail", gate_detail(gate, verdict, counted)}});
  }
  return gates;
}

Json build_course_json(const BuildCourse& course) {
  const bool is_known = course.course.move != FloorMove::unknown;
  Json json = build_json(course.build);
  json["since"] = json_number(course.since_seconds);
  json["runs"] = course.runs;
  json["run_seconds"] = json_number(course.run_seconds);
  json["seen_seconds"] = json_number(course.course.seconds);
  json["move"] = floor_move_name(course.course.move);
  json["growth_per_second"] =
      growth_json(is_known ? std::optional(course.course.growth) : std::nullopt);
  return json;
}

// Which build runs, how the floors went since it does, and the same of the build before it.
Json builds_json(const WatchRow& watch) {
  if (!watch.builds) return nullptr;
  Json json = build_course_json(watch.builds->now);
  json["is_rollback"] = watch.builds->is_rollback;
  json["before"] = watch.builds->before ? build_course_json(*watch.builds->before) : Json(nullptr);
  return json;
}

Json place_json(const GoPlace& place) {
  if (place.function.empty()) return nullptr;
  return {{"function", visible_name(place.function)},
          {"file", text_or_null(place.file)},
          {"line", place.line > 0 ? Json(place.line) : Json(nullptr)}};
}

// Where the goroutines of a program are; null where that is not known.
Json waits_json(const Snapshot& snapshot, const std::optional<GoroutineWaits>& waits) {
  if (!waits) return nullptr;
  Json places = Json::array();
  for (const GoroutineWait& wait : waits->waits) {
    places.push_back({{"goroutines", json_number(wait.goroutines)},
                      {"at", place_json(wait.at)},
                      {"reason", text_or_null(wait.reason)},
                      {"started_at", place_json(wait.started_at)}});
  }
  return {{"source", waits->source},
          {"time", ApiRows(snapshot).wall(waits->time_seconds)},
          {"goroutines", json_number(waits->goroutines)},
          {"seen", json_number(waits->seen)},
          {"text", text_or_null(say_goroutine_waits(*waits))},
          {"places", std::move(places)}};
}

// What the builds of the program say; earlier runs of the program that grew alike; goroutines that
// it gained; and what else of the same subject grows: threads and descriptors come with memory of
// their own, and memory with what it is for.
Json evidence_json(const Snapshot& snapshot, const WatchRow& suspect) {
  Json evidence = Json::array();
  const std::optional<Signal> signal = find_signal(suspect.signal);
  if (suspect.builds && signal) {
    const double now_seconds = snapshot.time_seconds + snapshot.wall_offset_seconds;
    evidence.push_back(
        {{"kind", "builds"}, {"text", say_builds(*suspect.builds, *signal, now_seconds)}});
  }
  if (suspect.verdict.earlier_lives > 0) {
    evidence.push_back(
        {{"kind", "earlier_runs"},
         {"runs", suspect.verdict.earlier_lives},
         {"seconds", json_number(static_cast<double>(suspect.verdict.earlier_seconds))}});
  }
  if (suspect.goroutines) {
    const GoroutineGrowth& gained = *suspect.goroutines;
    evidence.push_back({{"kind", "goroutines"},
                        {"before", json_number(gained.before)},
                        {"now", json_number(gained.now)},
                        {"stack_growth_bytes", json_number(gained.stack_bytes)},
                        {"stack_share", json_number_or_null(gained.stack_share)},
                        {"waits", waits_json(snapshot, gained.waits)}});
  }
  for (const WatchRow& watch : snapshot.watches) {
    if (&watch == &suspect || watch.subject != suspect.subject || !is_growing(watch)) continue;
    evidence.push_back({{"kind", "signal"},
                        {"id", watch_id(watch)},
                        {"signal", watch.signal},
                        {"unit", ApiRows::unit(watch)},
                        {"state", leak_state_name(watch.state)},
                        {"growth_per_second", growth_json(known_growth(watch.verdict))}});
  }
  return evidence;
}

// What was captured of the subject, or of the process that it is a part of, the newest first.
Json captures_json(const Snapshot& snapshot, const WatchRow& watch) {
  Json captures = Json::array();
  if (!snapshot.evidence) return captures;
  for (const EvidenceRecord& record : snapshot.evidence->records) {
    const bool is_of_process = watch.process.pid != 0 && record.process == watch.process;
    if (!is_of_process && record.subject != visible_name(watch.subject)) continue;
    Json files = Json::array();
    for (const EvidenceRecord::File& file : record.files) files.push_back(file.name);
    captures.push_back({{"id", record.id},
                        {"occasion", occasion_name(record.occasion)},
                        {"at", json_number(record.wall_seconds)},
                        {"files", std::move(files)}});
  }
  return captures;
}

Json causes_json(const WatchRow& watch) {
  if (!watch.causes) return Json::object();
  Json json;
  for (const auto& [name, share] : cause_shares(*watch.causes))
    json[std::string(name)] = json_number_or_null(share);
  return json;
}

Json structures_json(const WatchRow& watch) {
  Json structures = Json::array();
  for (const LeakPart& part : watch.structures) {
    structures.push_back({{"name", visible_name(part.name)},
                          {"phase", text_or_null(part.phase)},
                          {"growth_bytes_per_second", json_number(part.growth_bytes_per_second)},
                          {"share", json_number_or_null(part.share)}});
  }
  return structures;
}

// A site as the detector follows it, as its symbols name it, or both.
struct ShownSite {
  const LeakPart* part = nullptr;
  const KnownSite* known = nullptr;
  [[nodiscard]] double growth() const {
    if (known != nullptr && known->growth) return known->growth->bytes_per_second;
    return part == nullptr ? 0 : part->growth_bytes_per_second;
  }
  [[nodiscard]] std::optional<double> share() const {
    if (known != nullptr && known->growth && known->growth->share) return known->growth->share;
    return part == nullptr ? std::nullopt : part->share;
  }
};

// The fastest first. Of a structure or one site only what the detector says of its parts.
std::vector<ShownSite> shown_sites(const Snapshot& snapshot, const WatchRow& watch) {
  const std::vector<KnownSite>& known = known_sites_of(snapshot, watch);
  const bool is_whole =
      watch.scope == "process" || watch.scope == "allocator" || watch.scope == "go";
  std::vector<ShownSite> shown;
  for (const LeakPart& part : watch.sites) {
    const auto same = std::ranges::find(known, part.name, site_name);
    shown.push_back({&part, same == known.end() ? nullptr : &*same});
  }
  for (const KnownSite& site : known) {
    const auto is_same = [&site](const LeakPart& part) { return part.name == site_name(site); };
    if (is_whole && site.growth && std::ranges::none_of(watch.sites, is_same))
      shown.push_back({nullptr, &site});
  }
  std::ranges::stable_sort(shown, std::greater<>(), &ShownSite::growth);
  return shown;
}

// With the interval of the sampling error where the growth was measured so.
Json site_growth_json(const ShownSite& site) {
  if (site.known == nullptr || !site.known->growth)
    return {{"estimate", json_number(site.growth())}, {"low", nullptr}, {"high", nullptr}};
  return {{"estimate", json_number(site.growth())},
          {"low", json_number(site.known->growth->low_bytes_per_second)},
          {"high", json_number(site.known->growth->high_bytes_per_second)}};
}

Json site_json(const ShownSite& site) {
  static const KnownSite unknown;
  static const LeakPart unfollowed;
  const KnownSite& known = site.known == nullptr ? unknown : *site.known;
  const LeakPart& part = site.part == nullptr ? unfollowed : *site.part;
  Json json;
  json["site"] = site.part == nullptr ? site_name(known) : part.name;
  json["function"] = text_or_null(known.function);
  json["file"] = text_or_null(known.file);
  json["line"] = known.line > 0 ? Json(known.line) : Json(nullptr);
  json["location"] = text_or_null(part.location);
  json["structure"] = text_or_null(part.structure.empty() ? known.structure : part.structure);
  json["phase"] = text_or_null(part.phase.empty() ? known.phase : part.phase);
  json["container"] = text_or_null(known.container);
  json["element"] = text_or_null(known.element);
  json["growth_bytes_per_second"] = site_growth_json(site);
  json["share"] = json_number_or_null(site.share());
  return json;
}

Json sites_json(const std::vector<ShownSite>& shown) {
  Json sites = Json::array();
  for (const ShownSite& site : shown) sites.push_back(site_json(site));
  return sites;
}

// The first of them whose symbols are known.
std::optional<ExplainedSite> explained_site(const std::vector<ShownSite>& sites) {
  const auto named = [](const ShownSite& site) {
    return site.known != nullptr && !site.known->function.empty() && site.growth() > 0;
  };
  const auto found = std::ranges::find_if(sites, named);
  if (found == sites.end()) return std::nullopt;
  return ExplainedSite{found->known->function, found->known->file, found->known->line,
                       found->growth(), found->share()};
}

// Of a Go program's heap, which of its sites grow, in words.
std::string site_words(const WatchRow& watch, const std::vector<ShownSite>& sites) {
  if (watch.causes || watch.scope != "go") return {};
  std::vector<GrowingSite> growing;
  for (const ShownSite& site : sites) {
    if (site.known != nullptr && site.growth() > 0)
      growing.push_back({site.known, site.growth(), site.share()});
  }
  return say_growing_sites(growing, watch.idle_bytes);
}

Json suspect_json(const Snapshot& snapshot, const WatchRow& watch) {
  const ApiRows rows(snapshot);
  const Verdict& verdict = watch.verdict;
  const std::vector<ShownSite> sites = shown_sites(snapshot, watch);
  Json json;
  json["id"] = watch_id(watch);
  json["scope"] = watch.scope;
  json["subject"] = rows.watch_subject(watch);
  json["signal"] = watch.signal;
  json["basis"] = watch.basis;
  json["collector"] = watch.collector.empty() ? Json() : Json(watch.collector);
  json["state"] = leak_state_name(watch.state);
  json["since"] = rows.wall(watch.state_since_seconds);
  json["ended_at"] = watch.ended_seconds ? rows.wall(*watch.ended_seconds) : Json();
  json["severity"] = severity_of(snapshot, watch);
  json["unit"] = rows.unit(watch);
  json["value"] = json_number(watch.last_value);
  json["floor"] = json_number_or_null(known_floor(verdict));
  json["growth_per_second"] = growth_json(known_growth(verdict));
  json["value_bytes"] = bytes_or_null(watch.signal, json["value"]);
  json["floor_bytes"] = bytes_or_null(watch.signal, json["floor"]);
  json["growth_bytes_per_second"] = bytes_or_null(watch.signal, json["growth_per_second"]);
  json["confidence"] = json_number_or_null(known_confidence(verdict));
  json["predicted_exhaustion"] = rows.exhaustion(watch);
  json["cause"] = causes_json(watch);
  const std::string words = site_words(watch, sites);
  json["cause_summary"] = watch.causes ? Json(say_causes(*watch.causes)) : text_or_null(words);
  json["sites"] = sites_json(sites);
  json["structures"] = structures_json(watch);
  json["build"] = builds_json(watch);
  json["gates"] = gates_json(verdict, counted_by(watch.signal));
  json["reason"] = reason_of(snapshot, watch);
  json["explanation"] = explanation(snapshot, watch, {explained_site(sites), words});
  json["evidence"] = evidence_json(snapshot, watch);
  json["captures"] = captures_json(snapshot, watch);
  json["changes"] = changes_json(watch.changes, rows);
  return json;
}

// Leaking first, then suspected, then recovering; inside a state by the time to exhaustion.
std::tuple<int, double> urgency(const WatchRow& watch) {
  const std::optional<Exhaustion> exhaustion = shown_exhaustion(watch);
  const int order = watch.state == LeakState::leaking     ? 0
                    : watch.state == LeakState::suspected ? 1
                                                          : 2;
  return {order, exhaustion ? exhaustion->at_seconds : std::numeric_limits<double>::infinity()};
}

}  // namespace

std::string say_go_growth(const Snapshot& snapshot, const WatchRow& watch) {
  std::string text = site_words(watch, shown_sites(snapshot, watch));
  if (!watch.goroutines || !watch.goroutines->waits) return text;
  const std::string waits = say_goroutine_waits(*watch.goroutines->waits);
  return text.empty() || waits.empty() ? text + waits : text + " " + waits;
}

ApiDocument suspects_document(const Snapshot& snapshot) {
  std::vector<const WatchRow*> suspects;
  for (const WatchRow& watch : snapshot.watches) {
    if (is_suspect(watch)) suspects.push_back(&watch);
  }
  std::ranges::stable_sort(suspects, {}, [](const WatchRow* watch) { return urgency(*watch); });
  Json data;
  data["suspects"] = Json::array();
  for (const WatchRow* const watch : suspects) {
    data["suspects"].push_back(suspect_json(snapshot, *watch));
  }
  return success_document(std::move(data));
}

ApiDocument suspect_document(const Snapshot& snapshot, std::string_view id) {
  const WatchRow* const watch = find_watch(snapshot, id);
  if (watch == nullptr || !is_suspect(*watch)) {
    return error_document(404, "not_found", "there is no such suspect");
  }
  Json data;
  data["suspect"] = suspect_json(snapshot, *watch);
  return success_document(std::move(data));
}

}  // namespace heapfloor
