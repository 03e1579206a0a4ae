#include "agent/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "agent/log.h"

namespace heapfloor {
namespace {

constexpr double kMicroseconds = 1e6;
constexpr double kPatientIntervals = 4;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Nothing of it may start a line of its own.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

ServiceManager::Options ServiceManager::from_environment() {
  Options options;
  options.socket = variable("NOTIFY_SOCKET");
  const std::string pid = variable("WATCHDOG_PID");  // whom it is meant for
  if (!pid.empty() && whole_number(pid) != static_cast<std::uint64_t>(::getpid())) return options;
  const auto microseconds = whole_number(variable("WATCHDOG_USEC"));
  if (microseconds && *microseconds > 0)
    options.watchdog_seconds = static_cast<double>(*microseconds) / kMicroseconds;
  return options;
}

ServiceManager::ServiceManager(Options options) : options_(std::move(options)) {
  if (options_.socket.empty()) return;
  sockaddr_un address{};
  const bool is_abstract = options_.socket.front() == '@';
  const std::size_t length = options_.socket.size() + (is_abstract ? 0 : 1);
  if ((!is_abstract && options_.socket.front() != '/') || length > sizeof(address.sun_path)) {
    log_line(LogLevel::warning, "the service manager cannot be told: no name of a socket",
             {{"NOTIFY_SOCKET", options_.socket}});
    return;
  }
  descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

ServiceManager::~ServiceManager() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ServiceManager::tell(std::string_view lines) const {
  if (descriptor_ < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(options_.socket, std::begin(address.sun_path));
  const bool is_abstract = options_.socket.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const std::size_t length =
      offsetof(sockaddr_un, sun_path) + options_.socket.size() + (is_abstract ? 0 : 1);
  // Named each time, not connected once: a manager that was started anew is told, too.
  static_cast<void>(::sendto(descriptor_, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(length)));
}

void ServiceManager::ready(std::string_view status, double interval_seconds) const {
  std::string lines = fmt::format("READY=1\nSTATUS={}\n", one_line(status));
  const double patience = kPatientIntervals * interval_seconds;
  if (options_.watchdog_seconds && *options_.watchdog_seconds < patience)
    lines += fmt::format("WATCHDOG_USEC={:.0f}\n", patience * kMicroseconds);
  tell(lines);
}

void ServiceManager::reloading() const { tell("RELOADING=1\n"); }
void ServiceManager::reloaded() const { tell("READY=1\n"); }
void ServiceManager::stopping() const { tell("STOPPING=1\n"); }

void ServiceManager::alive() const {
  if (options_.watchdog_seconds) tell("WATCHDOG=1\n");
}

}  // namespace heapfloor
