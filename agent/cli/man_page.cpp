#include "agent/cli/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "agent/cli/manual_text.h"
#include "agent/config.h"
#include "agent/config_item.h"

namespace heapfloor {
namespace {

constexpr std::string_view kCoding = "'\\\" -*- coding: UTF-8 -*-\n";

std::string heading(std::string_view page, std::string_view section, std::string_view version,
                    std::string_view date) {
  return fmt::format("{}.TH {} {} \"{}\" \"heapfloor {}\"\n", kCoding, page, section, date,
                     roff_text(version));
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", roff_text(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", roff_text(text)); }

// A paragraph of its own, with its term on the line before it.
std::string entry(std::string_view term, std::string_view help) {
  return fmt::format(".TP\n{}\n{}\n", term, roff_text(help));
}

std::string term_of(const OptionText& option) {
  std::string term;
  for (const std::string& name : option.names) {
    if (!term.empty()) term += ", ";
    term += option.is_positional ? italic(name) : bold(name);
  }
  if (!option.value.empty() && !option.is_positional) term += " " + italic(option.value);
  return term;
}

std::string help_of(const OptionText& option) {
  std::string help = option.help;
  const bool says_all = std::ranges::all_of(option.choices, [&help](const std::string& choice) {
    return help.find(choice) != std::string::npos;
  });
  if (!says_all && option.value != "BOOL")
    help += fmt::format(" ({})", fmt::join(option.choices, ", "));
  if (option.is_required && !option.is_positional) help += "; must be given";
  return help;
}

std::string synopsis_of(const CommandText& command) {
  std::string line = fmt::format("{} {}", bold("heapfloor"), bold(command.name));
  for (const OptionText& option : command.options) {
    if (!option.is_positional && option.is_required)
      line += fmt::format(" {} {}", bold(option.names.front()), italic(option.value));
  }
  line += fmt::format(" [{}]...", italic("OPTION"));
  for (const OptionText& option : command.options) {
    if (!option.is_positional) continue;
    const std::string_view dots = option.may_repeat ? "..." : "";
    line += option.is_required ? fmt::format(" {}{}", italic(option.names.front()), dots)
                               : fmt::format(" [{}{}]", italic(option.names.front()), dots);
  }
  return line;
}

std::string render_commands(const CommandText& program) {
  std::string out = ".SH COMMANDS\n";
  for (const CommandText& command : program.commands) {
    out += fmt::format(".SS {}\n{}\n.PP\n{}\n", roff_text(command.name), synopsis_of(command),
                       roff_text(command.help));
    for (const OptionText& option : command.options) {
      // That of the program itself is described once.
      if (option.names.front() != "-h") out += entry(term_of(option), help_of(option));
    }
  }
  return out;
}

// Options of the program itself, then those that are configuration keys, by section.
std::string render_options(const CommandText& program) {
  constexpr std::string_view kSection = "Section ";
  std::string out = ".SH OPTIONS\n";
  std::string group = "Options";
  for (const OptionText& option : program.options) {
    if (option.group != group) {
      const bool is_section = option.group.starts_with(kSection);
      out += fmt::format(
          ".SS {}\n", roff_text(is_section ? option.group.substr(kSection.size()) : option.group));
      group = option.group;
    }
    out += entry(term_of(option), help_of(option));
  }
  return out;
}

// Lines that are shown as they are.
std::string example(std::string_view text) {
  std::string out = ".nf\n";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += roff_text(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + ".fi\n";
}

std::string render_parts(std::span<const ManualPart> parts) {
  std::string out;
  for (const ManualPart& part : parts) {
    out += part.title.empty() ? ".PP\n" : fmt::format(".SH {}\n", roff_text(part.title));
    if (!part.text.empty()) out += roff_text(part.text) + "\n";
    for (const auto& [term, help] : part.entries) out += entry(bold(term), help);
    if (part.example.empty()) continue;
    if (!part.text.empty() || !part.entries.empty()) out += ".PP\n";
    out += example(part.example);
  }
  return out;
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_line_start = out.empty() || out.back() == '\n';
    switch (c) {
      case '\\':
        out += "\\(rs";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '"':
        out += "\\(dq";
        break;  // also the end of a macro's argument
      case '.':
        if (is_line_start) out += "\\&";
        out += c;
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string render_manual(const CommandText& program, std::string_view version,
                          std::string_view date) {
  std::string out = heading("HEAPFLOOR", "1", version, date);
  out += ".SH NAME\nheapfloor \\- memory telemetry that follows the heap floor\n.SH SYNOPSIS\n";
  std::vector<std::string> synopses;
  for (const CommandText& command : program.commands) synopses.push_back(synopsis_of(command));
  out += fmt::format("{}\n", fmt::join(synopses, "\n.br\n"));
  out += render_parts(manual_description());
  return out + render_commands(program) + render_options(program) + render_parts(manual_end());
}

std::string render_config_manual(std::string_view version, std::string_view date) {
  std::string out = heading("HEAPFLOOR.YML", "5", version, date);
  out += ".SH NAME\nheapfloor.yml \\- configuration of the heapfloor agent\n";
  out += render_parts(config_manual_description());
  const Config defaults;
  std::string section;
  out += ".SH KEYS\n";
  for (const ConfigKey& key : config_keys()) {
    const std::string head = key.path.substr(0, key.path.find('.'));
    if (head != section) out += fmt::format(".SS {}\n", roff_text(head));
    section = head;
    out += entry(fmt::format("{}: {}", bold(key.path), italic(key.value)),
                 fmt::format("{} [{}]", key.help, key.get(defaults)));
  }
  out += ".SH LISTS\n";
  for (const ConfigList& list : config_lists()) {
    out += fmt::format(".SS {}\n{}\n.PP\n", roff_text(list.path), roff_text(list.help));
    out += example(list.example);
  }
  return out + render_parts(config_manual_end());
}

}  // namespace heapfloor
