// The judgement over one series' verdicts: learning, stable, suspected, leaking, recovering.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heapfloor {

enum class LeakState : std::uint8_t { learning, stable, suspected, leaking, recovering };
inline constexpr std::size_t kLeakStates = 5;

constexpr std::string_view leak_state_name(LeakState state) {
  constexpr std::array<std::string_view, kLeakStates> kNames = {"learning", "stable", "suspected",
                                                                 "leaking", "recovering"};
  return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace heapfloor
