// A real process that a test steers and that cannot outlive it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace heapfloor::testing {

class LiveChild {
 public:
  // Forks. The child waits for orders; its name is at most 15 bytes.
  explicit LiveChild(const std::string& name = "live-child");
  LiveChild(const LiveChild&) = delete;
  LiveChild& operator=(const LiveChild&) = delete;
  ~LiveChild() { kill_and_reap(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Maps and writes so many bytes; returns when that is done.
  void touch(std::size_t bytes);
  // Ends it and leaves a zombie; returns when it is one.
  void end();
  // Ends it and takes it off the process table.
  void kill_and_reap();

 private:
  pid_t pid_ = -1;
  int order_ = -1;
  int answer_ = -1;
};

}  // namespace heapfloor::testing
