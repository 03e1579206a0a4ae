#include "agent/alerts/leak_state.h"

#include <algorithm>

#include "agent/trend/time_constants.h"

namespace heapfloor {
namespace {

// The floor must have fallen by this share of what leaked.
constexpr double kDropRatio = 0.5;

bool rising(const Verdict& verdict) {
  return verdict.evidence == Evidence::held || verdict.evidence == Evidence::confirmed;
}

}  // namespace

void LeakJudge::enter(LeakState state, double time_seconds) {
  if (state == state_) {
    return;
  }
  state_ = state;
  since_seconds_ = time_seconds;
}

// Heights are read off the line that was judged: the newest floor of the finest level rides up
// every tooth of a sawtooth, and each compaction would look like a fall.
void LeakJudge::confirm(const Verdict& verdict, double time_seconds) {
  onset_floor_ = line_at(verdict, verdict.window_start_seconds);
  highest_floor_ = line_at(verdict, verdict.window_end_seconds);
  enter(LeakState::leaking, time_seconds);
}

void LeakJudge::revoke(Revocation reason, double time_seconds) {
  revocation_ = reason;
  quiet_since_seconds_ = time_seconds;
  enter(LeakState::recovering, time_seconds);
}

void LeakJudge::step_leaking(const Verdict& verdict, double time_seconds, double current_floor) {
  if (rising(verdict)) {
    highest_floor_ = std::max(highest_floor_, line_at(verdict, verdict.window_end_seconds));
  }
  const double leaked = highest_floor_ - onset_floor_;
  if (leaked > 0 && current_floor <= highest_floor_ - kDropRatio * leaked) {
    revoke(Revocation::drop, time_seconds);
  } else if (!rising(verdict)) {
    revoke(Revocation::plateau, time_seconds);
  }
}

void LeakJudge::step_recovering(const Verdict& verdict, double time_seconds) {
  // After a drop coarse levels still remember the rise: only what was seen since, or a new height,
  // counts.
  const bool fresh = revocation_ == Revocation::plateau ||
                     verdict.window_start_seconds >= since_seconds_ ||
                     line_at(verdict, verdict.window_end_seconds) > highest_floor_;
  if (rising(verdict) && fresh) {
    quiet_since_seconds_ = time_seconds;
    if (verdict.evidence == Evidence::confirmed) {
      confirm(verdict, time_seconds);
    }
    return;
  }
  if (time_seconds - quiet_since_seconds_ >= season_seconds(*policy_)) {
    enter(LeakState::stable, time_seconds);
  }
}

LeakState LeakJudge::step(const Verdict& verdict, double time_seconds, double current_floor) {
  if (state_ == LeakState::leaking) {
    step_leaking(verdict, time_seconds, current_floor);
    return state_;
  }
  if (state_ == LeakState::recovering) {
    step_recovering(verdict, time_seconds);
    return state_;
  }
  switch (verdict.evidence) {
    case Evidence::too_few_floors:
      break;
    case Evidence::none:
      enter(LeakState::stable, time_seconds);
      break;
    case Evidence::held:
      enter(LeakState::suspected, time_seconds);
      break;
    case Evidence::confirmed:
      confirm(verdict, time_seconds);
      break;
  }
  return state_;
}

void LeakJudge::restart(double time_seconds) {
  if (state_ == LeakState::leaking || state_ == LeakState::suspected) {
    revoke(Revocation::restart, time_seconds);
  } else if (state_ != LeakState::recovering) {
    enter(LeakState::learning, time_seconds);
  }
}

void LeakJudge::demote(double time_seconds) {
  if (state_ == LeakState::leaking) enter(LeakState::suspected, time_seconds);
}

void LeakJudge::save(ByteWriter& out) const {
  out.put(state_);
  out.put(revocation_);
  out.put(since_seconds_);
  out.put(onset_floor_);
  out.put(highest_floor_);
  out.put(quiet_since_seconds_);
}

bool LeakJudge::restore(ByteReader& in) {
  constexpr double kMostFloor = 1e20;  // a height of a fitted line, which may lie below zero
  state_ = in.take_enum<LeakState>(kLeakStates);
  revocation_.reset();
  if (in.take_flag()) revocation_ = in.take_enum<Revocation>(kRevocations);
  since_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  onset_floor_ = in.take_number<double>(-kMostFloor, kMostFloor);
  highest_floor_ = in.take_number<double>(-kMostFloor, kMostFloor);
  quiet_since_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  if (in.failed()) *this = LeakJudge(*policy_);
  return !in.failed();
}

}  // namespace heapfloor
