// e2e_SCENARIO [--seconds=N] [--rate-kib=N] [--cap-mib=N]: one program a scenario, so that each has
// its own comm.
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string_view>

#include "tests/e2e/programs/scenario.h"

namespace {

// The number after `name` in `argument`; nothing when it is another argument, or not a number
// within the bound.
std::optional<std::uint64_t> number_after(std::string_view argument, std::string_view name,
                                          std::uint64_t largest) {
  if (!argument.starts_with(name)) return std::nullopt;
  argument.remove_prefix(name.size());
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  if (error != std::errc() || end != argument.data() + argument.size() || value > largest)
    return std::nullopt;
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  heapfloor::e2e::Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (const auto seconds = number_after(argument, "--seconds=", 3600)) {
      settings.seconds = static_cast<double>(*seconds);
    } else if (const auto rate_kib = number_after(argument, "--rate-kib=", 65536)) {
      settings.rate_bytes_per_second = static_cast<double>(*rate_kib) * 1024;
    } else if (const auto cap_mib = number_after(argument, "--cap-mib=", 1024)) {
      settings.cap_bytes = *cap_mib << 20;
    } else {
      std::cerr << argv[0] << ": " << argument
                << " is not one of --seconds= --rate-kib= --cap-mib=\n";
      return 2;
    }
  }
  // Whoever started this program is gone: nobody needs it any more.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return heapfloor::e2e::HEAPFLOOR_SCENARIO(settings);
}
