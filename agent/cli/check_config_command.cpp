#include <fmt/format.h>

#include <cstdio>

#include "agent/cli/commands.h"

namespace heapfloor {

int run_check_config_command(const ConfigSource& source, bool print_defaults) {
  if (print_defaults) {
    fmt::print("{}", render_default_config());
    return kExitFine;
  }
  if (!source.file) {
    fmt::print(stderr, "heapfloor: check-config expects a FILE\n");
    return kExitUsage;
  }
  const std::optional<Config> config = load_or_explain(source);
  if (!config || !web_is_fine(*config)) return kExitUsage;
  fmt::print("{}: fine\n", *source.file);
  return kExitFine;
}

}  // namespace heapfloor
