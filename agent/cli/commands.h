// The sub-commands, one file each. Each returns the exit code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "collectors/http_client.h"

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

enum class ReplayFormat : std::uint8_t {
  fitting,  // a table on a terminal, else JSON lines
  json,
  table,
};

// How recorded series are judged, and what is printed of that.
struct ReplayShow {
  std::string signal = "rss_anon";
  std::optional<double> interval_seconds;  // nothing: the series' median spacing
  bool transitions = false;
  ReplayFormat format = ReplayFormat::fitting;
  std::size_t jobs = 0;               // 0: one a processor
  std::optional<std::string> report;  // path
  bool quiet = false;                 // no progress on the terminal
  [[nodiscard]] std::size_t workers() const;
};

struct ReplayOptions {
  std::vector<std::string> files;  // and directories
  ReplayShow show;
};

struct BacktestOptions {
  BacktestOptions() {
    client.deadline_seconds = 120;
    client.largest_body_bytes = std::size_t{128} << 20;
  }
  std::string url;                                   // of the server
  std::string query;                                 // PromQL, of the values
  std::string epoch_query, limit_query, load_query;  // empty: none
  std::string start = "7d", end = "now";             // as backtest_time() reads them
  std::optional<double> step_seconds;                // nothing: chosen for the range
  HttpClientOptions client;
  ReplayShow show;
};

struct CheckRulesOptions {
  CheckRulesOptions() {
    client.deadline_seconds = 30;
    client.largest_body_bytes = std::size_t{64} << 20;
  }
  std::string url;                 // of the server
  std::vector<std::string> files;  // names of shipped_file_names(); empty: all
  std::string job = "heapfloor";   // of the agents' targets
  bool accepts_changed = false;
  bool asks_alertmanagers = true;
  bool is_json = false;
  HttpClientOptions client;
};

struct TopOptions {
  TopOptions() {
    client.deadline_seconds = 10;
    client.largest_body_bytes = std::size_t{64} << 20;
  }
  std::string url;              // of the agent; empty: the configuration's own
  double interval_seconds = 2;  // from one question to the next
  bool once = false;            // a table, and the end
  std::size_t rows = 20;        // of subjects in that table
  HttpClientOptions client;
};

struct OnceOptions {
  bool list_metrics = false;
  std::optional<std::string> output;  // nothing: standard output
};

struct PprofOptions {
  std::int32_t pid = 0;
  std::string output;  // a path; "-" is standard output
  bool allocs = false;
};

struct HistogramOptions {
  std::int32_t pid = 0;
  bool is_live_only = false;  // the JVM collects all garbage first
  bool is_confirmed = false;
  bool is_json = false;
  std::size_t most_classes = 30;  // of the table; 0: all
  double timeout_seconds = 60;
  std::optional<std::string> base;    // the path of an earlier one
  std::optional<std::string> output;  // a path for the JSON beside what is printed
};

struct RunOptions {
  std::vector<std::string> program;           // and its arguments; never empty
  std::optional<std::uint64_t> sample_bytes;  // nothing: the probe's own default
  std::optional<std::string> library;         // nothing: that beside this program
};

int run_agent_command(const ConfigSource& source);
int run_once_command(const ConfigSource& source, const OnceOptions& options);
int run_replay_command(const ConfigSource& source, const ReplayOptions& options);
int run_backtest_command(const ConfigSource& source, const BacktestOptions& options);
int run_check_rules_command(const CheckRulesOptions& options);
int run_check_config_command(const ConfigSource& source, bool print_defaults);
int run_pprof_command(const ConfigSource& source, const PprofOptions& options);
int run_histogram_command(const ConfigSource& source, const HistogramOptions& options);
int run_version_command();
// Becomes the program; returns only when that cannot be.
int run_run_command(const RunOptions& options);
int run_probe_command(const ConfigSource& source, std::int32_t pid);
int run_top_command(const ConfigSource& source, const TopOptions& options);
// Fails where something is lost.
int run_doctor_command(const ConfigSource& source, bool is_json);

// Says on standard error what of it does not go together; false where there is nothing to say.
bool explain_bad_show(const ReplayShow& show);

// The files of rules that this program was built with.
std::vector<std::string> shipped_file_names();

// Loads the configuration and sets up the log, or prints what is wrong and returns nothing.
std::optional<Config> load_or_explain(const ConfigSource& source);

// Whether the web server may start with this configuration; if not, prints why.
bool web_is_fine(const Config& config);

}  // namespace heapfloor
