#include "agent/cli/jvm_attach.h"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stop_token>
#include <utility>
#include <vector>

#include "collectors/process_identity.h"
#include "collectors/runtime/jvm_library.h"
#include "collectors/runtime/jvm_target.h"

namespace heapfloor {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr double kFirstWaitSeconds = 0.02;
constexpr double kMostWaitSeconds = 0.3;
constexpr std::size_t kArguments = 3;  // that a request always has

Failure refused(std::int32_t pid, std::string reason) {
  return failure(ErrorKind::unavailable, std::to_string(pid), std::move(reason));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(number_); }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

// This process acts as another user until the end of the scope.
class ActingAs {
 public:
  explicit ActingAs(const PidStanding& whom) : user_(::geteuid()), group_(::getegid()) {
    const bool is_other = whom.effective_user_id != user_ || whom.effective_group_id != group_;
    if (!is_other) return;
    const int count = ::getgroups(0, nullptr);
    groups_.resize(static_cast<std::size_t>(std::max(count, 0)));
    if (::getgroups(count, groups_.data()) < 0) groups_.clear();
    is_changed_ = true;
    is_right_ = ::setgroups(0, nullptr) == 0 && ::setegid(whom.effective_group_id) == 0 &&
                ::seteuid(whom.effective_user_id) == 0;
  }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  // What cannot be restored must not go on.
  ~ActingAs() {
    if (!is_changed_) return;
    const bool is_back = ::seteuid(user_) == 0 && ::setegid(group_) == 0;
    if (!is_back) std::abort();
    if (is_right_) static_cast<void>(::setgroups(groups_.size(), groups_.data()) == 0);
  }
  [[nodiscard]] bool is_right() const { return is_right_; }

