#include "collectors/parse/pid_cgroup.h"

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

bool names_memory(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "memory") return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string_view> PidCgroup::path() const {
  constexpr std::string_view kRemoved = " (deleted)";
  std::optional<std::string_view> path = memory && (*memory != "/" || !unified) ? memory : unified;
  if (path && path->ends_with(kRemoved)) path->remove_suffix(kRemoved.size());
  return path;
}

Result<PidCgroup> parse_pid_cgroup(std::string_view text) {
  if (!text.empty() && !text.ends_with('\n')) return malformed("cut off", text);
  PidCgroup found;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) return malformed("not a hierarchy", line);
    const std::string_view path = line.substr(second + 1);
    if (!path.starts_with('/')) return malformed("not a path", line);
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty() && line.substr(0, first) == "0") found.unified = path;
    if (names_memory(controllers)) found.memory = path;
  }
  return found;
}

}  // namespace heapfloor
