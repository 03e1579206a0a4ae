// The labels of all scenarios: the one list of the corpus.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/trend/observation.h"
#include "tests/corpus/shapes.h"

namespace heapfloor {

struct Label {
  // In the catalogue 1 to 70 (one number may have two scenarios); the short scenarios count on from
  // 101.
  int number = 0;
  std::string_view name;
  bool leaks = false;
  std::string_view onset;  // rule; "-" where nothing leaks
  // What is lost in the long run; absent where nothing leaks or the pace changes by design.
  std::optional<double> rate_mib_per_hour;
  std::string_view signal;  // what the readings are, as a signal of the agent
  SignalTraits traits = SignalTraits::unmarked;
  std::uint8_t features = 0;
  shapes::Draft (*make)(Random&) = nullptr;

  static constexpr std::uint8_t kDaily = 1;  // depends on the time of day: never stretched in time
  static constexpr std::uint8_t kLoad = 2;   // driven by a load that the observations can carry
  static constexpr std::uint8_t kPrototype = 4;    // one of the 54 of the published figures
  static constexpr std::uint8_t kUndecidable = 8;  // early on, from one series; scored all the same

  [[nodiscard]] constexpr bool has(std::uint8_t feature) const { return (features & feature) != 0; }
  // Fixed before any score of the additions was seen: every number that leaves 2 when divided by 3.
  [[nodiscard]] constexpr bool reserved() const { return number <= 70 && number % 3 == 2; }
};

std::span<const Label> labels();
// Nothing for a name that is no scenario's.
const Label* find_label(std::string_view name);

}  // namespace heapfloor
