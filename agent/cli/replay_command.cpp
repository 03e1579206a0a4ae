#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "agent/cli/commands.h"
#include "agent/cli/replay_output.h"
#include "agent/cli/replay_pool.h"

namespace heapfloor {

std::size_t ReplayShow::workers() const {
  return jobs > 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
}

bool explain_bad_show(const ReplayShow& show) {
  if (!show.transitions || show.format != ReplayFormat::table) return false;
  fmt::print(stderr, "heapfloor: --transitions prints JSON lines, not a table\n");
  return true;
}

int run_replay_command(const ConfigSource& source, const ReplayOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config || explain_bad_show(options.show)) return kExitUsage;
  ReplayOutput output(options.show);
  replay_files(list_replay_inputs(options.files), *config, settings_of(options.show),
               options.show.workers(),
               {[&](ReplayedFile file) { output.take(std::move(file)); },
                [&](const ReplayProgress& progress) { output.show(progress); }});
  return output.finish();
}

}  // namespace heapfloor
