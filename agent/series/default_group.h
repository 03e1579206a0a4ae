// The group of a process that no rule names. Pure; hostile texts give a name or none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/series/process_facts.h"

namespace heapfloor {

enum class DefaultGrouping : std::uint8_t {
  unit,  // systemd service, else container (the short id), else script, else comm
  comm,
};

// The program that an interpreter runs, by its command line.
struct ScriptArgument {
  bool is_interpreter = false;  // else the rest says nothing
  bool is_file = false;         // not a module or a class
  std::string_view argument;    // as it was given; empty where it is not certain which one it is
};
[[nodiscard]] ScriptArgument script_argument(std::string_view program_base,
                                             std::string_view command_line);

// The name of such an argument; empty where it may be more than the name of a file, a module or a
// class.
[[nodiscard]] std::string_view script_base_name(std::string_view argument);

// The name of the script that an interpreter runs: "report.py" of `python3 -u /opt/report.py`,
// "http.server" of `python3 -m http.server`, "app.jar" or "com.acme.Main" of java. Empty where the
// program is no interpreter, runs what its arguments say (-c, -e), or where it is not certain which
// argument is the script: an argument may hold a secret, and a group's name is seen by everybody.
[[nodiscard]] std::string_view script_name(std::string_view program_base,
                                           std::string_view command_line);

// Never empty unless comm is.
[[nodiscard]] std::string default_group(const ProcessFacts& facts, DefaultGrouping grouping);

}  // namespace heapfloor
