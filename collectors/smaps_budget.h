// SmapsBudget: which processes have their smaps_rollup read in this tick.
//
// The kernel holds the target's mmap lock while it walks the page tables, for about 11 ns per
// resident 4 KiB page: a target's mmap, munmap and page faults wait that long. So reads are
// rationed by time, predicted from resident memory before each and measured after it:
//
// - no read is made that is predicted to take longer than `max_read_seconds`;
// - of any one target at most kTargetDuty of the time is spent in reads: one that took 10 ms is
//   followed by 10 s of rest;
// - of all targets together at most `duty` of the time, measured. What a tick leaves unused is
//   saved, up to kSavedSeconds' worth, or one largest read in each purse, if that is more.
//
// There are two purses with half of the income each (and a third one for reads of another kind,
// see affords()), and reads are paid from them in turn. One is
// for the targets whose resident memory changed most since they were read (bytes, so large targets
// weigh more), the other for those that have waited longest. A purse whose first target does not
// fit yet saves for it and reads nobody else. So nobody starves: a target that is due is read after
// at most T / (duty / 2) seconds, T being the predicted time of all reads that wait longer. An
// unchanged target is due every kRestSeconds.
//
// A reader that loses its processor in the middle of a read holds the lock until it gets it back:
// on a machine with more work than processors one read of 6 ms took half a second. So after a read
// that took longer than any was to be predicted, only short ones are made for kBusySeconds.
//
// The walk meets what is resident and what is swapped out. The price of a byte is learned for the
// host from every large read (large ones weigh more), never below the documented one, and for each
// target from its own: huge pages cost a hundredth, and a small target of many mappings costs what
// its last read did. What a target taught is believed for kTrustSeconds, and twice as long each
// time that its read took too long again.
//
// Pure: times come in as arguments, in seconds on one steady axis. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "collectors/sample.h"

namespace heapfloor {

struct SmapsLimits {
  double duty = 0.001;              // share of the time that all reads together may take; 0: none
  double max_read_seconds = 0.015;  // above it a process is too large to be read
};

// A process that may be read.
struct SmapsTarget {
  ProcessId id;
  std::uint64_t resident_bytes = 0;          // now
  std::uint64_t swapped_bytes = 0;           // now
  std::uint64_t sampled_resident_bytes = 0;  // when it was last read
  double waiting_since_seconds = 0;          // since its last read, or since it was first seen
  double not_before_seconds = 0;             // it rests until then
  double seconds_per_byte = 0;               // what its own reads taught; 0: nothing yet
  double slow_seconds = 0;    // of its last read, where its size does not explain them
  std::uint8_t overruns = 0;  // reads in a row that took longer than any may
  bool is_sampled = false;
};

class SmapsBudget {
 public:
  explicit SmapsBudget(SmapsLimits limits);

  // Starts a tick. `targets` outlives it; next(), took() and failed() speak of positions in it.
  void begin_tick(double now_seconds, std::span<SmapsTarget> targets);
  // The next target to read; nothing when what is left must wait. After each, exactly one of took()
  // and failed().
  [[nodiscard]] std::optional<std::size_t> next();
  // It was read, in so many seconds.
  void took(std::size_t target, double seconds);
  // It could not be read; it is tried again after a while.
  void failed(std::size_t target, double seconds, double retry_after_seconds);

  // For reads of another kind under the same budget: a third purse, which has kOthersShare of the
  // income while one of them waits, and nothing else. Whether one of so many seconds can be paid,
  // and that one was made.
  void set_others_wait(bool others_wait) { others_wait_ = others_wait; }
  [[nodiscard]] bool affords(double seconds) const;
  void charge(double seconds);
  // What affords() can ever say yes to.
  [[nodiscard]] double most_affordable() const { return most_saved(0); }
  static constexpr double kOthersShare = 0.2;

  [[nodiscard]] double predicted_seconds(const SmapsTarget& target) const;
  // Of this tick, once next() said that it is over: targets that are due and have to wait, and
  // targets that would be due if they were not too large, and
  // targets that would be due if a duty of 0 did not forbid every read.
  [[nodiscard]] std::size_t left_over() const { return due_ - read_; }
  [[nodiscard]] std::size_t too_large() const { return too_large_; }
  [[nodiscard]] std::size_t disabled() const { return disabled_; }
  // Time spent in this tick's reads over the time since the tick before; nothing in the first tick.
  [[nodiscard]] std::optional<double> duty_ratio() const;

  static constexpr double kTargetDuty = 0.001;
  static constexpr double kRestSeconds = 60;
  static constexpr double kSavedSeconds = 30;
  // No more is earned in one tick, however long the machine slept.
  static constexpr double kMostEarnedSeconds = 120;
  static constexpr double kTrustSeconds = 3600;
  static constexpr double kBusySeconds = 300;
  static constexpr double kShortSeconds = 0.001;
  static constexpr std::uint64_t kGrowthBytes = std::uint64_t{1} << 20;  // less is no growth
  // Measured on 6.18: a read of nearly nothing, and 11 ns for each 4 KiB page.
  static constexpr double kBaseSeconds = 10e-6;
  static constexpr double kLeastSecondsPerByte = 11e-9 / 4096;

 private:
  struct Waiting {
    double urgency = 0;
    std::size_t target = 0;
    bool operator<(const Waiting& other) const {
      return urgency != other.urgency ? urgency < other.urgency : target > other.target;
    }
  };
  struct Purse {
    double seconds = 0;
    std::vector<Waiting> queue;  // a heap, the most urgent first
    bool is_saving = false;      // its first target does not fit in this tick
  };

  void earn(double elapsed_seconds);
  void enqueue(std::size_t target);
  void learn(SmapsTarget& target, double seconds);
  void spend(double seconds);
  [[nodiscard]] double most_saved(double elapsed_seconds) const;
  [[nodiscard]] std::optional<std::size_t> first_of(Purse& purse);

  SmapsLimits limits_;
  double seconds_per_byte_ = kLeastSecondsPerByte;
  Purse growth_, age_;
  double others_seconds_ = 0;  // what the third purse holds
  bool others_wait_ = false;
  bool is_growths_turn_ = true;
  Purse* payer_ = nullptr;  // of the read that next() named last
  std::span<SmapsTarget> targets_;
  std::vector<bool> is_read_;
  double now_seconds_ = 0;
  std::optional<double> elapsed_seconds_;
  bool first_tick_ = true;
  double spent_seconds_ = 0;
  double busy_until_seconds_ = 0;
  std::size_t due_ = 0, read_ = 0, too_large_ = 0, disabled_ = 0;
};

}  // namespace heapfloor
