#include "agent/alerts/silence_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/series/glob.h"

namespace heapfloor {
namespace {

using Json = nlohmann::ordered_json;

std::string_view label_of(const AlertCondition& condition, std::string_view label) {
  if (label == "alertname") return condition.name;
  if (label == "scope") return condition.scope;
  if (label == "subject") return condition.subject;
  if (label == "group") return condition.group;
  if (label == "signal") return condition.signal;
  return condition.severity;
}

bool is_matched(const Silence& silence, const AlertCondition& condition) {
  return std::ranges::all_of(silence.matchers, [&](const auto& matcher) {
    return glob_matches(matcher.second, label_of(condition, matcher.first));
  });
}

// Whether the silence could match an alert of this subject.
bool is_about(const Silence& silence, const AlertCondition& subject) {
  return std::ranges::all_of(silence.matchers, [&](const auto& matcher) {
    const auto& [label, glob] = matcher;
    const bool is_of_subject = label == "scope" || label == "subject" || label == "group";
    return !is_of_subject || glob_matches(glob, label_of(subject, label));
  });
}

bool is_same_wish(const Silence& a, const Silence& b) {
  return a.matchers == b.matchers && a.comment == b.comment && a.created_by == b.created_by &&
         a.ends_at_seconds == b.ends_at_seconds && a.until_next_build == b.until_next_build;
}

Json silence_json(const Silence& silence) {
  Json json;
  json["id"] = silence.id;
  json["matchers"] = silence.matchers;
  json["comment"] = silence.comment;
  json["createdBy"] = silence.created_by;
  json["startsAt"] = silence.starts_at_seconds;
  json["endsAt"] = silence.ends_at_seconds ? Json(*silence.ends_at_seconds) : Json(nullptr);
  json["untilNextBuild"] = silence.until_next_build;
  json["builds"] = silence.builds;
  json["rebuilt"] = silence.rebuilt;
  return json;
}

// An image that is not known (yet) is no other one.
bool contains_build(const std::set<std::string>& builds, std::string_view build) {
  return std::ranges::any_of(builds, [build](std::string_view known) {
    const std::size_t blank = known.find(' ');
    const std::size_t other = build.find(' ');
    const bool has_images = blank != std::string_view::npos && other != std::string_view::npos;
    return has_images ? known == build : known.substr(0, blank) == build.substr(0, other);
  });
}

// Older agents told a build by the path of its file, which begins with a slash as no build's id
// does: what they learned says nothing of what runs now.
void forget_paths(std::map<std::string, std::set<std::string>>& builds) {
  std::erase_if(builds, [](const auto& item) {
    return std::ranges::any_of(item.second,
                               [](const std::string& build) { return build.starts_with('/'); });
  });
}

// Throws nlohmann's exceptions for what is not a silence.
Silence silence_of(const Json& json) {
  Silence silence;
  silence.id = json.at("id").get<std::string>();
  silence.matchers = json.at("matchers").get<Matchers>();
  silence.comment = json.at("comment").get<std::string>();
  silence.created_by = json.at("createdBy").get<std::string>();
  silence.starts_at_seconds = json.at("startsAt").get<double>();
  if (const Json& ends = json.at("endsAt"); !ends.is_null())
    silence.ends_at_seconds = ends.get<double>();
  silence.until_next_build = json.at("untilNextBuild").get<bool>();
  silence.builds = json.at("builds").get<std::map<std::string, std::set<std::string>>>();
  forget_paths(silence.builds);
  silence.rebuilt = json.at("rebuilt").get<std::set<std::string>>();
  return silence;
}

bool waits_for_build(const Silence& silence, double now_seconds) {
  return silence.until_next_build && is_active(silence, now_seconds);
}

bool is_known_label(std::string_view label) {
  return std::ranges::find(kSilenceLabels, label) != kSilenceLabels.end();
}

}  // namespace

bool is_active(const Silence& silence, double now_seconds) {
  return silence.starts_at_seconds <= now_seconds &&
         (!silence.ends_at_seconds || now_seconds < *silence.ends_at_seconds);
}

Result<std::string> SilenceBook::add(Silence silence, double now_seconds) {
  forget_ended(now_seconds);
  if (silences_.size() >= kMost)
    return failure(ErrorKind::io, "silences", fmt::format("there are {} already", kMost));
  // Counted on from the time of the start, so that no successor gives out an id again.
  silence.id = fmt::format("{:x}-{}", static_cast<std::uint64_t>(now_seconds * 1000), ++added_);
  silence.starts_at_seconds = now_seconds;
  silence.is_configured = false;
  silence.builds.clear();
  silence.rebuilt.clear();
  silences_.push_back(std::move(silence));
  ++version_;
  return silences_.back().id;
}

bool SilenceBook::remove(std::string_view id) {
  const auto found = std::ranges::find(silences_, id, &Silence::id);
  if (found == silences_.end() || found->is_configured) return false;
  silences_.erase(found);
  ++version_;
  return true;
}

void SilenceBook::set_configured(const std::vector<Silence>& silences, double now_seconds) {
  std::vector<Silence> before;
  const auto configured =
      std::stable_partition(silences_.begin(), silences_.end(),
                            [](const Silence& silence) { return !silence.is_configured; });
  std::move(configured, silences_.end(), std::back_inserter(before));
  silences_.erase(configured, silences_.end());
  for (std::size_t index = 0; index < silences.size(); ++index) {
    const Silence& wanted = silences[index];
    const auto same =
        std::ranges::find_if(before, [&](const Silence& old) { return is_same_wish(old, wanted); });
    Silence& silence = silences_.emplace_back(same == before.end() ? wanted : *same);
    silence.id = fmt::format("configured-{}", index + 1);
    silence.is_configured = true;
    if (same == before.end()) silence.starts_at_seconds = now_seconds;
  }
}

std::string program_key(std::string_view group, std::string_view program) {
  std::string key(group);
  key += '\0';  // in no name
  key += program;
  return key;
}

bool SilenceBook::wants_builds(double now_seconds) const {
  return std::ranges::any_of(silences_, [now_seconds](const Silence& silence) {
    return waits_for_build(silence, now_seconds);
  });
}

void SilenceBook::observe(std::span<const AlertCondition> subjects, const BuildSource& build_of,
                          double now_seconds) {
  // Each is asked for once, and only where a silence wants it.
  std::vector<std::optional<std::optional<ProgramBuild>>> asked(subjects.size());
  for (Silence& silence : silences_) {
    if (!waits_for_build(silence, now_seconds)) continue;
    std::map<std::string, std::set<std::string>> met;
    for (std::size_t index = 0; index < subjects.size(); ++index) {
      const AlertCondition& subject = subjects[index];
      if (!is_about(silence, subject)) continue;
      if (!asked[index]) asked[index] = build_of(subject.subject);
      const std::optional<ProgramBuild>& found = *asked[index];
      if (!found) continue;
      std::string key = program_key(subject.group, found->program);
      const auto known = silence.builds.find(key);
      if (known == silence.builds.end()) {
        met[std::move(key)].insert(found->build);
      } else if (!contains_build(known->second, found->build)) {
        if (silence.rebuilt.insert(subject.group).second) ++version_;
      }
    }
    for (auto& item : met) {
      if (silence.builds.size() >= kMostBuilds) break;
      silence.builds.insert(std::move(item));
      ++version_;
    }
  }
}

std::optional<std::string> SilenceBook::silencing(const AlertCondition& condition,
                                                  double now_seconds) const {
  for (const Silence& silence : silences_) {
    if (is_active(silence, now_seconds) && is_matched(silence, condition) &&
        !silence.rebuilt.contains(condition.group)) {
      return silence.id;
    }
  }
  return std::nullopt;
}

void SilenceBook::forget_ended(double now_seconds) {
  version_ += std::erase_if(silences_, [&](const Silence& silence) {
    return !silence.is_configured && silence.ends_at_seconds &&
           now_seconds >= *silence.ends_at_seconds + kKeptSeconds;
  });
}

std::string SilenceBook::save() const {
  Json body = Json::array();
  for (const Silence& silence : silences_) {
    if (!silence.is_configured) body.push_back(silence_json(silence));
  }
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> SilenceBook::load(std::string_view bytes) {
  const auto refuse = [](std::string reason) {
    return failure(ErrorKind::malformed, "silences", std::move(reason));
  };
  std::vector<Silence> loaded;
  try {
    const Json body = Json::parse(bytes);
    if (!body.is_array() || body.size() > kMost) return refuse("is not a list of silences");
    for (const Json& json : body) loaded.push_back(silence_of(json));
  } catch (const Json::exception& error) {
    return refuse(std::string(error.what()).substr(0, 80));
  }
  for (const Silence& silence : loaded) {
    // A silence without a matcher would silence everything.
    const bool is_sound = !silence.matchers.empty() && silence.ends_at_seconds &&
                          std::ranges::all_of(silence.matchers, [](const auto& matcher) {
                            return is_known_label(matcher.first);
                          });
    if (!is_sound) return refuse("has a silence that no one could have asked for");
  }
  silences_.insert(silences_.begin(), loaded.begin(), loaded.end());
  ++version_;
  return {};
}

}  // namespace heapfloor
