#include "collectors/user_names.h"

#include <algorithm>
#include <string>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::size_t kLargestFileBytes = std::size_t{1} << 20U;

const UserName* find_user(const std::vector<UserName>& users, std::uint64_t uid) {
  const auto found = std::ranges::lower_bound(users, uid, {}, &UserName::first);
  return found == users.end() || found->first != uid ? nullptr : &*found;
}

}  // namespace

std::string_view UserNames::name_of(std::string_view user_id) {
  const auto uid = parse_unsigned(user_id);
  if (!uid) return {};
  const UserName* user = find_user(users_, *uid);
  if (user == nullptr && (!was_read_ || ++unknown_ >= kPatience)) {
    read();
    user = find_user(users_, *uid);
  }
  return user == nullptr ? std::string_view() : std::string_view(user->second);
}

// A host without the file, or one that is closed, is one whose users have only numbers.
void UserNames::read() {
  was_read_ = true;
  unknown_ = 0;
  std::string buffer(kLargestFileBytes, '\0');
  const auto text = root_.read(HostRoot::Tree::root, "etc/passwd", buffer);
  if (text) users_ = parse_passwd(*text);
}

}  // namespace heapfloor
