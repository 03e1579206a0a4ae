// .go.buildinfo: which Go made a program. Source: src/debug/buildinfo/buildinfo.go and
// src/cmd/link/internal/ld/data.go of Go. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

inline constexpr std::size_t kGoBuildInfoBytes = 160;  // of its section, as far as it is needed
inline constexpr std::size_t kMostGoVersion = 64;

// The version: "go1.19.8", "devel go1.23-3e5f6b2", raw and hostile. `bytes` are the first ones of
// the section. `malformed` where it is none; `unavailable` for Go before 1.18, which kept the
// version elsewhere.
[[nodiscard]] Result<std::string> parse_go_build_info(std::string_view bytes);

// 19 of "go1.19.8" and "go1.19"; nothing of anything else: a beta, a Go of somebody's own making
// ("go1.19.8 X:boringcrypto") may be laid out in another way.
[[nodiscard]] std::optional<std::uint32_t> released_go_minor(std::string_view version);

}  // namespace heapfloor
