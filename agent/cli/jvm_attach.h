// JvmAttach: asks a running JVM of this host for something, by the protocol of its own tools.
//
// Source: attachListener_linux.cpp of OpenJDK (17; attachListener_posix.cpp later) and
// sun.tools.attach.VirtualMachineImpl. A JVM listens at /tmp/.java_pidPID, where PID is what it
// sees itself; where it does not yet, it begins when it finds /tmp/.attach_pidPID of its own user
// at a SIGQUIT. It answers its own user and root; so the request is made as its user.
//
// What a stranger may have put there is not believed: both names are taken in the /tmp that the
// process sees, no link is followed, and who answers must be the very process. The signal, which
// ends a program that does not expect it, goes only to a process that has libjvm.so mapped and the
// counters of a JVM that listens to tools, and catches it; and to no other that has its pid by
// then. Thread rule: a command of its own, with one thread: the user of the whole process changes
// for the time of a request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/clock.h"
#include "collectors/host_root.h"
#include "collectors/parse/hsperfdata.h"
#include "collectors/parse/pid_status.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct AttachLimits {
  double start_seconds = 10;   // until it listens
  double answer_seconds = 60;  // until the answer has ended
  std::size_t answer_bytes = std::size_t{64} << 20;
};

class JvmAttach {
 public:
  // Verifies the process and reads its counters; nothing is asked of it. `gone`, `denied`, or
  // `unavailable` with the reason in words: no JVM, keeps no counters, listens to no tools.
  [[nodiscard]] static Result<JvmAttach> open(const HostRoot& root, std::int32_t pid);
  JvmAttach(const JvmAttach&) = delete;
  JvmAttach& operator=(const JvmAttach&) = delete;
  JvmAttach(JvmAttach&& other) noexcept;
  JvmAttach& operator=(JvmAttach&&) = delete;
  ~JvmAttach();

  [[nodiscard]] const ProcessId& id() const { return id_; }
  [[nodiscard]] JvmGc gc() const { return gc_; }
  [[nodiscard]] const JvmReading& reading() const { return reading_; }

  // What the JVM answers to the command ("inspectheap") with this argument. `unavailable` where it
  // does not listen or answer in time, `malformed` where it says that it could not do it.
  [[nodiscard]] Result<std::string> ask(std::string_view command, std::string_view argument,
                                        const Clock& clock, const AttachLimits& limits = {}) const;

 private:
  JvmAttach() = default;
  [[nodiscard]] Result<int> connect() const;
  [[nodiscard]] Result<int> connect_or_start(const Clock& clock, double seconds) const;
  [[nodiscard]] Result<int> start(const Clock& clock, double seconds) const;

  ProcessId id_;
  int process_ = -1;  // pidfd
  PidStanding standing_;
  HostFolder folder_;  // its /tmp
  JvmGc gc_ = JvmGc::other;
  JvmReading reading_;
};

}  // namespace heapfloor
