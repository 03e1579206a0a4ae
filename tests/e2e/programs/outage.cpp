// e2e_outage NOW: what a receiver is sent after a day in which it was away. NOW is the Unix time at
// which it is back; everything before it is simulated.
//
// One JSON array a line, as it goes to Alertmanager: first what it was told before the day, then
// all that goes out in the first half minute after it. Subjects: "stays" fires all the time,
// "ended" was heard of and ended during the outage, "began" began in it, "missed" began and ended
// in it.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "agent/alerts/delivery_queue.h"
#include "agent/alerts/notification_json.h"

namespace heapfloor {
namespace {

constexpr double kDay = 86400;
constexpr double kHour = 3600;
constexpr double kTick = 15;
constexpr double kValid = 240;

OutgoingAlert alert_of(const char* subject, double starts_at_seconds) {
  OutgoingAlert alert;
  alert.labels = {{"alertname", "HeapfloorLeak"}, {"subject", subject}};
  alert.identity = label_identity(alert.labels);
  alert.starts_at_seconds = starts_at_seconds;
  return alert;
}

// The alerts that fire so many seconds after the outage has begun.
std::vector<OutgoingAlert> firing(double seconds, double began_unix_seconds) {
  std::vector<OutgoingAlert> alerts = {alert_of("stays", began_unix_seconds - kHour)};
  if (seconds < 4 * kHour) alerts.push_back(alert_of("ended", began_unix_seconds - kHour));
  if (seconds >= 10 * kHour) alerts.push_back(alert_of("began", began_unix_seconds + 10 * kHour));
  if (seconds >= kHour && seconds < 2 * kHour)
    alerts.push_back(alert_of("missed", began_unix_seconds + kHour));
  return alerts;
}

// Sends what is due until `end`, in seconds after the outage began.
void send_until(DeliveryQueue& queue, double now, double end, bool is_there, double began) {
  while (queue.next_due_seconds() && *queue.next_due_seconds() <= end) {
    now = std::max(now, *queue.next_due_seconds());
    const auto batch = queue.take(now);
    if (!batch) return;
    if (is_there && !batch->alerts.empty())
      std::puts(alertmanager_body(batch->alerts, began + now, kValid).c_str());
    queue.finish(*batch, is_there ? DeliveryOutcome::delivered : DeliveryOutcome::unavailable, now);
  }
}

void replay(double now_unix_seconds) {
  const double began = now_unix_seconds - kDay;
  DeliveryQueue queue(DeliveryPolicy(), 1);
  queue.update(firing(0, began), {}, 0, began);
  send_until(queue, 0, 0, true, began);
  for (double now = kTick; now < kDay; now += kTick) {
    queue.update(firing(now, began), {}, now, began + now);
    send_until(queue, now, now + kTick - 1, false, began);
  }
  queue.update(firing(kDay, began), {}, kDay, began + kDay);
  send_until(queue, kDay, kDay + 30, true, began);
}

}  // namespace
}  // namespace heapfloor

int main(int count, char** arguments) {
  double now = 0;
  const char* const text = count == 2 ? arguments[1] : "";
  if (std::from_chars(text, text + std::strlen(text), now).ec != std::errc() || now <= 0) {
    std::fputs("usage: e2e_outage NOW\n", stderr);
    return 2;
  }
  heapfloor::replay(now);
  return 0;
}
