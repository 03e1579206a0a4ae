#include "agent/series/default_group.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

namespace heapfloor {
namespace {

constexpr std::size_t kShortContainerId = 12;
constexpr std::size_t kLongestScript = 96;

// An interpreter, and how its command line reads. Options that are not listed are taken for flags
// when they hold their value ("-Xmx1g", "--max-old-space-size=1") or have one dash and at most two
// letters; any other leaves it uncertain what follows.
struct Interpreter {
  std::string_view name;         // without a version: python of python3.11
  std::string_view with_value;   // options that take the next argument, between blanks
  std::string_view inline_code;  // options behind which a program stands
  std::string_view module;       // the option that names a module
  std::string_view flags;        // long options without a value
};

constexpr std::string_view kShellFlags =
    " --login --norc --noprofile --posix --restricted --verbose ";
constexpr std::array<Interpreter, 13> kInterpreters = {{
    {"python", " -W -X --check-hash-based-pycs ", " -c ", " -m ", ""},
    {"pypy", " -W -X ", " -c ", " -m ", ""},
    {"ruby", " -C -I -r -E -K ", " -e ", "", " --yjit --jit --disable-all "},
    {"node", " -r --require --import --loader --experimental-loader -C --conditions ",
     " -e --eval -p --print ", "",
     " --inspect --expose-gc --harmony --enable-source-maps --no-warnings --trace-warnings "
     "--preserve-symlinks --trace-uncaught "},
    {"nodejs", " -r --require ", " -e --eval -p --print ", "", " --inspect --expose-gc "},
    {"perl", " -I ", " -e -E ", "", ""},
    {"php", " -d -c -z -S -t ", " -r -B -R -E ", "", ""},
    {"lua", " -l ", " -e ", "", ""},
    {"bash", " -O +O -o +o --rcfile --init-file ", " -c -s ", "", kShellFlags},
    {"sh", " -o +o ", " -c -s ", "", ""},
    {"dash", " -o +o ", " -c -s ", "", ""},
    {"zsh", " -o +o ", " -c -s ", "", ""},
    {"java",
     " -cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules "
     "--limit-modules --add-opens --add-exports --add-reads --patch-module --source ",
     "", " -jar -m --module ", " -server -client -ea -esa -da -verbose --enable-preview "},
}};

bool lists(std::string_view words, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return false;
  const std::size_t at = words.find(word);
  if (at == std::string_view::npos) return false;
  // The first hit may be a part of a longer word.
  for (std::size_t hit = at; hit != std::string_view::npos; hit = words.find(word, hit + 1)) {
    const std::size_t end = hit + word.size();
    if (hit > 0 && words[hit - 1] == ' ' && end < words.size() && words[end] == ' ') return true;
  }
  return false;
}

const Interpreter* find_interpreter(std::string_view program) {
  const std::size_t end = program.find_last_not_of("0123456789.-");
  const std::string_view name = program.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const auto* const found = std::ranges::find(kInterpreters, name, &Interpreter::name);
  return found == kInterpreters.end() ? nullptr : found;
}

class Arguments {
 public:
  explicit Arguments(std::string_view command_line) : rest_(command_line) {}
  // False when there is none left, or the next was cut by the bound of the reading.
  bool next(std::string_view& argument) {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return false;
    argument = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

// An option that stands for itself.
bool is_flag(std::string_view option, const Interpreter& interpreter) {
  if (option.find('=') != std::string_view::npos || lists(interpreter.flags, option)) return true;
  if (option.starts_with("--")) return false;
  // java: -Dkey=value, -Xmx1g, -XX:+Use…; the others: -u, -O2.
  return interpreter.name == "java"
             ? option.starts_with("-D") || option.starts_with("-X") ||
                   option.starts_with("-agent") || option.starts_with("-javaagent:")
             : option.size() <= 3;
}

}  // namespace

// What looks like the name of a file, a module or a class, and like nothing else.
std::string_view script_base_name(std::string_view argument) {
  const std::string_view name = base_name(argument);
  const bool is_plain = std::ranges::all_of(name, [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '.' || byte == '_' ||
           byte == '-' || byte == '+' || byte == '@';
  });
  // "3" is /dev/fd/3: it says nothing.
  const bool has_letter = std::ranges::any_of(
      name, [](char byte) { return std::isalpha(static_cast<unsigned char>(byte)) != 0; });
  if (!is_plain || !has_letter || name.size() > kLongestScript || name.front() == '-') return {};
  return name;
}

ScriptArgument script_argument(std::string_view program_base, std::string_view command_line) {
  ScriptArgument script;
  const Interpreter* const interpreter = find_interpreter(program_base);
  if (interpreter == nullptr) return script;
  script.is_interpreter = true;
  // Of java a file stands behind -jar, and what stands alone is a class.
  const bool is_java = interpreter->name == "java";
  Arguments arguments(command_line);
  std::string_view argument;
  if (!arguments.next(argument)) return script;
  while (arguments.next(argument)) {
    const bool is_option = argument.size() > 1 && (argument[0] == '-' || argument[0] == '+');
    const bool is_module = lists(interpreter->module, argument);
    if (argument == "--" || is_module || !is_option) {
      script.is_file = is_java ? argument == "-jar" : !is_module;
      if (is_option && !arguments.next(argument)) return script;
      script.argument = argument;
      return script;
    }
    if (lists(interpreter->inline_code, argument)) return script;
    if (lists(interpreter->with_value, argument)) {
      if (!arguments.next(argument)) return script;
    } else if (!is_flag(argument, *interpreter)) {
      return script;
    }
  }
  return script;
}

std::string_view script_name(std::string_view program_base, std::string_view command_line) {
  return script_base_name(script_argument(program_base, command_line).argument);
}

std::string default_group(const ProcessFacts& facts, DefaultGrouping grouping) {
  if (grouping == DefaultGrouping::comm) return std::string(facts.comm);
  // user@1000.service holds a whole session, and a session's scope is no service at all.
  if (facts.unit.ends_with(".service") && !facts.unit.starts_with("user@"))
    return std::string(facts.unit);
  if (!facts.container_id.empty())
    return std::string(facts.container_id.substr(0, kShortContainerId));
  const std::string_view script = script_name(base_name(program_path(facts)), facts.command_line);
  return std::string(script.empty() ? facts.comm : script);
}

}  // namespace heapfloor
