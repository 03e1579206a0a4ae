#include "agent/cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <string_view>

#include "agent/build_info.h"
#include "agent/cli/bash_completion.h"
#include "agent/cli/command_tree.h"
#include "agent/cli/commands.h"
#include "agent/cli/man_page.h"
#include "agent/series/signal.h"
#include "agent/units.h"
#include "agent/web_options.h"

namespace heapfloor {
namespace {

constexpr std::string_view kSignalFlags = "--trend.signals.";

// A key without a value: CLI11 would take the next argument for it.
bool is_emptied_key(std::string_view argument) {
  if (!argument.starts_with("--") || !argument.ends_with('=')) return false;
  const std::string_view path = argument.substr(2, argument.size() - 3);
  return std::ranges::find(config_keys(), path, &ConfigKey::path) != config_keys().end();
}

// Flags whose names are the user's own (trend.signals.SIGNAL.KEY) cannot be declared, and empty
// values cannot be told from missing ones; both are taken out first.
std::vector<std::string> take_own_flags(int argc, const char* const* argv, ConfigSource& source) {
  std::vector<std::string> rest;
  for (int index = 1; index < argc; ++index) {
    const std::string_view argument = argv[index];
    if (argument == "--") {  // what follows is another program's
      rest.insert(rest.end(), argv + index, argv + argc);
      break;
    }
    const std::size_t equals = argument.find('=');
    const bool is_signal = argument.starts_with(kSignalFlags) && equals != std::string_view::npos;
    if (is_signal || is_emptied_key(argument)) {
      source.flags.emplace_back(argument.substr(2, equals - 2), argument.substr(equals + 1));
    } else {
      rest.emplace_back(argument);
    }
  }
  std::ranges::reverse(rest);  // CLI11 takes a vector from its end
  return rest;
}

void add_config_flags(CLI::App& app, ConfigSource& source) {
  app.add_option("--config.file", source.file, "configuration file (YAML)")->type_name("FILE");
  const Config defaults;
  for (const ConfigKey& key : config_keys()) {
    const std::string group = "Section " + key.path.substr(0, key.path.find('.'));
    const auto set = [&source, path = key.path](const std::string& text) {
      source.flags.emplace_back(path, text);
    };
    if (key.path.starts_with("collector.")) {
      const auto toggle = [&source, path = key.path](std::int64_t on) {
        source.flags.emplace_back(path, on > 0 ? "true" : "false");
      };
      app.add_flag_function(fmt::format("--{0},!--no-{0}", key.path), toggle, key.help)
          ->group(group);
      continue;
    }
    app.add_option_function<std::string>("--" + key.path, set,
                                         fmt::format("{} [{}]", key.help, key.get(defaults)))
        ->type_name(key.value)
        ->group(group);
  }
}

// What replay and backtest have in common.
void add_show_options(CLI::App& command, ReplayShow& show, const std::string& jobs_help) {
  const std::vector<std::string> signals(kSignalNames.begin(), kSignalNames.end());
  command.add_option("--signal", show.signal, "which signal's constants to use")
      ->check(CLI::IsMember(signals))
      ->capture_default_str();
  command.add_flag("--transitions", show.transitions,
                   "print every change of state, not only the end (JSON lines)");
  command.add_option_function<std::string>(
      "--interval",
      [&show](const std::string& text) {
        show.interval_seconds = parse_duration(text);
        if (!show.interval_seconds || *show.interval_seconds <= 0)
          throw CLI::ValidationError("--interval", "expects a duration such as 15s");
      },
      "spacing of the readings [the median of each series]");
  command
      .add_option_function<std::string>(
          "--format",
          [&show](const std::string& text) {
            show.format = text == "json" ? ReplayFormat::json : ReplayFormat::table;
          },
          "json: a line a series; table: for a person [table on a terminal, else json]")
      ->check(CLI::IsMember({"json", "table"}));
  command
      .add_option("--report", show.report,
                  "write an HTML page with a chart and the gates of each series")
      ->type_name("FILE");
  command.add_option("--jobs", show.jobs, jobs_help)->check(CLI::Range(1, 256));
  command.add_flag("--quiet", show.quiet, "no progress on the terminal");
}

void add_replay_command(CLI::App& app, const ConfigSource& source, ReplayOptions& replay,
                        std::function<int()>& action) {
  CLI::App* command =
      app.add_subcommand("replay", "judge recorded series: a table on a terminal, else JSON lines");
  command
      ->add_option("FILE", replay.files,
                   "CSV with the columns timestamp_seconds,value[,epoch][,limit][,load]; JSON "
                   "objects with these keys, in an array or one a line; the answer to a range "
                   "query of Prometheus (up to 256 MiB of JSON); a directory of such files (.csv, "
                   ".json, .jsonl); - is standard input")
      ->required();
  add_show_options(*command, replay.show, "files judged at once [one a processor]");
  command->callback([&] { action = [&] { return run_replay_command(source, replay); }; });
}

// "NAME: VALUE".
void add_header(HttpClientOptions& client, std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (colon == std::string_view::npos)
    throw CLI::ValidationError("--header", "expects NAME: VALUE");
  if (const auto problem = header_problem(name, value))
    throw CLI::ValidationError("--header", fmt::format("{}: {}", name, *problem));
  client.headers.emplace_back(name, value);
}

// Who asks a server, and whom it believes. `section`: what the flags begin with.
void add_client(CLI::App& command, HttpClientOptions& client, const std::string& section) {
  const std::string prefix = "--" + section;
  command.add_option(prefix + "username", client.username, "for basic authentication");
  command.add_option(prefix + "password-file", client.password_file, "its password")
      ->type_name("FILE");
  command.add_option(prefix + "bearer-token-file", client.bearer_token_file, "instead of those")
      ->type_name("FILE");
  command
      .add_option(prefix + "ca-file", client.ca_file, "who signs its certificate [the system's]")
      ->type_name("FILE");
  command.add_option(prefix + "cert-file", client.cert_file, "the client's certificate")
      ->type_name("FILE");
  command.add_option(prefix + "key-file", client.key_file, "and its key")->type_name("FILE");
  command
      .add_option_function<std::vector<std::string>>(
          "--header",
          [&client](const std::vector<std::string>& lines) {
            for (const std::string& line : lines) add_header(client, line);
          },
          "a further header field, such as \"X-Scope-OrgID: team-a\"; may be repeated")
      ->type_name("NAME: VALUE");
  command.add_flag(prefix + "insecure-skip-verify", client.insecure_skip_verify,
                   "believe any certificate");
}

void add_backtest_command(CLI::App& app, const ConfigSource& source, std::function<int()>& action) {
  auto options = std::make_shared<BacktestOptions>();
  CLI::App* command = app.add_subcommand(
      "backtest", "judge the past of a Prometheus-compatible server: which series leak");
  command->add_option("--prometheus.url", options->url, "of the server")
      ->required()
      ->type_name("URL");
  command
      ->add_option(
          "--query", options->query,
          "PromQL; each series it gives is judged (bytes in use, after GC where there is one)")
      ->required()
      ->type_name("PROMQL");
  command
      ->add_option("--limit-query", options->limit_query,
                   "limits of the series that have all of its labels")
      ->type_name("PROMQL");
  command
      ->add_option("--epoch-query", options->epoch_query,
                   "counts of their GCs: then only values behind one are floors")
      ->type_name("PROMQL");
  command->add_option("--load-query", options->load_query, "their load, any rate")
      ->type_name("PROMQL");
  command->add_option("--start", options->start, "a time, or so long before now")
      ->capture_default_str();
  command->add_option("--end", options->end, "a time, so long before now, or now")
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--step",
      [options](const std::string& text) {
        options->step_seconds = parse_duration(text);
        if (!options->step_seconds || *options->step_seconds < 1)
          throw CLI::ValidationError("--step", "expects a duration of at least 1s, such as 1m");
      },
      "distance of the readings [some thousand in the range]");
  command->add_option("--timeout", options->client.deadline_seconds, "of one request, in seconds")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  add_client(*command, options->client, "prometheus.");
  add_show_options(*command, options->show, "series judged at once [one a processor]");
  command->callback([&action, &source, options] {
    action = [&source, options] { return run_backtest_command(source, *options); };
  });
}

void add_check_rules_command(CLI::App& app, std::function<int()>& action) {
  auto options = std::make_shared<CheckRulesOptions>();
  CLI::App* command = app.add_subcommand(
      "check-rules",
      "say which of our rules a running Prometheus has loaded; exit code 0 when all are armed");
  command->add_option("--prometheus.url", options->url, "of the server")
      ->required()
      ->type_name("URL");
  command->add_option("--rules", options->files, "only this file of rules; may be repeated [all]")
      ->check(CLI::IsMember(shipped_file_names()));
  command->add_option("--job", options->job, "the scrape job of the agents")->capture_default_str();
  command->add_flag("--accept-changed", options->accepts_changed,
                    "a rule with another expression, hold time or label is armed, too");
  command->add_flag_callback(
      "--no-alertmanagers", [options] { options->asks_alertmanagers = false; },
      "do not ask whom it tells: servers such as VictoriaMetrics do not say");
  command
      ->add_option_function<std::string>(
          "--format", [options](const std::string& text) { options->is_json = text == "json"; },
          "table: for a person; json [table]")
      ->check(CLI::IsMember({"json", "table"}));
  command->add_option("--timeout", options->client.deadline_seconds, "of one request, in seconds")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  add_client(*command, options->client, "prometheus.");
  command->callback(
      [&action, options] { action = [options] { return run_check_rules_command(*options); }; });
}

void add_pprof_command(CLI::App& app, const ConfigSource& source, std::function<int()>& action) {
  auto options = std::make_shared<PprofOptions>();
  CLI::App* command = app.add_subcommand(
      "pprof", "write a heap profile of a process with a probe or of Go, for go tool pprof");
  command->add_option("--pid", options->pid, "whose")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("-o,--output", options->output, "where to; - is standard output")
      ->required()
      ->type_name("FILE");
  command->add_flag("--allocs", options->allocs,
                    "show what was allocated since it started first, not what lives");
  command->callback([&action, &source, options] {
    action = [&source, options] { return run_pprof_command(source, *options); };
  });
}

void add_histogram_command(CLI::App& app, const ConfigSource& source,
                           std::function<int()>& action) {
  auto options = std::make_shared<HistogramOptions>();
  CLI::App* command = app.add_subcommand("histogram",
                                         "which classes fill the heap of a JVM, which stands still "
                                         "meanwhile: says for how long first");
  command->add_option("--pid", options->pid, "whose")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_flag("--yes", options->is_confirmed, "do it; else a terminal is asked");
  command->add_flag("--live", options->is_live_only,
                    "only what lives: the JVM collects all its garbage first, and stands still for "
                    "longer [all objects, without a collection]");
  command->add_option("--base", options->base, "an earlier one: show what grew since")
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "write it as JSON, for --base, too")
      ->type_name("FILE");
  command->add_flag("--json", options->is_json, "print JSON instead of the table");
  command->add_option("--top", options->most_classes, "classes in the table; 0 is all")
      ->capture_default_str();
  command
      ->add_option("--timeout", options->timeout_seconds,
                   "how long its answer is awaited, in seconds; it is not stopped by that")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  command->callback([&action, &source, options] {
    action = [&source, options] { return run_histogram_command(source, *options); };
  });
}

