// DeliveryQueue: what one receiver still has to be told, and when.
//
// It holds the newest state of every alert and nothing older, so an outage of any length costs no
// more memory than the alerts themselves; when the receiver is back, everything that is due goes
// out at once. Pure: the steady clock comes from the caller, the jitter from a seed.
// Not thread-safe: the owner locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/outgoing_alert.h"

namespace heapfloor {

struct DeliveryPolicy {
  double resend_seconds = 60;            // a firing alert is told again after this time
  double resolved_resend_seconds = 300;  // how long one that has ended is told again
  // How long one that ended is told to a receiver that never heard of it; 0: never.
  double unheard_resolved_seconds = 300;
  double first_backoff_seconds = 5;
  double most_backoff_seconds = 60;
  // While it backs off for longer, the receiver is asked with an empty request whether it is back;
  // nothing: it is not asked.
  std::optional<double> probe_seconds = 20;
  std::size_t batch = 64;
  std::size_t capacity = 10000;
};

// How a request ended.
enum class DeliveryOutcome : std::uint8_t {
  delivered,
  rejected,     // the receiver does not take this content: the rest may still be welcome
  unavailable,  // no answer, 5xx, 429, or an answer that is about the receiver itself (401, 404)
};

// By RFC 9110's status classes. 400, 413, 415 and 422 are about the content.
DeliveryOutcome outcome_of_status(int status);

class DeliveryQueue {
 public:
  // One request. Empty alerts: a probe.
  struct Batch {
    std::vector<OutgoingAlert> alerts;
    std::vector<std::uint64_t> versions;  // of the alerts, for finish()
  };
  // Alerts, each time that one was in a request.
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;  // given up without having been told
  };

  DeliveryQueue(const DeliveryPolicy& policy, std::uint64_t seed)
      : policy_(policy), random_(seed) {}

  // Everything that is firing now. What was firing before and is missing has ended at
  // `now_unix_seconds`, except for the identities in `withheld` (sorted), which are silenced: they
  // are not told again, and have not ended.
  void update(std::span<const OutgoingAlert> firing, std::span<const std::string> withheld,
              double now_seconds, double now_unix_seconds);

  // When there is something to send; it may be in the past. Nothing: not before the next update().
  [[nodiscard]] std::optional<double> next_due_seconds() const;

  // What to send now; nothing before next_due_seconds(). finish() follows before the next take().
  [[nodiscard]] std::optional<Batch> take(double now_seconds);
  void finish(const Batch& batch, DeliveryOutcome outcome, double now_seconds);

  // What a successor has to know so that nothing is lost and nothing is told twice over.
  struct Saved {
    OutgoingAlert alert;
    bool is_heard = false;
    bool is_told = false;  // the end was delivered
  };
  [[nodiscard]] std::vector<Saved> save() const;
  // Grows when save() would say something else than before.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  // Before the first update(). Everything is due at once; what is not firing any more ends then.
  void restore(std::span<const Saved> saved, double now_seconds, double now_unix_seconds);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t capacity() const { return policy_.capacity; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  // Whether the last request was answered as it should be; nothing before the first one.
  [[nodiscard]] std::optional<bool> is_up() const { return is_up_; }

 private:
  struct Entry {
    OutgoingAlert alert;
    double due_seconds = 0;
    double ended_seconds = 0;            // steady, where alert.ended_at_seconds is set
    std::optional<double> told_seconds;  // when the end was first delivered
    std::uint64_t version = 0;           // changes when the alert ends or begins anew
    std::size_t batch_limit = 0;         // 0: the policy's; less after a rejection
    bool is_heard = false;               // delivered as firing
    bool is_withheld = false;
    bool is_in_flight = false;
  };
  using Entries = std::map<std::string, Entry>;

  void take_over(std::span<const OutgoingAlert> firing, double now_seconds);
  void refresh(Entry& entry, const OutgoingAlert& alert, double now_seconds);
  void end_missing(std::span<const OutgoingAlert> firing, std::span<const std::string> withheld,
                   double now_seconds, double now_unix_seconds);
  void end(Entry& entry, double now_seconds, double now_unix_seconds);
  Entries::iterator forget(Entries::iterator place);
  Entry& enter(const OutgoingAlert& alert);
  // Whether nobody waits for the entry any more.
  [[nodiscard]] bool is_done(const Entry& entry, double now_seconds) const;
  std::vector<Entries::iterator> evictable();
  void finish_probe(bool is_good, double now_seconds);
  void finish_alert(const OutgoingAlert& sent, std::uint64_t version, std::size_t batch_size,
                    DeliveryOutcome outcome, double now_seconds);
  void back_off(double now_seconds);
  [[nodiscard]] double jittered(double seconds);
  [[nodiscard]] bool may_probe() const { return failures_ > 0 && policy_.probe_seconds; }
  [[nodiscard]] static bool is_silent(const Entry& entry) {
    return entry.is_withheld && !entry.alert.ended_at_seconds;
  }

  DeliveryPolicy policy_;
  std::mt19937_64 random_;
  Entries entries_;
  std::set<std::string> refused_;  // firing, but without a place: counted once
  Counts counts_;
  std::uint64_t version_ = 0;
  std::uint32_t failures_ = 0;     // in a row
  double not_before_seconds_ = 0;  // of the next attempt
  double next_probe_seconds_ = 0;
  bool is_probed_attempt_ = false;    // the next attempt is due to a successful probe
  bool is_probe_misleading_ = false;  // it was: only a probe that fails first counts again
  std::optional<bool> is_up_;
};

}  // namespace heapfloor
