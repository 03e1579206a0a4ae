// AlertSender: tells Alertmanagers and webhooks what fires and what has ended.
//
// Each receiver has a queue and a thread of its own, so that one that hangs delays no other and
// never the collection: update() only hands over a copy. What to send and when is decided by
// DeliveryQueue; the words are notification_json's, the network is HttpClient's.
// Thread rule: any thread may call any member. The destructor ends requests in progress.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/delivery_queue.h"
#include "agent/alerts/outgoing_alert.h"
#include "agent/clock.h"
#include "collectors/http_client.h"

namespace heapfloor {

enum class ReceiverKind : std::uint8_t { alertmanager, webhook };

struct ReceiverSettings {
  ReceiverKind kind = ReceiverKind::alertmanager;
  std::string name;  // unique; shown in labels and logs, so it holds no secret
  std::string url;   // an Alertmanager's base, to which /api/v2/alerts is added; a webhook's own
  HttpClientOptions http;
  double resend_seconds = 60;
  double valid_seconds = 240;  // alertmanager: from each sending, unless it is sent again
  std::string external_url;
  friend bool operator==(const ReceiverSettings&, const ReceiverSettings&) = default;
};

// How many requests took at most so long; the last counts those that took longer.
struct DurationHistogram {
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10};
  std::array<std::uint64_t, kBounds.size() + 1> counts = {};  // each bound for itself
  double sum_seconds = 0;
  void add(double seconds);
};

struct ReceiverStatus {
  ReceiverKind kind = ReceiverKind::alertmanager;
  std::string name;
  DeliveryQueue::Counts counts;
  std::uint64_t queue_length = 0;
  std::uint64_t queue_capacity = 0;
  std::optional<bool> is_up;  // nothing before the first request
  DurationHistogram durations;
  double since_seconds = 0;  // steady; since when it is counted
};

class AlertSender {
 public:
  // `clock` outlives the sender.
  explicit AlertSender(const Clock& clock);
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;
  ~AlertSender();

  // Receivers whose settings did not change keep their queues and counts.
  void configure(std::span<const ReceiverSettings> settings);

  // Everything that fires now, at every tick.
  void update(const OutgoingAlerts& alerts, double now_seconds, double now_unix_seconds);

  [[nodiscard]] std::vector<ReceiverStatus> status() const;  // in the order of the settings

  // Per receiver name, the bytes of its queue, for the history; and back, before the first
  // update(). Names that are not configured any more are ignored, and so are damaged bytes.
  using SavedQueues = std::vector<std::pair<std::string, std::string>>;
  // Which state of which queue was saved, by receiver name.
  struct QueueMark {
    std::uint64_t receiver = 0;
    std::uint64_t version = 0;
    friend bool operator==(const QueueMark&, const QueueMark&) = default;
  };
  using QueueMarks = std::map<std::string, QueueMark>;
  // Only the queues that are not as `marks` says, which then says it: a name that is not configured
  // any more is not in it any more.
  [[nodiscard]] SavedQueues save(QueueMarks& marks) const;
  void restore(const SavedQueues& saved);

 private:
  class Receiver;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::uint64_t receivers_made_ = 0;
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

}  // namespace heapfloor