void add_run_command(CLI::App& app, std::function<int()>& action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand(
      "run", "start a program with the probe in it: heapfloor run [--sample=512KiB] -- PROGRAM …");
  command->add_option("PROGRAM", options->program, "the program and its arguments, behind --")
      ->required();
  command
      ->add_option_function<std::string>(
          "--sample",
          [options](const std::string& text) {
            const std::optional<double> bytes = parse_size(text);
            if (!bytes || *bytes < 1 || *bytes > static_cast<double>(std::uint64_t{1} << 40))
              throw CLI::ValidationError("--sample", "expects a size such as 512KiB");
            options->sample_bytes = static_cast<std::uint64_t>(*bytes);
          },
          "one allocation in so many bytes is sampled [512KiB; 128KiB is precise]")
      ->type_name("SIZE");
  command->add_option("--library", options->library, "the probe [../lib/libheapfloor_probe.so]")
      ->type_name("FILE");
  command->callback(
      [&action, options] { action = [options] { return run_run_command(*options); }; });
}

void add_probe_command(CLI::App& app, const ConfigSource& source, std::function<int()>& action) {
  auto pid = std::make_shared<std::int32_t>(0);
  CLI::App* command =
      app.add_subcommand("probe", "print what the probe in a running program publishes");
  command->add_option("--pid", *pid, "the program")->required()->check(CLI::PositiveNumber);
  command->callback([&action, &source, pid] {
    action = [&source, pid] { return run_probe_command(source, *pid); };
  });
}

