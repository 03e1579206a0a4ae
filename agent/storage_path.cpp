#include "agent/storage_path.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace heapfloor {
namespace {

constexpr std::string_view kStateDirectory = "/var/lib/heapfloor";

// Nothing for an ordinary user whom systemd offers nothing.
std::string automatic_path() {
  const char* const offered = std::getenv("STATE_DIRECTORY");
  if (offered != nullptr && *offered != '\0') {
    const std::string_view all(offered);
    return std::string(all.substr(0, all.find(':')));
  }
  return geteuid() == 0 ? std::string(kStateDirectory) : std::string();
}

}  // namespace

std::string storage_path(const Config& config) {
  const bool is_automatic = config.storage.path == Config::Storage::kAutomatic;
  return is_automatic ? automatic_path() : config.storage.path;
}

}  // namespace heapfloor
