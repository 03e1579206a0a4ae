#include "agent/cli/rule_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/units.h"

namespace heapfloor {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Of the name of a metric, a keyword or a number.
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == ':' || c == '.';
}

// The string that begins at `at` with its quotes, or the rest where it does not end.
std::string_view string_at(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && text[end] != text[at]) end += text[end] == '\\' ? 2U : 1U;
  return text.substr(at, end - at + 1);
}

bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

std::string with_double_quotes(std::string_view quoted) {
  const bool is_whole = quoted.size() >= 2 && quoted.back() == quoted.front();
  const std::string_view inside = is_whole ? quoted.substr(1, quoted.size() - 2) : quoted;
  const bool is_plain = is_whole && inside.find_first_of("\"\\") == std::string_view::npos;
  return is_plain ? fmt::format("\"{}\"", inside) : std::string(quoted);
}

// The matchers of one selector in the order of their text, as servers write them.
std::string sorted_matchers(std::string_view inside) {
  std::vector<std::string_view> matchers;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < inside.size();) {
    if (inside[at] == ',') {
      matchers.push_back(inside.substr(begin, at - begin));
      begin = at + 1;
    }
    at += is_quote(inside[at]) ? string_at(inside, at).size() : 1;
  }
  if (begin < inside.size()) matchers.push_back(inside.substr(begin));
  std::ranges::sort(matchers);
  return fmt::format("{}", fmt::join(matchers, ","));
}

// `text` with the matchers of every selector sorted.
std::string with_sorted_matchers(std::string_view text) {
  std::string sorted;
  std::size_t open = std::string_view::npos;  // behind the brace
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = is_quote(text[at]) ? string_at(text, at).size() : 1;
    if (text[at] == '}' && open != std::string_view::npos) {
      sorted += sorted_matchers(text.substr(open, at - open));
      open = std::string_view::npos;
    }
    if (open == std::string_view::npos) sorted += text.substr(at, length);
    if (text[at] == '{' && open == std::string_view::npos) open = at + 1;
    at += length;
  }
  if (open != std::string_view::npos) sorted += text.substr(open);
  return sorted;
}

bool is_ours(std::string_view word) {
  return word.starts_with("heapfloor_") || word.starts_with("process_") ||
         word.find(':') != std::string_view::npos || word == "up";
}

// What of `theirs` is not as in `ours`; empty where nothing is.
std::string difference(const ShippedRule& ours, const LoadedRule& theirs) {
  if (normalised_promql(ours.expression) != normalised_promql(theirs.expression))
    return "another expression";
  const auto differs = [](double shipped, const std::optional<double>& loaded) {
    return loaded && *loaded != shipped;
  };
  if (differs(ours.hold_seconds, theirs.hold_seconds))
    return fmt::format("for: {}, ours {}", format_duration(*theirs.hold_seconds),
                       format_duration(ours.hold_seconds));
  if (differs(ours.keep_firing_seconds, theirs.keep_firing_seconds))
    return fmt::format("keep_firing_for: {}, ours {}", format_duration(*theirs.keep_firing_seconds),
                       format_duration(ours.keep_firing_seconds));
  for (const auto& [name, value] : ours.labels) {
    const auto found = theirs.labels.find(name);
    if (found == theirs.labels.end()) return fmt::format("no label {}", name);
    if (found->second != value) return fmt::format("{}: {}, ours {}", name, found->second, value);
  }
  return "";
}

// Loaded rules, each of which answers once.
class Candidates {
 public:
  explicit Candidates(const std::vector<LoadedRule>& loaded) : loaded_(loaded) {
    taken_.resize(loaded.size());
  }

  // The first that is left of this kind and name and, where asked, as we ship it.
  std::optional<LoadedRule> take(const ShippedRule& ours, bool only_equal) {
    for (std::size_t i = 0; i < loaded_.size(); ++i) {
      const LoadedRule& theirs = loaded_[i];
      if (taken_[i] || theirs.name != ours.name || theirs.is_alert != ours.is_alert) continue;
      if (only_equal && !difference(ours, theirs).empty()) continue;
      taken_[i] = true;
      return theirs;
    }
    return std::nullopt;
  }

