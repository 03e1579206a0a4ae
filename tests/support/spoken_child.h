// A program that a test talks with by lines, and that cannot outlive it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace heapfloor::testing {

class SpokenChild {
 public:
  // Throws where it cannot be started.
  explicit SpokenChild(std::vector<std::string> arguments) {
    std::array<int, 2> to_child = {};
    std::array<int, 2> from_child = {};
    if (::pipe2(to_child.data(), O_CLOEXEC) != 0 || ::pipe2(from_child.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("pipe2");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(to_child[0], 0);
      ::dup2(from_child[1], 1);
      ::execv(pointers.front(), pointers.data());
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = ::fdopen(to_child[1], "w");
    output_ = ::fdopen(from_child[0], "r");
    if (pid_ < 0 || input_ == nullptr || output_ == nullptr) throw std::runtime_error("fork");
  }
  SpokenChild(const SpokenChild&) = delete;
  SpokenChild& operator=(const SpokenChild&) = delete;
  ~SpokenChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    static_cast<void>(::fclose(input_));
    static_cast<void>(::fclose(output_));
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Nothing once it has ended.
  std::optional<std::string> read_line() {
    std::string line;
    for (int byte = ::fgetc(output_); byte != EOF; byte = ::fgetc(output_)) {
      if (byte == '\n') return line;
      line.push_back(static_cast<char>(byte));
    }
    return std::nullopt;
  }
  void say_line(const std::string& line) {
    static_cast<void>(::fputs((line + "\n").c_str(), input_));
    static_cast<void>(::fflush(input_));
  }

 private:
  pid_t pid_ = -1;
  FILE* input_ = nullptr;
  FILE* output_ = nullptr;
};

}  // namespace heapfloor::testing
