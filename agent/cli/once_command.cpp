#include <fmt/format.h>

#include <cstdio>

#include "agent/app.h"
#include "agent/cli/commands.h"
#include "agent/cli/output_file.h"
#include "agent/clock.h"
#include "agent/exposition/metric_families.h"
#include "agent/exposition/page_filter.h"

namespace heapfloor {
namespace {

// A file is served by somebody else, whose own process_* families would meet ours of the same name;
// and this process is gone when it is read.
PageFilter filter_for_a_file() { return {.collect = {}, .exclude = {"self"}}; }

std::string text_of(const ConfigSource& source, const Config& config, const OnceOptions& options) {
  if (options.list_metrics) return metric_families_markdown(MetricFamilies(builtin_collectors()));
  const SystemClock clock;
  App app(
      config, [source] { return source.load(); }, clock);
  return app.collect_once(options.output ? filter_for_a_file() : PageFilter{});
}

}  // namespace

int run_once_command(const ConfigSource& source, const OnceOptions& options) {
  const std::optional<Config> config = load_or_explain(source);
  if (!config) return kExitUsage;
  const std::string text = text_of(source, *config, options);
  if (!options.output) {
    fmt::print("{}", text);
    return kExitFine;
  }
  const Result<void> replaced = replace_file(*options.output, text);
  if (replaced) return kExitFine;
  fmt::print(stderr, "heapfloor: {}: {}\n", replaced.error().path, replaced.error().reason);
  return kExitFailure;
}

}  // namespace heapfloor
