// The command line as data, for what is made from it: manual page and completion.
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): its owner's
class App;
}

namespace heapfloor {

struct OptionText {
  std::vector<std::string> names = {};    // "-o", "--output"; of a positional its one name, "FILE"
  std::string value = {};                 // what stands for the value: "FILE"; empty for a flag
  std::vector<std::string> choices = {};  // all values that it takes, where they are few
  std::string help = {};                  // with its default in brackets where it has one
  std::string group = {};                 // "Options", "Section trend"
  bool is_positional = false;
  bool is_required = false;
  bool may_repeat = false;
};

struct CommandText {
  std::string name;
  std::string help;
  std::vector<OptionText> options;    // in the order of --help; what --help hides is left out
  std::vector<CommandText> commands;  // the same
};

// What --help shows of `app` and all of its sub-commands.
CommandText command_text(const CLI::App& app);

// Puts the values that configuration keys take beside the flags of the same names.
void add_key_choices(CommandText& program);

}  // namespace heapfloor
