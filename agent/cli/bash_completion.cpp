#include "agent/cli/bash_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace heapfloor {
namespace {

// bash takes "--key=value" apart at the "=", and it comes as three words.
constexpr std::string_view kHead = R"(# shellcheck shell=bash
# Completion for heapfloor(1), made from its own --help.

_heapfloor_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
_heapfloor_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# _heapfloor_value COMMAND OPTION BEGINNING: false where the option takes no value.
_heapfloor_value() {
  case "$1 $2" in
)";

constexpr std::string_view kValuesEnd = R"(    *) return 1 ;;
  esac
}
)";

constexpr std::string_view kMain = R"(_heapfloor() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' index word before=''
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if [[ $word == -- ]]; then
      if ((index == COMP_CWORD - 1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      else
        _heapfloor_paths -f "$current"
      fi
      return
    fi
    if [[ -z $command ]] && [[ $before != = ]] && ! { [[ $before == -* ]] && _heapfloor_value '' "$before" ''; }; then
      case $word in
)";

constexpr std::string_view kEnd = R"(      esac
    fi
    before=$word
  done
  COMPREPLY=()
  if [[ $current == = ]]; then
    _heapfloor_value "$command" "$previous" ''
    return
  fi
  if [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if [[ $previous == -* ]] && _heapfloor_value "$command" "$previous" "$current"; then return; fi
  if [[ $current == -* ]]; then
    _heapfloor_options "$command" "$current"
    return
  fi
  case $command in
)";

// The words of a list are our own names: nothing in them is a shell's.
std::string words(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, " "));
}

std::string value_action(const OptionText& option) {
  if (!option.choices.empty())
    return fmt::format("_heapfloor_words '{}' \"$3\"", words(option.choices));
  if (option.value == "FILE") return "_heapfloor_paths -f \"$3\"";
  if (option.value == "PATH") return "_heapfloor_paths -d \"$3\"";
  return ":";  // a value that nobody knows; better none than file names
}

// `prefix` is the command, or * for options that every command takes.
std::string value_cases(const CommandText& command, std::string_view prefix) {
  std::string out;
  for (const OptionText& option : command.options) {
    if (option.is_positional || option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(fmt::format("{}' {}'", prefix, name));
    }
    out += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "), value_action(option));
  }
  return out;
}

std::vector<std::string> option_names(const CommandText& command) {
  std::vector<std::string> names;
  for (const OptionText& option : command.options) {
    if (!option.is_positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::string option_function(const CommandText& program) {
  std::string out =
      "\n# _heapfloor_options COMMAND BEGINNING\n_heapfloor_options() {\n  local own=''\n  case $1 "
      "in\n";
  for (const CommandText& command : program.commands) {
    out += fmt::format("    {}) own='{}' ;;\n", command.name, words(option_names(command)));
  }
  out += "  esac\n";
  out += fmt::format("  _heapfloor_words \"$own {}\" \"$2\"\n}}\n\n", words(option_names(program)));
  return out;
}

std::string positional_action(const CommandText& command) {
  for (const OptionText& option : command.options) {
    if (!option.is_positional) continue;
    if (!option.choices.empty())
      return fmt::format("_heapfloor_words '{}' \"$current\"", words(option.choices));
    if (option.names.front() == "FILE") return "_heapfloor_paths -f \"$current\"";
  }
  return ":";
}

}  // namespace

std::string render_bash_completion(const CommandText& program) {
  std::vector<std::string> names;
  for (const CommandText& command : program.commands) names.push_back(command.name);
  std::string out(kHead);
  for (const CommandText& command : program.commands) out += value_cases(command, command.name);
  out += value_cases(program, "*");
  out += kValuesEnd;
  out += option_function(program);
  out += kMain;
  out += fmt::format("        {}) command=$word ;;\n", fmt::join(names, " | "));
  out += kEnd;
  out += fmt::format("    '') _heapfloor_words '{}' \"$current\" ;;\n", words(names));
  for (const CommandText& command : program.commands) {
    out += fmt::format("    {}) {} ;;\n", command.name, positional_action(command));
  }
  return out + "  esac\n}\n\ncomplete -F _heapfloor heapfloor\n";
}

}  // namespace heapfloor
