// The judgement over one series' verdicts: learning, stable, suspected, leaking, recovering.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/series/bytes.h"
#include "agent/trend/policy.h"
#include "agent/trend/verdict.h"

namespace heapfloor {

enum class LeakState : std::uint8_t { learning, stable, suspected, leaking, recovering };
inline constexpr std::size_t kLeakStates = 5;

constexpr std::string_view leak_state_name(LeakState state) {
  constexpr std::array<std::string_view, kLeakStates> kNames = {"learning", "stable", "suspected",
                                                                "leaking", "recovering"};
  return kNames.at(static_cast<std::size_t>(state));
}

// Why a leak was revoked.
enum class Revocation : std::uint8_t { plateau, drop, restart };
inline constexpr std::size_t kRevocations = 3;

constexpr std::string_view revocation_name(Revocation revocation) {
  constexpr std::array<std::string_view, 3> kNames = {"plateau", "drop", "restart"};
  return kNames.at(static_cast<std::size_t>(revocation));
}

// Turns verdicts into states by the rules of DETECTION.md "States". Pure: times come with the
// verdicts and do not run backwards. `policy` must outlive the judge. Single-threaded.
class LeakJudge {
 public:
  explicit LeakJudge(const TrendPolicy& policy) : policy_(&policy) {}

  // One step: after each new verdict, or at any other time with the last one. `current_floor` is
  // the newest floor of the series (or its newest reading, which is never below it).
  LeakState step(const Verdict& verdict, double time_seconds, double current_floor);

  // The subject ended or started anew: what is suspected or leaking is revoked for that reason,
  // everything else is learned again.
  void restart(double time_seconds);

  // What was judged a leak is no more than suspected: a better basis says that it is none.
  void demote(double time_seconds);

  [[nodiscard]] LeakState state() const { return state_; }
  [[nodiscard]] double since_seconds() const { return since_seconds_; }
  // Where the growth that was judged a leak began; meaningful from leaking on.
  [[nodiscard]] double onset_floor() const { return onset_floor_; }
  // Why the last leak was revoked; none before one was.
  [[nodiscard]] std::optional<Revocation> revocation() const { return revocation_; }

  void save(ByteWriter& out) const;
  // False, and the state of a new judge, when the bytes are not what save() writes.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  void enter(LeakState state, double time_seconds);
  void confirm(const Verdict& verdict, double time_seconds);
  void revoke(Revocation reason, double time_seconds);
  void step_leaking(const Verdict& verdict, double time_seconds, double current_floor);
  void step_recovering(const Verdict& verdict, double time_seconds);

  const TrendPolicy* policy_;
  double since_seconds_ = 0;
  double onset_floor_ = 0;
  double highest_floor_ = 0;
  double quiet_since_seconds_ = 0;
  LeakState state_ = LeakState::learning;
  std::optional<Revocation> revocation_;
};

}  // namespace heapfloor
