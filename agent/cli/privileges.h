// Who this process is, as far as it decides what it may read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

struct Privileges {
  std::uint32_t user = 0;          // effective
  std::uint64_t capabilities = 0;  // effective; bit N is capability N of linux/capability.h

  // Those of the capabilities that a text names ("CAP_BPF and CAP_PERFMON") which are held.
  [[nodiscard]] std::vector<std::string_view> held_of(std::string_view text) const;
  [[nodiscard]] bool has(std::string_view capability) const;
  // Those of them that the agent has a use for.
  [[nodiscard]] std::vector<std::string_view> useful() const;
};

// Asks the kernel (capget(2)).
[[nodiscard]] Privileges own_privileges();

}  // namespace heapfloor