void add_top_command(CLI::App& app, const ConfigSource& source, std::function<int()>& action) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand(
      "top",
      "show suspects and subjects of a running agent, live; once as a table where it is "
      "piped");
  command->add_option("--url", options->url, "of the agent [http:// at --web.listen-address]")
      ->type_name("URL");
  command->add_flag("--once", options->once, "print a table and exit");
  command->add_option("--rows", options->rows, "of subjects in that table")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--interval",
      [options](const std::string& text) {
        const auto seconds = parse_duration(text);
        if (!seconds || *seconds < 0.1 || *seconds > 3600)
          throw CLI::ValidationError("--interval", "expects a duration of 100ms to 1h");
        options->interval_seconds = *seconds;
      },
      "from one look to the next [2s]");
  command->add_option("--timeout", options->client.deadline_seconds, "of one request, in seconds")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  add_client(*command, options->client, "");
  command->callback([&action, &source, options] {
    action = [&source, options] { return run_top_command(source, *options); };
  });
}

void add_doctor_command(CLI::App& app, const ConfigSource& source, std::function<int()>& action) {
  auto is_json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "doctor",
      "say what can be read with today's privileges, what not, and what would help; exit code 0 "
      "when nothing is lost");
  command->add_flag("--json", *is_json, "for a program");
  command->callback([&action, &source, is_json] {
    action = [&source, is_json] { return run_doctor_command(source, *is_json); };
  });
}

