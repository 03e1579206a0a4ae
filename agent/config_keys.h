// The part of config_keys() that belongs to the detector: by name, because signals override it one
// by one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/trend/policy.h"

namespace heapfloor {

// Sets one constant of the policy from text. Returns what is wrong, or nothing.
std::optional<std::string> set_policy_value(TrendPolicy& policy, std::string_view name,
                                            std::string_view text);

}  // namespace heapfloor
