// The TCP ports on which a process listens, and what the environment it was started with tells a Go
// runtime: what has to be known before anything is asked of the process.
//
// Sources: /proc/PID/fd, /proc/PID/net/tcp and tcp6, /proc/PID/ns/net, /proc/PID/environ. Reading
// those of other users needs CAP_SYS_PTRACE. Thread rule: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host_root.h"
#include "collectors/parse/tcp_listeners.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct OwnListener {
  HeldSocket socket;
  std::uint16_t port = 0;
  ListenPlace place = ListenPlace::elsewhere;
};

// Which network namespace a process lives in, as "net:[4026531840]".
[[nodiscard]] Result<std::string> network_of(const ProcessDir& process);

// Those of the process `id` that this host reaches by its loopback address, ascending by port, each
// port once; a port on which sockets of others listen as well (SO_REUSEPORT) is left out, since
// nobody knows which of them answers. `unavailable` where the process lives in another network than
// `network`; `gone` where it is not the same process any more. Looks at kMostLines sockets of the
// namespace.
[[nodiscard]] Result<std::vector<OwnListener>> listening_sockets(const HostRoot& root,
                                                                 const ProcessId& id,
                                                                 std::string_view network);
inline constexpr std::size_t kMostTcpLines = 65536;

// Of the whole environment only these two are looked at; the rest may hold secrets.
struct GoEnvironment {
  std::optional<double> gogc_percent;  // below 0: off
  std::optional<double> limit_bytes;   // GOMEMLIMIT; absent also where it is off
  friend bool operator==(const GoEnvironment&, const GoEnvironment&) = default;
};
// `text`: "NAME=value" entries, each ended by NUL. Pure and total; what is not understood is left
// out, as the runtime does not start with it.
[[nodiscard]] GoEnvironment parse_go_environment(std::string_view text);
[[nodiscard]] GoEnvironment go_environment_of(const ProcessDir& process);

}  // namespace heapfloor
