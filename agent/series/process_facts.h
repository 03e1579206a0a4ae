// ProcessFacts: what a rule may ask of a process. Views are valid for one evaluation; every text is
// raw and hostile: a target chooses its comm, its arguments and the name of its executable.
#pragma once

#include <optional>
#include <string_view>

namespace heapfloor {

struct ProcessFacts {
  std::string_view comm;
  std::string_view executable;    // target of the link; empty where it cannot be read
  std::string_view command_line;  // each argument ended by NUL; may hold secrets
  std::string_view user_id;       // decimal; empty where not known
  std::string_view user_name;     // empty where the host has no name for it
  std::string_view cgroup;        // empty where not known
  std::string_view unit;          // innermost systemd unit of the cgroup
  std::string_view container_id;  // whole
  double age_seconds = 0;
  std::optional<double> size_bytes;  // resident and swapped
};

// The first argument, or nothing.
constexpr std::string_view first_argument(std::string_view command_line) {
  return command_line.substr(0, command_line.find('\0'));
}

// The part behind the last slash.
constexpr std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// The path of the executable: of the link without the mark of a file that was replaced, else the
// first argument.
constexpr std::string_view program_path(const ProcessFacts& facts) {
  constexpr std::string_view kReplaced = " (deleted)";
  if (facts.executable.ends_with(kReplaced))
    return facts.executable.substr(0, facts.executable.size() - kReplaced.size());
  return facts.executable.empty() ? first_argument(facts.command_line) : facts.executable;
}

}  // namespace heapfloor
