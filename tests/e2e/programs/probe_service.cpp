// probe_service [--seconds=N] [--rate-kib=N]: a service with four maps, of which one grows without
// end, and the probe linked in. It ends by itself, and with whoever started it. What it leaks holds
// HEAPFLOOR_TEST_PASSWORD backwards, which so stands nowhere but in its heap.
#include <heapfloor/structures.h>
#include <sys/prctl.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

struct User {
  std::string name;
  std::array<char, 960> picture;
};

using UserMap = heapfloor::unordered_map<std::uint64_t, User>;
using TextMap = heapfloor::unordered_map<std::uint64_t, std::string>;

// The password of a user, backwards; as long as a name that is no secret where there is none.
std::string secret() {
  const char* const password = std::getenv("HEAPFLOOR_TEST_PASSWORD");
  const std::string given = password == nullptr ? "user number " : password;
  return {given.rbegin(), given.rend()};
}

// As many times as make `bytes` of it.
std::string repeated(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

User make_user(std::uint64_t number) {
  static const std::string kSecret = secret();
  User user{.name = kSecret + std::to_string(number), .picture = {}};
  user.picture.fill(static_cast<char>(number));
  return user;
}

std::uint64_t argument(int count, char** arguments, const std::string& name, std::uint64_t value) {
  for (int i = 1; i < count; ++i) {
    if (std::string(arguments[i]).starts_with(name))
      return std::strtoull(arguments[i] + name.size(), nullptr, 10);
  }
  return value;
}

}  // namespace

// The leak: nobody ever takes a user out.
__attribute__((noinline)) void add_user(UserMap& users, std::uint64_t number) {
  const heapfloor::phase scope{"user_cache", "grow"};
  users.emplace(number, make_user(number));
}

// Full at 10,000.
__attribute__((noinline)) void open_session(TextMap& sessions, std::uint64_t number) {
  sessions.emplace(number, std::string(500, 's'));
  if (number >= 10'000) sessions.erase(number - 10'000);
}

// Emptied again and again.
__attribute__((noinline)) void index_request(TextMap& requests, std::uint64_t number) {
  requests.emplace(number, std::string(200, 'r'));
  if (requests.size() >= 20'000) requests.clear();
}

int main(int count, char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(argument(count, arguments, "--seconds=", 600));
  const std::uint64_t users_a_second = argument(count, arguments, "--rate-kib=", 1024);
  UserMap users{heapfloor::name("user_cache")};
  TextMap sessions{heapfloor::name("session_table")};
  TextMap requests{heapfloor::name("request_index")};
  TextMap settings{heapfloor::name("settings")};
  for (std::uint64_t i = 0; i < 5'000; ++i) settings.emplace(i, std::string(300, 'c'));
  settings.emplace(5'000, repeated(secret(), std::size_t{4} << 20));
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t added = 0;
  std::uint64_t served = 0;
  while (std::chrono::steady_clock::now() < end) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    const auto due =
        static_cast<std::uint64_t>(passed.count() * static_cast<double>(users_a_second));
    for (; added < due && added < 400'000; ++added) add_user(users, added);
    for (int i = 0; i < 200; ++i, ++served) {
      open_session(sessions, served);
      index_request(requests, served);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return 0;
}
