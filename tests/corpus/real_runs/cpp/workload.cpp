// The program: a server on a loopback port that answers every byte with a byte. Prints `port N`,
// `onset` and `leaked BYTES` for the recorder, and ends after --seconds at the latest.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tests/corpus/real_runs/cpp/workload.h"

namespace heapfloor {

Bytes touched(std::size_t size) {
  Bytes bytes(size, 'x');
  return bytes;
}

void Report::onset() {
  if (!begun_) {
    begun_ = true;
    std::puts("onset");
    std::fflush(stdout);
  }
}

void Report::flush() {
  if (leaked_bytes_ != printed_bytes_) {
    printed_bytes_ = leaked_bytes_;
    std::printf("leaked %llu\n", static_cast<unsigned long long>(leaked_bytes_));
    std::fflush(stdout);
  }
}

namespace {

struct Arguments {
  std::string scenario;
  double seconds = 3600;
  std::uint64_t seed = 1;
  std::string directory;
  int listener = -1;
  double elapsed_seconds = 0;
};

std::optional<std::string_view> after(std::string_view argument, std::string_view prefix) {
  if (argument.substr(0, prefix.size()) != prefix) {
    return std::nullopt;
  }
  return argument.substr(prefix.size());
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_argument(std::string_view argument, Arguments& arguments) {
  if (const auto name = after(argument, "--scenario=")) {
    arguments.scenario = *name;
    return true;
  }
  if (const auto seconds = after(argument, "--seconds=")) {
    return read_number(*seconds, arguments.seconds) && arguments.seconds > 0;
  }
  if (const auto seed = after(argument, "--seed=")) {
    return read_number(*seed, arguments.seed);
  }
  if (const auto directory = after(argument, "--directory=")) {
    arguments.directory = *directory;
    return true;
  }
  // The last two are for the program's own second version.
  if (const auto listener = after(argument, "--listener=")) {
    return read_number(*listener, arguments.listener);
  }
  if (const auto elapsed = after(argument, "--elapsed=")) {
    return read_number(*elapsed, arguments.elapsed_seconds);
  }
  return false;
}

// A listening socket on a free loopback port; -1 when there is none.
int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, generic, length) != 0 || ::listen(listener, 4) != 0 ||
      ::getsockname(listener, generic, &length) != 0) {
    return -1;
  }
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

// One client at a time, the newest.
class LoopbackServer {
 public:
  explicit LoopbackServer(int listener) : listener_(listener) {}
  ~LoopbackServer() { hang_up(); }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  // Serves what comes within the time.
  void serve(Workload& workload, int milliseconds) {
    std::array<pollfd, 2> waiting = {{{listener_, POLLIN, 0}, {client_, POLLIN, 0}}};
    if (::poll(waiting.data(), client_ < 0 ? 1 : 2, milliseconds) <= 0) {
      return;
    }
    if ((waiting[0].revents & POLLIN) != 0) {
      hang_up();
      client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    } else if (waiting[1].revents != 0) {
      answer(workload);
    }
  }

 private:
  void answer(Workload& workload) {
    std::array<char, 256> requests = {};
    const ssize_t count = ::recv(client_, requests.data(), requests.size(), 0);
    if (count <= 0) {
      hang_up();
      return;
    }
    for (ssize_t i = 0; i < count; ++i) {
      workload.request();
    }
    if (::send(client_, requests.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) {
      hang_up();
    }
  }
  void hang_up() {
    if (client_ >= 0) {
      ::close(client_);
      client_ = -1;
    }
  }

  int listener_;
  int client_ = -1;
};

// Another program under the same process id, as a deploy in place is. Returns only on failure.
int become_next_version(const Arguments& arguments, int listener, double elapsed_seconds) {
  std::array<std::string, 7> texts = {"workload",
                                      "--scenario=" + arguments.scenario,
                                      "--seconds=" + std::to_string(arguments.seconds),
                                      "--seed=" + std::to_string(arguments.seed + 1),
                                      "--directory=" + arguments.directory,
                                      "--listener=" + std::to_string(listener),
                                      "--elapsed=" + std::to_string(elapsed_seconds)};
  std::array<char*, 8> values = {};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    values.at(i) = texts.at(i).data();
  }
  ::execv("/proc/self/exe", values.data());
  return 1;
}

std::unique_ptr<Workload> find_workload(std::string_view name, Setting& setting) {
  for (const auto maker :
       {make_leaky, make_leaky_by_structure, make_healthy, make_healthy_by_allocator}) {
    if (auto workload = maker(name, setting)) {
      return workload;
    }
  }
  return nullptr;
}

int run(const Arguments& arguments) {
  using Clock = std::chrono::steady_clock;
  Setting setting;
  setting.length_seconds = arguments.seconds;
  setting.directory = arguments.directory;
  setting.deployed = arguments.listener >= 0;
  setting.random.seed(arguments.seed);
  const auto began = Clock::now();
  const std::unique_ptr<Workload> workload = find_workload(arguments.scenario, setting);
  if (!workload) {
    std::fprintf(stderr, "workload: no scenario %s\n", arguments.scenario.c_str());
    return 2;
  }
  const int listener = setting.deployed ? arguments.listener : listen_on_loopback();
  LoopbackServer server(listener);
  double next_tick = arguments.elapsed_seconds;
  double next_report = next_tick;
  while (true) {
    const double now =
        arguments.elapsed_seconds + std::chrono::duration<double>(Clock::now() - began).count();
    if (now >= arguments.seconds) {
      return 0;
    }
    if (workload->deploys(now)) {
      return become_next_version(arguments, listener, now);
    }
    if (now >= next_tick) {
      workload->tick(now);
      next_tick = std::max(next_tick + kTickSeconds, now);
    }
    if (now >= next_report) {
      setting.report.flush();
      next_report = now + 10;
    }
    server.serve(*workload, std::max(0, static_cast<int>(1000 * (next_tick - now))) + 1);
  }
}

}  // namespace
}  // namespace heapfloor

int main(int count, char** values) {
  heapfloor::Arguments arguments;
  for (int i = 1; i < count; ++i) {
    if (!heapfloor::read_argument(values[i], arguments)) {
      std::fprintf(stderr, "workload: bad argument: %s\n", values[i]);
      return 2;
    }
  }
  return heapfloor::run(arguments);
}
