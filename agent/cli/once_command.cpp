#include <fmt/format.h>

#include "agent/app.h"
#include "agent/cli/commands.h"
#include "agent/clock.h"
#include "agent/exposition/metric_families.h"

namespace heapfloor {

int run_once_command(const ConfigSource& source, bool list_metrics) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  if (list_metrics) {
    fmt::print("{}", metric_families_markdown(MetricFamilies(builtin_collectors())));
    return kExitFine;
  }
  const SystemClock clock;
  App app(
      *config, [source] { return source.load(); }, clock);
  fmt::print("{}", app.collect_once());
  return kExitFine;
}

}  // namespace heapfloor
