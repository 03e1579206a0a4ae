#include "collectors/parse/mountinfo.h"

#include <array>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

// The kernel writes space, tab, line end and backslash as \ and three octal digits (mangle_path).
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (text[at] == '\\' && digits < 3 && at + 1 + digits < text.size()) {
      const char digit = text[at + 1 + digits];
      if (digit < '0' || digit > '7') break;
      value = value * 8 + static_cast<unsigned>(digit - '0');
      ++digits;
    }
    const bool is_escape = digits == 3 && value <= 0xFF;
    plain.push_back(is_escape ? static_cast<char>(value) : text[at]);
    if (is_escape) at += 3;
  }
  return plain;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

}  // namespace

Result<std::vector<CgroupMount>> parse_mountinfo(std::string_view text) {
  constexpr std::string_view kMark = " - ";
  constexpr std::size_t kFields = 5;  // id, parent, device, root, mount point
  std::vector<CgroupMount> mounts;
  std::string_view line;
  while (next_line(text, line)) {
    const std::size_t mark = line.find(kMark);
    if (mark == std::string_view::npos) return malformed("no mark of the type", line);
    std::string_view system = line.substr(mark + kMark.size());
    const std::string_view type = next_token(system);
    if (type != "cgroup" && type != "cgroup2") continue;
    std::array<std::string_view, kFields> fields;
    std::string_view rest = line.substr(0, mark);
    for (std::string_view& field : fields) field = next_token(rest);
    if (fields.back().empty()) return malformed("too few fields", line);
    (void)next_token(system);  // the device, which a cgroup does not have
    const bool is_v2 = type == "cgroup2";
    mounts.push_back({unescaped(fields[4]), is_v2,
                      !is_v2 && has_option(next_token(system), "memory"), fields[3] == "/"});
  }
  return mounts;
}

}  // namespace heapfloor
