// GroupRules: the configured rules that put processes into groups. First match wins.
//
// Inside one matcher the entries are alternatives, except `cmdline`, whose expressions must all
// match; matchers that are given must all match. Owner of RE2: expressions run in linear time and
// bounded memory over bytes, whatever a target writes into its command line. Immutable after
// construction; any thread may ask.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/series/process_facts.h"

namespace heapfloor {

// One entry of the configuration's list `groups`.
struct GroupSpec {
  std::string name = {};  // a template; empty: {{.ExeBase}}
  std::vector<std::string> comm =
      {};                             // exact; compared as far as the kernel keeps a name, 15 bytes
  std::vector<std::string> exe = {};  // base name, or the whole path where there is a slash in it
  std::vector<std::string> cmdline = {};            // RE2 over the arguments joined by blanks
  std::vector<std::string> user = {};               // name or number
  std::vector<std::string> cgroup = {}, unit = {};  // globs: * any text, ? any byte
  std::vector<std::string> container = {};          // globs, or the start of an id
  std::optional<double> minimum_age_seconds = {};
  std::optional<double> minimum_size_bytes = {};
  std::optional<double> limit_bytes = {};  // memory budget of each process of the group
  bool is_exposed = false;                 // each of its processes has series of its own
};

inline constexpr std::size_t kMostGroupRules = 500;
inline constexpr std::size_t kMostExpressions = 128;
inline constexpr std::size_t kLongestGroupPattern = 1024;
inline constexpr std::size_t kLongestGroupName = 255;

// What is wrong with an expression of `cmdline`, or nothing.
[[nodiscard]] std::optional<std::string> expression_problem(const std::string& expression);

// What is wrong with a name's template, or nothing; `cmdline` are the expressions of the same
// entry, whose named groups {{.Matches.NAME}} may use.
[[nodiscard]] std::optional<std::string> template_problem(std::string_view name,
                                                          const std::vector<std::string>& cmdline);

class GroupRules {
 public:
  // The specs have been found good by the functions above; one that was not matches nothing.
  explicit GroupRules(std::vector<GroupSpec> specs);
  GroupRules(const GroupRules&) = delete;
  GroupRules& operator=(const GroupRules&) = delete;
  ~GroupRules();

  struct Match {
    std::size_t rule = 0;  // into specs()
    std::string name;      // of the group, at most kLongestGroupName bytes, never empty
  };
  struct Outcome {
    std::optional<Match> match;
    // From which age or size on a rule before the match would match: when to ask again.
    std::optional<double> recheck_age_seconds;
    std::optional<double> recheck_size_bytes;
  };
  [[nodiscard]] Outcome evaluate(const ProcessFacts& facts) const;

  [[nodiscard]] const GroupSpec& spec(std::size_t rule) const { return specs_.at(rule); }
  [[nodiscard]] bool empty() const { return specs_.empty(); }

 private:
  struct Compiled;
  std::vector<GroupSpec> specs_;
  std::vector<Compiled> compiled_;
};

}  // namespace heapfloor
