// What a user of the probe types, in C++17: it has to compile with every compiler, as it is and
// with HEAPFLOOR_DISABLED. Exits with 0 if the containers hold what they should.

#include <heapfloor/structures.h>

#include <cstddef>
#include <functional>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

namespace {

struct User {
  int id = 0;
};

struct Session {
  heapfloor::string token;
  heapfloor::vector<int> pages{heapfloor::name("session_pages")};
};

class Cache {
 public:
  void put(const std::string& key, const User& user) { users_[key] = user; }
  void evict(const std::string& key) { users_.erase(key); }
  [[nodiscard]] std::size_t size() const { return users_.size(); }

 private:
  heapfloor::unordered_map<std::string, User> users_{heapfloor::name("user_cache")};
};

using CountingAllocator = heapfloor::allocator<std::pair<const int, User>>;
using Users = std::unordered_map<int, User, std::hash<int>, std::equal_to<>, CountingAllocator>;

std::size_t use_maps() {
  Cache cache;
  cache.put("a", User{1});
  cache.put("b", User{2});
  cache.evict("a");
  heapfloor::map<int, Session> sessions{heapfloor::name("sessions")};
  sessions[1].token = "secret";
  sessions.try_emplace(2);
  sessions.insert({3, Session()});
  for (auto& [id, session] : sessions) session.pages.push_back(id);
  auto node = sessions.extract(1);
  sessions.insert(std::move(node));
  const heapfloor::map<int, Session> copy = sessions;
  Users users{CountingAllocator{heapfloor::name("users")}};
  users[7] = User{7};
  return cache.size() + copy.size() + users.size();  // 5
}

std::size_t use_sequences() {
  heapfloor::vector<int> numbers{1, 2, 3};
  numbers.insert(numbers.begin(), {4, 5});
  heapfloor::vector<int> taken = std::move(numbers);
  numbers = {1};
  swap(numbers, taken);
  heapfloor::deque<std::string> queue{heapfloor::name("queue"), std::size_t{2}, "job"};
  queue.emplace_front("first");
  heapfloor::list<int> list{heapfloor::name("list")};
  list.splice(list.end(), heapfloor::list<int>{1, 2});
  heapfloor::string text = "some";
  text += " more";
  return numbers.size() + taken.size() + queue.size() + list.size() + text.size();  // 20
}

std::size_t use_the_rest() {
  heapfloor::memory_resource pool{"request_arena"};
  std::pmr::vector<int> requests{&pool};
  requests.resize(3);
  heapfloor::gauge connections{"connection_pool"};
  connections.set_elements(3);
  connections.set_bytes(300);
  connections.add(1, 100);
  connections.cleared();
  const heapfloor::phase scope{"user_cache", "init"};
  const heapfloor::phase inner{"verify"};
  heapfloor::vector<int, heapfloor::shared> together{heapfloor::name("together")};
  together.push_back(1);
  return requests.size() + together.size();  // 4
}

}  // namespace

int main() { return use_maps() + use_sequences() + use_the_rest() == 29 ? 0 : 1; }