// Hidden: packages call it while they are built. All commands have to be there before it is run.
void add_document_command(CLI::App& app, std::function<int()>& action) {
  auto form = std::make_shared<std::string>();
  auto date = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("document", "print a manual page, or completion for bash")->group("");
  command->add_option("FORM", *form, "what")
      ->required()
      ->check(CLI::IsMember({"heapfloor.1", "heapfloor.yml.5", "bash-completion"}));
  command->add_option("--date", *date, "at the foot of a page");
  command->callback([&app, &action, form, date] {
    action = [&app, form, date] {
      CommandText program = command_text(app);
      add_key_choices(program);
      const std::string version = build_info().version;
      fmt::print("{}", *form == "heapfloor.1"       ? render_manual(program, version, *date)
                       : *form == "heapfloor.yml.5" ? render_config_manual(version, *date)
                                                    : render_bash_completion(program));
      return kExitFine;
    };
  });
}

void add_commands(CLI::App& app, const ConfigSource& source, ReplayOptions& replay,
                  std::function<int()>& action) {
  app.add_subcommand("agent", "collect, judge and serve until told to stop (the default)")
      ->callback([&] { action = [&source] { return run_agent_command(source); }; });
  auto options = std::make_shared<OnceOptions>();
  CLI::App* once = app.add_subcommand("once", "collect once, print the metrics page and exit");
  once->add_flag("--list-metrics", options->list_metrics, "print the table of all metrics instead");
  once->add_option("--output", options->output,
                   "replace this file at once instead, for node_exporter's textfile collector "
                   "(FILE ends in .prom); without what this process says of itself")
      ->type_name("FILE");
  once->callback([&action, &source, options] {
    action = [&source, options] { return run_once_command(source, *options); };
  });

  add_replay_command(app, source, replay, action);
  add_backtest_command(app, source, action);
  add_check_rules_command(app, action);
  add_pprof_command(app, source, action);
  add_histogram_command(app, source, action);
  add_run_command(app, action);
  add_probe_command(app, source, action);
  add_top_command(app, source, action);
  add_doctor_command(app, source, action);

  auto print_defaults = std::make_shared<bool>(false);
  auto file = std::make_shared<std::string>();
  CLI::App* check = app.add_subcommand(
      "check-config", "check a configuration file; exit code 2 and file:line when it is wrong");
  check->add_option("FILE", *file, "configuration file");
  check->add_flag("--defaults", *print_defaults, "print a file with every key and its default");
  check->callback([&action, &source, file, print_defaults] {
    action = [&source, file, print_defaults] {
      ConfigSource checked = source;
      if (!file->empty()) checked.file = *file;
      return run_check_config_command(checked, *print_defaults);
    };
  });
  app.add_subcommand("version", "print version, revision and compiler")->callback([&action] {
    action = run_version_command;
  });
  add_document_command(app, action);
}

}  // namespace

std::optional<Config> load_or_explain(const ConfigSource& source) {
  Result<Config> config = source.load();
  if (!config) {
    fmt::print(stderr, "heapfloor: {}: {}\n", config.error().path, config.error().reason);
    return std::nullopt;
  }
  configure_log(config->log.level, config->log.format);
  return std::move(*config);
}

bool web_is_fine(const Config& config) {
  const std::optional<std::string> problem = web_problem(web_options(config));
  if (problem) fmt::print(stderr, "heapfloor: {}\n", *problem);
  return !problem;
}

int run_cli(int argc, const char* const* argv) {
  ConfigSource source;
  ReplayOptions replay;
  std::function<int()> action = [&source] { return run_agent_command(source); };
  CLI::App app("heapfloor: memory telemetry that follows the heap floor and names what leaks.",
               "heapfloor");
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", "heapfloor " + build_info().version);
  add_config_flags(app, source);
  add_commands(app, source, replay, action);
  try {
    app.parse(take_own_flags(argc, argv, source));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitFine : kExitUsage;
  }
  try {
    return action();
  } catch (const std::exception& error) {
    fmt::print(stderr, "heapfloor: {}\n", error.what());
    return kExitFailure;
  }
}

}  // namespace heapfloor
