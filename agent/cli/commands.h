// The sub-commands, one file each. Each returns the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"

namespace heapfloor {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

// Where the configuration comes from, so that it can be read again.
struct ConfigSource {
  std::optional<std::string> file;
  std::vector<ConfigOverride> flags;
  [[nodiscard]] Result<Config> load() const { return load_config(file, flags); }
};

struct ReplayOptions {
  std::vector<std::string> files;
  std::string signal = "rss_anon";
  std::optional<double> interval_seconds;  // nothing: the file's median spacing
  bool transitions = false;
};

struct OnceOptions {
  bool list_metrics = false;
  std::optional<std::string> output;  // nothing: standard output
};

int run_agent_command(const ConfigSource& source);
int run_once_command(const ConfigSource& source, const OnceOptions& options);
int run_replay_command(const ConfigSource& source, const ReplayOptions& options);
int run_check_config_command(const ConfigSource& source, bool print_defaults);
int run_version_command();

// Loads the configuration and sets up the log, or prints what is wrong and returns nothing.
std::optional<Config> load_or_explain(const ConfigSource& source);

// Whether the web server may start with this configuration; if not, prints why.
bool web_is_fine(const Config& config);

}  // namespace heapfloor
