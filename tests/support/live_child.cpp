#include "tests/support/live_child.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

namespace heapfloor::testing {
namespace {

// Between fork and _exit only system calls: the parent may have had threads.
[[noreturn]] void obey(int orders, int answers, const char* name, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, name);
  if (::getppid() != parent) ::_exit(1);
  const char done = 'd';
  if (::write(answers, &done, 1) != 1) ::_exit(1);
  std::size_t bytes = 0;
  while (::read(orders, &bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
    void* area = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) ::_exit(1);
    auto* text = static_cast<volatile char*>(area);
    for (std::size_t at = 0; at < bytes; at += 4096) text[at] = 1;
    if (::write(answers, &done, 1) != 1) ::_exit(1);
  }
  ::_exit(0);
}

void wait_for_answer(int answers) {
  char done = 0;
  if (::read(answers, &done, 1) != 1) throw std::runtime_error("the child died");
}

}  // namespace

LiveChild::LiveChild(const std::string& name) {
  std::array<int, 2> orders = {};
  std::array<int, 2> answers = {};
  if (::pipe(orders.data()) != 0 || ::pipe(answers.data()) != 0)
    throw std::runtime_error("no pipe");
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) {
    ::close(orders[1]);
    ::close(answers[0]);
    obey(orders[0], answers[1], name.c_str(), parent);
  }
  ::close(orders[0]);
  ::close(answers[1]);
  order_ = orders[1];
  answer_ = answers[0];
  wait_for_answer(answer_);
}

void LiveChild::touch(std::size_t bytes) {
  if (::write(order_, &bytes, sizeof bytes) != static_cast<ssize_t>(sizeof bytes)) {
    throw std::runtime_error("the child died");
  }
  wait_for_answer(answer_);
}

void LiveChild::end() {
  ::kill(pid_, SIGKILL);
  siginfo_t info = {};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
}

void LiveChild::kill_and_reap() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(order_);
  ::close(answer_);
  pid_ = -1;
}

}  // namespace heapfloor::testing
