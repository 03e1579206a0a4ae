// The password file of the watched host: names of users. Source: passwd(5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heapfloor {

using UserName = std::pair<std::uint32_t, std::string>;

// (uid, name), ascending by uid; of two names of one uid the first stays, as in getpwuid(3). Total:
// lines without a name and a uid, comments and NIS entries among them, are skipped.
std::vector<UserName> parse_passwd(std::string_view text);

}  // namespace heapfloor
