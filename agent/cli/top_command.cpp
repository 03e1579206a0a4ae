// heapfloor top: live suspects and subjects in a terminal, or once as a table.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "agent/cli/commands.h"
#include "agent/http/listen_address.h"
#include "agent/top/cells.h"
#include "agent/top/top_screen.h"

namespace heapfloor {
namespace {

// The agent on this machine that the configuration describes.
std::string own_agent(const Config& config) {
  const ListenAddress address = parse_listen_addresses(config.web.listen_address).front();
  return "http://" + address.local_text(address.port);
}

int fail(const std::string& reason) {
  fmt::print(stderr, "heapfloor: {}\n", reason);
  return kExitFailure;
}

int print_once(const std::string& url, const TopOptions& options) {
  HttpClient client(options.client);
  TopData nothing;
  const TopData data = ask_agent(client, url, {}, nothing, {});
  if (!data.error.empty()) return fail(data.error);
  fmt::print("{}", snapshot_text(data, options.rows));
  return kExitFine;
}

}  // namespace

int run_top_command(const ConfigSource& source, const TopOptions& options) {
  std::string url = options.url;
  if (url.empty()) {
    const std::optional<Config> config = load_or_explain(source);
    if (!config) return kExitUsage;
    url = own_agent(*config);
  }
  if (const auto parts = parse_url(url); !parts) {
    fmt::print(stderr, "heapfloor: --url: {}\n", parts.error().reason);
    return kExitUsage;
  }
  while (url.ends_with('/')) url.pop_back();
  use_terminal_locale();
  const bool is_terminal = isatty(STDOUT_FILENO) != 0 && isatty(STDIN_FILENO) != 0;
  if (options.once || !is_terminal) return print_once(url, options);
  TopSource answers(url, options.client, options.interval_seconds);
  const Result<void> shown = run_top_screen(answers);
  return shown ? kExitFine : fail(shown.error().reason);
}

}  // namespace heapfloor
