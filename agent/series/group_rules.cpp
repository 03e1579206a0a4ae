#include "agent/series/group_rules.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "agent/series/glob.h"

namespace heapfloor {
namespace {

// For a program and the cache of its automaton; kMostExpressions of them stay within 16 MiB.
constexpr std::int64_t kExpressionBytes = std::int64_t{128} * 1024;
constexpr std::size_t kMostCaptures = 32;
constexpr std::size_t kCommBytes = 15;  // TASK_COMM_LEN less its NUL
constexpr std::size_t kShortestContainerPrefix = 4;
constexpr std::string_view kDefaultTemplate = "{{.ExeBase}}";
constexpr std::string_view kMatches = "Matches.";

enum class TemplateField { literal, comm, exe_base, exe_full, username, unit, container_id, match };

constexpr std::array<std::pair<std::string_view, TemplateField>, 6> kFields = {{
    {"Comm", TemplateField::comm},
    {"ExeBase", TemplateField::exe_base},
    {"ExeFull", TemplateField::exe_full},
    {"Username", TemplateField::username},
    {"Unit", TemplateField::unit},
    {"ContainerID", TemplateField::container_id},
}};

struct TemplatePiece {
  TemplateField field = TemplateField::literal;
  std::string text;  // the literal, or the name of the match
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The pieces, or what is wrong.
std::optional<std::string> parse_template(std::string_view text, std::vector<TemplatePiece>& out) {
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    if (open != 0) out.push_back({TemplateField::literal, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) return std::nullopt;
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return R"("{{" without "}}")";
    const std::string_view inner = trimmed(text.substr(open + 2, close - open - 2));
    text.remove_prefix(close + 2);
    const std::string_view name = inner.substr(inner.starts_with('.') ? 1 : 0);
    const auto* const field =
        std::ranges::find(kFields, name, &std::pair<std::string_view, TemplateField>::first);
    if (inner.starts_with('.') && field != kFields.end()) {
      out.push_back({field->second, {}});
    } else if (inner.starts_with('.') && name.starts_with(kMatches)) {
      out.push_back({TemplateField::match, std::string(name.substr(kMatches.size()))});
    } else {
      return "unknown \"{{" + std::string(inner.substr(0, 40)) +
             "}}\"; there are .Comm, .ExeBase, .ExeFull, .Username, .Unit, .ContainerID and "
             ".Matches.NAME";
    }
  }
  return std::nullopt;
}

std::unique_ptr<RE2> compile(const std::string& expression) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // bytes: a command line need not be UTF-8
  options.set_max_mem(kExpressionBytes);
  return std::make_unique<RE2>(expression, options);
}

bool is_container(std::string_view pattern, std::string_view id) {
  if (id.empty()) return false;
  if (glob_matches(pattern, id)) return true;
  return pattern.size() >= kShortestContainerPrefix && id.starts_with(pattern);
}

bool is_comm(std::string_view wanted, std::string_view comm) {
  return comm == wanted || (comm.size() == kCommBytes && wanted.starts_with(comm));
}

// A path is compared with a path, a name with a name; of the link and of the first argument alike,
// because the link is closed to the unprivileged and may name a version that nobody writes.
bool is_executable(std::string_view wanted, const ProcessFacts& facts) {
  const bool is_path = wanted.find('/') != std::string_view::npos;
  const auto matches = [&](std::string_view path) {
    return !path.empty() && (is_path ? path : base_name(path)) == wanted;
  };
  return matches(program_path(facts)) || matches(first_argument(facts.command_line));
}

template <class Matches>
bool any_or_none(const std::vector<std::string>& entries, Matches matches) {
  return entries.empty() || std::ranges::any_of(entries, matches);
}

// Everything but cmdline, age and size, cheapest first.
bool simple_matchers_match(const GroupSpec& spec, const ProcessFacts& facts) {
  return any_or_none(spec.comm, [&](const auto& name) { return is_comm(name, facts.comm); }) &&
         any_or_none(spec.exe, [&](const auto& name) { return is_executable(name, facts); }) &&
         any_or_none(spec.user,
                     [&](const auto& user) {
                       return !user.empty() && (user == facts.user_id || user == facts.user_name);
                     }) &&
         any_or_none(spec.unit,
                     [&](const auto& glob) {
                       return !facts.unit.empty() && glob_matches(glob, facts.unit);
                     }) &&
         any_or_none(spec.cgroup,
                     [&](const auto& glob) {
                       return !facts.cgroup.empty() && glob_matches(glob, facts.cgroup);
                     }) &&
         any_or_none(spec.container,
                     [&](const auto& entry) { return is_container(entry, facts.container_id); });
}

// The arguments as a person would read them.
std::string joined_arguments(std::string_view command_line) {
  while (command_line.ends_with('\0')) command_line.remove_suffix(1);
  std::string joined(command_line);
  std::ranges::replace(joined, '\0', ' ');
  return joined;
}

void lower(std::optional<double>& least, double value) {
  least = std::min(least.value_or(value), value);
}

}  // namespace

std::optional<std::string> expression_problem(const std::string& expression) {
  const std::unique_ptr<RE2> compiled = compile(expression);
  if (!compiled->ok()) return "not a regular expression (RE2): " + compiled->error();
  if (compiled->NumberOfCapturingGroups() > static_cast<int>(kMostCaptures))
    return "more than " + std::to_string(kMostCaptures) + " groups in one expression";
  return std::nullopt;
}

std::optional<std::string> template_problem(std::string_view name,
                                            const std::vector<std::string>& cmdline) {
  std::vector<TemplatePiece> pieces;
  if (auto problem = parse_template(name, pieces)) return problem;
  for (const TemplatePiece& piece : pieces) {
    if (piece.field != TemplateField::match) continue;
    const bool is_captured = std::ranges::any_of(cmdline, [&piece](const std::string& text) {
      return compile(text)->NamedCapturingGroups().contains(piece.text);
    });
    if (!is_captured)
      return "no expression of cmdline has a group (?P<" + piece.text.substr(0, 40) + ">…)";
  }
  return std::nullopt;
}

struct GroupRules::Compiled {
  std::vector<TemplatePiece> name;
  std::vector<std::unique_ptr<RE2>> expressions;
  bool is_good = true;

