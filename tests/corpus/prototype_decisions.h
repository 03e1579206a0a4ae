// What the Python prototype decided on the same series, recorded by prototype_decisions/record.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/result.h"

namespace heapfloor {

struct Decision {
  std::string scenario;
  std::uint64_t seed = 0;
  std::optional<double> suspected_at_seconds;
  std::optional<double> leaking_at_seconds;
};

struct Comparison {
  Decision theirs;
  Decision ours;
  bool leaks = false;
  std::string reason;  // ours, at the first alarm or at the end

  [[nodiscard]] bool same_alarm() const {
    return theirs.leaking_at_seconds.has_value() == ours.leaking_at_seconds.has_value();
  }
  // The prototype's is right and ours is wrong.
  [[nodiscard]] bool worse() const {
    return !same_alarm() && theirs.leaking_at_seconds.has_value() == leaks;
  }
};

Result<std::vector<Decision>> read_decisions(const std::string& path);

// Watches the same series with the prototype's buckets of 15 min. Scenarios exist; in order.
std::vector<Comparison> compare_decisions(const std::vector<Decision>& recorded);

double agreement(const std::vector<Comparison>& comparisons);  // share with the same alarm
double worse_share(const std::vector<Comparison>& comparisons);
// One line for every series on which only one of both raises an alarm.
std::string differences(const std::vector<Comparison>& comparisons);

}  // namespace heapfloor
