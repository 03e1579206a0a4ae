#include "collectors/parse/pid_limits.h"

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::string_view kOpenFiles = "Max open files ";
constexpr std::string_view kAddressSpace = "Max address space ";
constexpr std::string_view kDataSize = "Max data size ";

// Takes the soft limit of a line over. False when it is neither a number nor "unlimited".
bool take(std::string_view line, std::string_view name, std::optional<std::uint64_t>& limit) {
  std::string_view rest = line.substr(name.size());
  const std::string_view soft = next_token(rest);
  limit = parse_unsigned(soft);
  return limit || soft == "unlimited";
}

}  // namespace

Result<PidLimits> parse_pid_limits(std::string_view text) {
  PidLimits limits;
  bool has_open_files = false;
  std::string_view rest = text;
  std::string_view line;
  while (next_line(rest, line)) {
    bool is_read = true;
    if (line.starts_with(kOpenFiles)) {
      // What has no line end may have been cut in the middle of its number.
      if (line.data() + line.size() == text.data() + text.size())
        return malformed("the line of open files is cut", line);
      is_read = has_open_files = take(line, kOpenFiles, limits.open_files);
    } else if (line.starts_with(kAddressSpace)) {
      is_read = take(line, kAddressSpace, limits.address_space_bytes);
    } else if (line.starts_with(kDataSize)) {
      is_read = take(line, kDataSize, limits.data_bytes);
    }
    if (!is_read) return malformed("not a limit", line);
  }
  if (!has_open_files) return malformed("no line of open files", text);
  return limits;
}

}  // namespace heapfloor