  using Captures = std::map<std::string, std::string, std::less<>>;
  [[nodiscard]] bool match(std::string_view arguments, Captures& captures) const;
  [[nodiscard]] std::string render(const ProcessFacts& facts, const Captures& captures) const;
};

bool GroupRules::Compiled::match(std::string_view arguments, Captures& captures) const {
  std::array<re2::StringPiece, kMostCaptures + 1> found;
  const re2::StringPiece text(arguments.data(), arguments.size());
  for (const std::unique_ptr<RE2>& expression : expressions) {
    const int groups = expression->NumberOfCapturingGroups();
    if (!expression->Match(text, 0, text.size(), RE2::UNANCHORED, found.data(), groups + 1))
      return false;
    for (const auto& [capture, group] : expression->NamedCapturingGroups()) {
      const re2::StringPiece& piece = found.at(static_cast<std::size_t>(group));
      captures.insert_or_assign(capture, std::string(piece.data(), piece.size()));
    }
  }
  return true;
}

std::string GroupRules::Compiled::render(const ProcessFacts& facts,
                                         const Captures& captures) const {
  std::string out;
  for (const TemplatePiece& piece : name) {
    switch (piece.field) {
      case TemplateField::literal:
        out += piece.text;
        break;
      case TemplateField::comm:
        out += facts.comm;
        break;
      case TemplateField::exe_base:
        out += base_name(program_path(facts));
        break;
      case TemplateField::exe_full:
        out += program_path(facts);
        break;
      case TemplateField::username:
        out += facts.user_name.empty() ? facts.user_id : facts.user_name;
        break;
      case TemplateField::unit:
        out += facts.unit;
        break;
      case TemplateField::container_id:
        out += facts.container_id;
        break;
      case TemplateField::match:
        if (const auto found = captures.find(piece.text); found != captures.end())
          out += found->second;
        break;
    }
  }
  if (out.empty()) out = facts.comm;
  out.resize(std::min(out.size(), kLongestGroupName));
  return out;
}

GroupRules::GroupRules(std::vector<GroupSpec> specs) : specs_(std::move(specs)) {
  for (const GroupSpec& spec : specs_) {
    Compiled& compiled = compiled_.emplace_back();
    const std::string_view name = spec.name.empty() ? kDefaultTemplate : spec.name;
    if (parse_template(name, compiled.name) || template_problem(name, spec.cmdline))
      compiled.is_good = false;
    for (const std::string& expression : spec.cmdline) {
      compiled.expressions.push_back(compile(expression));
      const RE2& made = *compiled.expressions.back();
      if (!made.ok() || made.NumberOfCapturingGroups() > static_cast<int>(kMostCaptures))
        compiled.is_good = false;
    }
  }
}

GroupRules::~GroupRules() = default;

GroupRules::Outcome GroupRules::evaluate(const ProcessFacts& facts) const {
  Outcome outcome;
  std::optional<std::string> arguments;
  for (std::size_t rule = 0; rule < specs_.size(); ++rule) {
    const GroupSpec& spec = specs_[rule];
    const Compiled& compiled = compiled_[rule];
    if (!compiled.is_good || !simple_matchers_match(spec, facts)) continue;
    if (!arguments) arguments = joined_arguments(facts.command_line);
    Compiled::Captures captures;
    if (!compiled.match(*arguments, captures)) continue;
    const bool is_old = !spec.minimum_age_seconds || facts.age_seconds >= *spec.minimum_age_seconds;
    const bool is_large =
        !spec.minimum_size_bytes || facts.size_bytes.value_or(0) >= *spec.minimum_size_bytes;
    if (is_old && is_large) {
      outcome.match = Match{rule, compiled.render(facts, captures)};
      return outcome;
    }
    if (!is_old) lower(outcome.recheck_age_seconds, *spec.minimum_age_seconds);
    if (!is_large) lower(outcome.recheck_size_bytes, *spec.minimum_size_bytes);
  }
  return outcome;
}

}  // namespace heapfloor
