// UserNames: the names of the watched host's users, from its /etc/passwd.
//
// Not through getpwuid(3), which answers for the machine that the agent's container shows, loads
// plugins and may ask the network: users of LDAP and the like have a number and no name here.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/passwd.h"

namespace heapfloor {

class UserNames {
 public:
  // `root` outlives it. Reads at the first question.
  explicit UserNames(const HostRoot& root) : root_(root) {}

  // The name of a uid written in decimal; empty where there is none. The view lives until the next
  // call. A user who is not known makes it read the file again, once in kPatience such questions.
  [[nodiscard]] std::string_view name_of(std::string_view user_id);

  static constexpr std::uint32_t kPatience = 256;

 private:
  void read();

  const HostRoot& root_;
  std::vector<UserName> users_;
  std::uint32_t unknown_ = 0;  // questions since the last reading
  bool was_read_ = false;
};

}  // namespace heapfloor