 private:
  const std::vector<LoadedRule>& loaded_;
  std::vector<bool> taken_;
};

void judge(CheckedRule& rule) {
  if (!rule.theirs) return;
  rule.detail = difference(rule.ours, *rule.theirs);
  rule.state = rule.detail.empty() ? RuleState::loaded : RuleState::changed;
  if (rule.theirs->health != "err") return;
  rule.state = RuleState::failing;
  rule.detail =
      rule.theirs->last_error.empty() ? "it cannot be evaluated" : rule.theirs->last_error;
}

}  // namespace

std::string normalised_promql(std::string_view expression) {
  std::string normalised;
  bool is_apart = false;  // white space since the last character
  for (std::size_t at = 0; at < expression.size();) {
    const char c = expression[at];
    if (is_blank(c)) {
      is_apart = true;
      ++at;
    } else if (c == '#') {
      at = std::min(expression.find('\n', at), expression.size());
    } else {
      if (is_apart && !normalised.empty() && is_word(normalised.back()) && is_word(c))
        normalised += ' ';
      is_apart = false;
      const std::string_view whole =
          is_quote(c) ? string_at(expression, at) : expression.substr(at, 1);
      normalised += is_quote(c) ? with_double_quotes(whole) : std::string(whole);
      at += whole.size();
    }
  }
  return with_sorted_matchers(normalised);
}

std::set<std::string> metrics_of(std::string_view expression) {
  std::set<std::string> names;
  const std::string text = normalised_promql(expression);
  for (std::size_t at = 0; at < text.size();) {
    if (is_quote(text[at])) {
      at += string_at(text, at).size();
      continue;
    }
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::find_if_not(begin, text.end(), is_word);
    const std::string word(begin, end);
    if (is_ours(word)) names.insert(word);
    at += std::max<std::size_t>(word.size(), 1);
  }
  return names;
}

std::string_view rule_state_name(RuleState state) {
  switch (state) {
    case RuleState::loaded:
      return "loaded";
    case RuleState::changed:
      return "changed";
    case RuleState::failing:
      return "failing";
    case RuleState::missing:
      break;
  }
  return "missing";
}

std::vector<CheckedRule> check_rules(const std::vector<ShippedRule>& shipped,
                                     const std::vector<LoadedRule>& loaded,
                                     const std::set<std::string>& names) {
  std::vector<CheckedRule> checked;
  Candidates candidates(loaded);
  for (const ShippedRule& ours : shipped) {
    CheckedRule& rule = checked.emplace_back();
    rule.ours = ours;
    rule.theirs = candidates.take(ours, true);
    std::ranges::set_difference(metrics_of(ours.expression), names,
                                std::back_inserter(rule.lacking));
  }
  for (CheckedRule& rule : checked) {
    if (!rule.theirs) rule.theirs = candidates.take(rule.ours, false);
    judge(rule);
  }
  return checked;
}

std::vector<std::string> RuleReport::reasons() const {
  std::vector<std::string> found;
  for (const RuleState state : {RuleState::missing, RuleState::failing, RuleState::changed}) {
    if (state == RuleState::changed && accepts_changed) continue;
    const auto count = std::ranges::count(rules, state, &CheckedRule::state);
    if (count > 0)
      found.push_back(fmt::format("{} of {} rules {} {}", count, rules.size(),
                                  count == 1 ? "is" : "are", rule_state_name(state)));
  }
  if (!targets) {
    found.push_back(fmt::format("not known which agents are scraped: {}", targets.error().reason));
  } else if (targets->up == 0) {
    found.push_back(targets->all == 0 ? "no agent is scraped"
                                      : fmt::format("none of {} agents is up", targets->all));
  }
  if (!asks_alertmanagers) return found;
  if (!alertmanagers) {
    found.push_back(fmt::format("not known whether alerts go to an Alertmanager: {}",
                                alertmanagers.error().reason));
  } else if (alertmanagers->empty()) {
    found.emplace_back("alerts go to no Alertmanager");
  }
  return found;
}

}  // namespace heapfloor
