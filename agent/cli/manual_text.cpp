#include "agent/cli/manual_text.h"

#include <array>

namespace heapfloor {

std::span<const ManualPart> manual_description() {
  static const std::array kParts = {
      ManualPart{
          .title = "DESCRIPTION",
          .text = "heapfloor follows the memory that is left after each collection of garbage, or\n"
                  "after each trough of any program, and says which program leaks, how fast, and\n"
                  "when it meets its limit. Without a command it is the agent: it collects on a\n"
                  "timer, judges, and serves a page, /metrics for Prometheus and a JSON API.\n"
                  "Every key of heapfloor.yml(5) is an option of the same name, which wins over\n"
                  "the file. Options of the agent may stand before or behind the command.",
          .entries = {},
          .example = {}},
  };
  return kParts;
}

std::span<const ManualPart> manual_end() {
  static const std::array kParts = {
      ManualPart{
          .title = "EXIT STATUS",
          .text = {},
          .entries = {{"0", "fine"},
                      {"1", "a failure at run time; of check-rules: not all rules are armed"},
                      {"2", "wrong usage, or a configuration that is refused"}},
          .example = {}},
      ManualPart{.title = "SIGNALS",
                 .text = {},
                 .entries = {{"SIGHUP",
                              "the agent reads its configuration again; a bad one leaves "
                              "the old one in force and is told in the log"},
                             {"SIGTERM, SIGINT", "the agent ends"}},
                 .example = {}},
      ManualPart{
          .title = "ENVIRONMENT",
          .text = {},
          .entries = {{"STATE_DIRECTORY", "where storage.path: auto keeps the history"},
                      {"NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID",
                       "of a service manager: it is told when the agent serves, reloads and ends, "
                       "and after each collection that it lives (see sd_notify(3))"}},
          .example = {}},
      ManualPart{.title = "FILES",
                 .text = {},
                 .entries = {{"/etc/heapfloor/heapfloor.yml",
                              "what heapfloor.service is configured by; without a service no file "
                              "is read but that of --config.file"},
                             {"/var/lib/heapfloor", "history and evidence"}},
                 .example = {}},
      ManualPart{.title = "EXAMPLES",
                 .text = {},
                 .entries = {},
                 .example = "heapfloor agent --collection.interval=5s --trend.limit=2GiB\n"
                            "heapfloor once | promtool check metrics\n"
                            "heapfloor run -- ./service --port 8080\n"
                            "heapfloor replay recordings/ --report=report.html"},
      ManualPart{.title = "SEE ALSO",
                 .text = "heapfloor.yml(5), prometheus(1), proc(5), systemd.exec(5)",
                 .entries = {},
                 .example = {}},
  };
  return kParts;
}

std::span<const ManualPart> config_manual_description() {
  static const std::array kParts = {
      ManualPart{
          .title = "DESCRIPTION",
          .text =
              "YAML, by sections. heapfloor.service reads /etc/heapfloor/heapfloor.yml; an\n"
              "agent that is started by hand reads the file of --config.file, and none without\n"
              "it. What is not named keeps its default; a key that is not known is refused.\n"
              "The names below are written as sections:",
          .entries = {},
          .example = "collection:\n  interval: 5s\ntrend:\n  limit: 2GiB"},
      ManualPart{
          .title = {},
          .text = "DURATION is 15s, 2h, 30d; SIZE is 512MiB, 2GB. Each key is also an option:\n"
                  "--collection.interval=5s. Constants of the detector can be set for one signal,\n"
                  "as trend.signals.SIGNAL.KEY. In brackets stands the default.",
          .entries = {},
          .example = {}},
  };
  return kParts;
}

std::span<const ManualPart> config_manual_end() {
  static const std::array kParts = {
      ManualPart{
          .title = "CHECKING AND RELOADING",
          .text =
              "heapfloor check-config FILE says in which line something is wrong. SIGHUP\n"
              "(systemctl reload heapfloor) reads the file again; a bad one leaves the old one\n"
              "in force. What only the next start can change is told in the log.",
          .entries = {},
          .example = {}},
      ManualPart{.title = "SEE ALSO", .text = "heapfloor(1)", .entries = {}, .example = {}},
  };
  return kParts;
}

}  // namespace heapfloor
