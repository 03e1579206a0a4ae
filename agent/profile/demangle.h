// Names of functions as their authors wrote them.
//
// A mangled name of 100 bytes can stand for gigabytes (each back reference may double what is
// before it), and whoever made the target's files chose it. So names with few back references are
// demangled here, the others in a child process that may be lost.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {

// Longer results are cut behind that many bytes, at a whole character.
inline constexpr std::size_t kMostDemangledBytes = 8192;

// Whether demangling it takes little memory whatever it says.
bool is_harmless_to_demangle(std::string_view mangled);

// The demangled names, by position; what is no mangled name of C++, or cannot be demangled within
// the bounds, is as it was. Thread rule: any thread; may fork, see child_task.h.
std::vector<std::string> demangle(std::span<const std::string> names);

// The same, with what was asked before kept in bounded memory. Thread rule: any thread.
class Demangler {
 public:
  explicit Demangler(std::size_t most_bytes = std::size_t{4} << 20) : most_bytes_(most_bytes) {}
  [[nodiscard]] std::vector<std::string> names(std::span<const std::string> mangled);
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> known_;
  std::size_t bytes_ = 0;
};

}  // namespace heapfloor
