#include "agent/cli/privileges.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 8> kUseful = {
    {{"CAP_SYS_PTRACE", CAP_SYS_PTRACE},
     {"CAP_PERFMON", CAP_PERFMON},
     {"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
     {"CAP_SYSLOG", CAP_SYSLOG},
     {"CAP_BPF", CAP_BPF},
     {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
     {"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
     {"CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE}}};

}  // namespace

bool Privileges::has(std::string_view capability) const {
  const auto* const known =
      std::ranges::find(kUseful, capability, &std::pair<std::string_view, unsigned>::first);
  return known != kUseful.end() && (capabilities >> known->second & 1U) != 0;
}

std::vector<std::string_view> Privileges::held_of(std::string_view text) const {
  std::vector<std::string_view> held;
  for (const auto& [name, number] : kUseful) {
    if (text.find(name) != std::string_view::npos && has(name)) held.push_back(name);
  }
  return held;
}

std::vector<std::string_view> Privileges::useful() const {
  std::vector<std::string_view> held;
  for (const auto& [name, number] : kUseful) {
    if (has(name)) held.push_back(name);
  }
  return held;
}

Privileges own_privileges() {
  Privileges own;
  own.user = geteuid();
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) == 0)
    own.capabilities = data[0].effective | std::uint64_t{data[1].effective} << 32U;
  return own;
}

}  // namespace heapfloor
