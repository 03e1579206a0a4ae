#include "agent/profile/child_task.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

constexpr int kNiceness = 10;
// A sanitizer's own memory is beyond any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif
#else
constexpr bool kHasSanitizer = false;
#endif

Failure failed(const char* call) {
  return failure(ErrorKind::io, call, std::generic_category().message(errno));
}

void set_limit(__rlimit_resource resource, rlim_t most) {
  const struct rlimit limit = {most, most};
  ::setrlimit(resource, &limit);
}

// Descriptors that the child keeps open would keep connections of the parent open.
void close_others(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned next = 0;
  for (const int number : kept) {
    const auto own = static_cast<unsigned>(number);
    if (own > next) ::syscall(SYS_close_range, next, own - 1, 0);
    next = own + 1;
  }
  ::syscall(SYS_close_range, next, ~0U, 0);
}

// In the child. No file can be opened from here on: what it reads may name one.
void confine(const ChildLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM})
    ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::alarm(limits.seconds);
  (void)!::nice(kNiceness);
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, limits.seconds);
  if (!kHasSanitizer) set_limit(RLIMIT_DATA, limits.data_bytes);
  set_limit(RLIMIT_NOFILE, 0);
}

[[noreturn]] void be_child(int out, const ChildLimits& limits,
                           const std::function<void(const ChildAnswer&)>& work) {
  confine(limits);
  const ChildAnswer answer = [out](std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(out, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  };
  int code = 0;
  try {
    work(answer);
  } catch (...) {
    code = 1;
  }
  ::_exit(code);
}

// Reads until the child closes its end, which its alarm sees to, or until there is more than is
// allowed. True only in the first case.
bool read_answer(int in, const ChildLimits& limits, std::string& answer) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(in, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (answer.size() + static_cast<std::size_t>(got) > limits.answer_bytes) return false;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<ChildResult> run_in_child(const ChildLimits& limits, std::span<const int> descriptors,
                                 const std::function<void(const ChildAnswer&)>& work) {
  // One at a time: a second child would hold the first one's pipe open.
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  std::array<int, 2> pipe = {};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return failed("pipe2");
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> kept(descriptors.begin(), descriptors.end());
    kept.push_back(pipe[1]);
    close_others(std::move(kept));
    be_child(pipe[1], limits, work);
  }
  ::close(pipe[1]);
  if (child < 0) {
    ::close(pipe[0]);
    return failed("fork");
  }
  ChildResult result;
  const bool is_closed = read_answer(pipe[0], limits, result.answer);
  ::close(pipe[0]);
  if (!is_closed) ::kill(child, SIGKILL);
  int status = 0;
  pid_t ended = 0;
  do ended = ::waitpid(child, &status, 0);
  while (ended < 0 && errno == EINTR);
  result.is_complete = is_closed && ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return result;
}

}  // namespace heapfloor
