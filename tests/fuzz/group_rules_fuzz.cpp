// Rules and processes that nobody wrote with good will: one expression, template and glob against
// one process, the parts cut at each 0x1e byte.
#include "agent/series/group_rules.h"

#include <array>

#include "agent/series/default_group.h"
#include "agent/series/glob.h"
#include "tests/fuzz/property.h"

namespace {

using heapfloor::DefaultGrouping;
using heapfloor::GroupRules;
using heapfloor::GroupSpec;
using heapfloor::ProcessFacts;
using heapfloor::testing::require;

constexpr char kSeparator = 0x1e;

std::string_view take_part(std::string_view& rest) {
  const std::size_t end = rest.find(kSeparator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

// The plain meaning of a glob.
bool slow_glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return slow_glob(pattern.substr(1), text) ||
           (!text.empty() && slow_glob(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slow_glob(pattern.substr(1), text.substr(1));
}

void check_names(const ProcessFacts& facts) {
  const std::string_view script = heapfloor::script_name(
      heapfloor::base_name(heapfloor::program_path(facts)), facts.command_line);
  require(script.find_first_of("/= \n\t:;") == std::string_view::npos,
          "a script's name is a name and nothing else");
  require(script.empty() || facts.command_line.find(script) != std::string_view::npos,
          "a script stands in the command line");
  require(heapfloor::default_group(facts, DefaultGrouping::comm) == facts.comm, "comm is comm");
  require(facts.comm.empty() || !heapfloor::default_group(facts, DefaultGrouping::unit).empty(),
          "every process has a group");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = heapfloor::testing::text_of(data, size);
  GroupSpec spec;
  spec.cmdline = {std::string(take_part(rest).substr(0, heapfloor::kLongestGroupPattern))};
  spec.name = std::string(take_part(rest).substr(0, heapfloor::kLongestGroupPattern));
  const std::string glob(take_part(rest).substr(0, heapfloor::kLongestGroupPattern));
  ProcessFacts facts;
  for (std::string_view* part : {&facts.comm, &facts.executable, &facts.command_line, &facts.cgroup,
                                 &facts.unit, &facts.container_id})
    *part = take_part(rest);
  check_names(facts);
  if (glob.size() < 8 && facts.cgroup.size() < 16) {
    require(heapfloor::glob_matches(glob, facts.cgroup) == slow_glob(glob, facts.cgroup),
            "a glob means what it says");
  }
  const bool is_bad = heapfloor::expression_problem(spec.cmdline[0]).has_value() ||
                      heapfloor::template_problem(spec.name, spec.cmdline).has_value();
  GroupSpec by_glob;
  by_glob.name = "glob";
  by_glob.cgroup = {glob};
  const GroupRules rules({spec, by_glob});
  const GroupRules::Outcome outcome = rules.evaluate(facts);
  require(outcome.match.has_value() == rules.evaluate(facts).match.has_value(),
          "asking twice gives the same");
  if (outcome.match) {
    require(outcome.match->name.size() <= heapfloor::kLongestGroupName, "a name is bounded");
    require(!is_bad || outcome.match->rule == 1, "a rule that is wrong matches nothing");
  }
  return 0;
}
