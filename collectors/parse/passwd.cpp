#include "collectors/parse/passwd.h"

#include <algorithm>
#include <array>
#include <limits>

#include "collectors/parse/text.h"

namespace heapfloor {

std::vector<UserName> parse_passwd(std::string_view text) {
  std::vector<UserName> users;
  std::string_view line;
  while (next_line(text, line)) {
    std::array<std::string_view, 3> fields;  // name, password, uid
    for (std::string_view& field : fields) {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) break;
      field = line.substr(0, colon);
      line.remove_prefix(colon + 1);
    }
    const auto uid = parse_unsigned(fields[2]);
    if (!uid || *uid > std::numeric_limits<std::uint32_t>::max() || fields[0].empty()) continue;
    users.emplace_back(static_cast<std::uint32_t>(*uid), fields[0]);
  }
  std::ranges::stable_sort(users, {}, &UserName::first);
  const auto is_same = [](const UserName& a, const UserName& b) { return a.first == b.first; };
  users.erase(std::unique(users.begin(), users.end(), is_same), users.end());
  return users;
}

}  // namespace heapfloor