 private:
  uid_t user_;
  gid_t group_;
  std::vector<gid_t> groups_;
  bool is_changed_ = false;
  bool is_right_ = true;
};

Result<PidStanding> standing_of(const ProcessDir& directory, std::span<char> buffer) {
  const auto status = directory.read_record("status", buffer);
  if (!status) return Failure(status.error());
  return parse_pid_standing(*status);
}

// Mapped as a file, else found by its library.
Result<JvmCounterBytes> counters_of(const ProcessDir& directory, std::int32_t pid,
                                    std::span<char> buffer) {
  JvmMaps maps;
  if (auto read = read_jvm_maps(directory, buffer, maps); !read)
    return Failure(std::move(read.error()));
  if (!maps.library) return refused(pid, "is no JVM: it maps no libjvm.so");
  if (!maps.mappings.empty()) return JvmCounterBytes::open(directory, maps.mappings.front());
  auto library = JvmLibrary::open(directory, *maps.library);
  if (!library) return Failure(std::move(library.error()));
  auto counters = std::move(*library).take_counters();
  if (!counters) return Failure(std::move(counters.error()));
  if (!*counters)
    return refused(pid,
                   "keeps no counters (-XX:-UsePerfData): how large its heap is, and so for "
                   "how long it would stand still, is not known");
  return std::move(**counters);
}

Result<void> wait_for(int connection, short event, const Clock& clock, double deadline) {
  for (;;) {
    const double left = deadline - clock.steady_seconds();
    pollfd waited = {connection, event, 0};
    const int ready = left > 0 ? ::poll(&waited, 1, static_cast<int>(left * 1000) + 1) : 0;
    if (ready > 0) return {};
    if (ready < 0 && errno == EINTR) continue;
    return failure(ErrorKind::unavailable, {}, "the JVM does not answer in time");
  }
}

Result<void> send_all(int connection, std::string_view text, const Clock& clock, double deadline) {
  while (!text.empty()) {
    if (auto ready = wait_for(connection, POLLOUT, clock, deadline); !ready) return ready;
    const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return failure(ErrorKind::unavailable, {}, "the JVM has closed the connection");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::string> read_all(int connection, const Clock& clock, double deadline,
                             std::size_t most) {
  std::string answer;
  std::vector<char> piece(kBufferBytes);
  for (;;) {
    if (auto ready = wait_for(connection, POLLIN, clock, deadline); !ready)
      return Failure(std::move(ready.error()));
    const ssize_t got = ::recv(connection, piece.data(), piece.size(), 0);
    if (got == 0) return answer;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return failure(ErrorKind::unavailable, {}, "the JVM has closed the connection");
    if (answer.size() + static_cast<std::size_t>(got) > most)
      return failure(ErrorKind::malformed, {}, "the JVM answers more than is believed");
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
}

// The version of the protocol, then the command and its arguments, each with an end.
std::string request_of(std::string_view command, std::string_view argument) {
  std::string request = "1";
  request.push_back('\0');
  request.append(command).push_back('\0');
  request.append(argument).push_back('\0');
  request.append(kArguments - 1, '\0');
  return request;
}

// A number in the first line, 0 where it went well, then the text.
Result<std::string> text_of(std::string answer) {
  const std::size_t end = answer.find('\n');
  if (end == std::string::npos) return failure(ErrorKind::malformed, {}, "the JVM gave no answer");
  const std::string result = answer.substr(0, end);
  answer.erase(0, end + 1);
  if (result == "0") return answer;
  return failure(ErrorKind::malformed, {}, "the JVM says that it could not do it");
}

}  // namespace

JvmAttach::JvmAttach(JvmAttach&& other) noexcept
    : id_(other.id_),
      process_(std::exchange(other.process_, -1)),
      standing_(other.standing_),
      folder_(std::move(other.folder_)),
      gc_(other.gc_),
      reading_(other.reading_) {}

JvmAttach::~JvmAttach() {
  if (process_ >= 0) ::close(process_);
}

// The directory is the identity of the process: what is read of it after the pidfd was opened says
// that the pidfd is of the same.
Result<JvmAttach> JvmAttach::open(const HostRoot& root, std::int32_t pid) {
  const auto directory = root.open_process(pid);
  if (!directory) return Failure(directory.error());
  if (!directory->pinned()) return refused(pid, "no descriptor is left to hold it by");
  JvmAttach jvm;
  std::vector<char> buffer(kBufferBytes);
  auto counters = counters_of(*directory, pid, buffer);
  if (!counters) return Failure(std::move(counters.error()));
  JvmTarget target({pid, 0}, std::move(*counters));
  if (auto read = target.read(); !read) return Failure(std::move(read.error()));
  if (!target.index().can_attach.value_or(false))
    return refused(pid, "does not listen to tools (-XX:+DisableAttachMechanism)");
  jvm.process_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (jvm.process_ < 0) return refused(pid, "cannot be held (pidfd_open, Linux 5.3)");
  auto folder = directory->open_folder_in_root("/tmp");
  if (!folder) return Failure(std::move(folder.error()));
  const auto standing = standing_of(*directory, buffer);
  if (!standing) return Failure(standing.error());
  const auto start_ticks = read_start_ticks(*directory, pid, buffer);
  if (!start_ticks) return Failure(start_ticks.error());
  jvm.id_ = {pid, *start_ticks};
  jvm.standing_ = *standing;
  jvm.folder_ = std::move(*folder);
  jvm.gc_ = target.index().gc;
  jvm.reading_ = target.reading();
  return jvm;
}

// Only the process itself is spoken to, whoever has a socket of its name.
Result<int> JvmAttach::connect() const {
  const auto connection = folder_.connect(fmt::format(".java_pid{}", standing_.own_pid).c_str());
  if (!connection) return Failure(connection.error());
  ucred peer = {};
  socklen_t length = sizeof peer;
  const bool is_known = ::getsockopt(*connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
  if (is_known && peer.pid == id_.pid) return *connection;
  ::close(*connection);
  return failure(ErrorKind::malformed, std::to_string(id_.pid),
                 "another process listens in the place of the JVM");
}

Result<int> JvmAttach::connect_or_start(const Clock& clock, double seconds) const {
  auto connection = connect();
  if (connection || connection.error().kind != ErrorKind::unavailable) return connection;
  if (!standing_.catches(SIGQUIT))
    return refused(id_.pid,
                   "does not listen yet, and would not live through being asked to (-Xrs)");
  const std::string name = fmt::format(".attach_pid{}", standing_.own_pid);
  folder_.remove_file(name.c_str());  // of an attempt that was broken off
  if (auto made = folder_.make_file(name.c_str()); !made) return Failure(std::move(made.error()));
  connection = start(clock, seconds);
  folder_.remove_file(name.c_str());
  return connection;
}

Result<int> JvmAttach::start(const Clock& clock, double seconds) const {
  if (::syscall(SYS_pidfd_send_signal, process_, SIGQUIT, nullptr, 0) != 0)
    return failure(error_kind_of(errno), std::to_string(id_.pid), "it cannot be signalled");
  const double deadline = clock.steady_seconds() + seconds;
  double wait = kFirstWaitSeconds;
  for (;;) {
    auto connection = connect();
    if (connection || connection.error().kind != ErrorKind::unavailable) return connection;
    if (clock.steady_seconds() >= deadline)
      return refused(id_.pid, "was asked to listen and does not");
    static_cast<void>(clock.wait_until(clock.steady_seconds() + wait, std::stop_token()));
    wait = std::min(2 * wait, kMostWaitSeconds);
  }
}

Result<std::string> JvmAttach::ask(std::string_view command, std::string_view argument,
                                   const Clock& clock, const AttachLimits& limits) const {
  const ActingAs user(standing_);
  if (!user.is_right())
    return failure(ErrorKind::denied, std::to_string(id_.pid),
                   "only its own user, or root, may ask it");
  const auto connected = connect_or_start(clock, limits.start_seconds);
  if (!connected) return Failure(connected.error());
  const Descriptor connection(*connected);
  const double deadline = clock.steady_seconds() + limits.answer_seconds;
  auto sent = send_all(connection.get(), request_of(command, argument), clock, deadline);
  if (!sent) return Failure(std::move(sent.error()));
  auto answer = read_all(connection.get(), clock, deadline, limits.answer_bytes);
  if (!answer) return answer;
  return text_of(std::move(*answer));
}

}  // namespace heapfloor
