// Result<T>: a value, or the reason why the environment refused one.
//
// An Error is made once, where the refusal happened, with the path and the reason; it is returned
// upwards and handled (counted, logged) in one place, the scheduler. Thread rule: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace heapfloor {

// What a refusal means for the one who handles it.
enum class ErrorKind : std::uint8_t {
  unavailable,  // this kernel or machine does not have it (no such file, PSI switched off)
  gone,         // the process ended between listing and reading
  denied,       // permission
  malformed,    // a parser refused the text
  timeout,      // a deadline passed
  io,           // anything else that the kernel said
};
inline constexpr std::size_t kErrorKinds = 6;

// The value of the label `reason` in heapfloor_collector_errors_total.
constexpr std::string_view reason_label(ErrorKind kind) {
  constexpr std::array<std::string_view, kErrorKinds> kNames = {
      "unavailable", "vanished", "permission", "parse", "timeout", "io"};
  return kNames.at(static_cast<std::size_t>(kind));
}

struct Error {
  ErrorKind kind = ErrorKind::io;
  std::string path;    // what was read, as the user would type it
  std::string reason;  // why it failed, in words; at most 80 bytes of the offending text
};

template <class T>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

inline Failure failure(ErrorKind kind, std::string path, std::string reason) {
  return Failure(Error{kind, std::move(path), std::move(reason)});
}

}  // namespace heapfloor
