#include "agent/cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "agent/config.h"

namespace heapfloor {
namespace {

// CLI11 keeps what may be chosen only in the words of the type: "TEXT:{json,table}".
std::vector<std::string> choices_of(std::string_view type) {
  std::vector<std::string> choices;
  const std::size_t open = type.find(":{");
  if (open == std::string_view::npos || !type.ends_with('}')) return choices;
  std::string_view rest = type.substr(open + 2, type.size() - open - 3);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    choices.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return choices;
}

OptionText option_text(const CLI::Option& option) {
  OptionText text;
  text.is_positional = option.nonpositional() ? false : option.get_positional();
  if (text.is_positional) {
    text.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  }
  text.help = option.get_description();
  text.group = option.get_group();
  text.is_required = option.get_required();
  if (option.get_type_size() == 0) return text;
  const std::string type = option.get_type_name();
  text.value = type.substr(0, type.find(':'));
  text.choices = choices_of(type);
  text.may_repeat = option.get_expected_max() > 1;
  if (!option.get_default_str().empty()) text.help += " [" + option.get_default_str() + "]";
  return text;
}

}  // namespace

CommandText command_text(const CLI::App& app) {
  CommandText text;
  text.name = app.get_name();
  text.help = app.get_description();
  for (const CLI::Option* const option : app.get_options()) {
    if (!option->get_group().empty()) text.options.push_back(option_text(*option));
  }
  for (const CLI::App* const command : app.get_subcommands({})) {
    if (!command->get_group().empty()) text.commands.push_back(command_text(*command));
  }
  return text;
}

void add_key_choices(CommandText& program) {
  for (OptionText& option : program.options) {
    if (option.value.empty()) continue;
    const auto key = std::ranges::find_if(config_keys(), [&option](const ConfigKey& candidate) {
      return option.names.front() == "--" + candidate.path;
    });
    if (key != config_keys().end()) option.choices = key->choices;
  }
}

}  // namespace heapfloor
