// The bodies that receivers are sent, and what is saved of a queue. The forms are those of
// Alertmanager: POST /api/v2/alerts of its OpenAPI document, and version 4 of its webhook
// configuration's message.
//
// Pure functions; times are Unix seconds and are written as RFC 3339 in UTC.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/delivery_queue.h"
#include "agent/alerts/outgoing_alert.h"
#include "collectors/result.h"

namespace heapfloor {

// An array; "[]" for no alerts. A firing alert ends `valid_seconds` from now, unless it is told
// again.
std::string alertmanager_body(std::span<const OutgoingAlert> alerts, double now_unix_seconds,
                              double valid_seconds);

// `receiver` is its name in the configuration; `external_url` may be empty.
std::string webhook_body(std::span<const OutgoingAlert> alerts, std::string_view receiver,
                         std::string_view external_url);

// A queue's content as bytes, for the history; and back. What is not such a document is refused
// whole.
std::string encode_queue(std::span<const DeliveryQueue::Saved> saved);
[[nodiscard]] Result<std::vector<DeliveryQueue::Saved>> decode_queue(std::string_view bytes);

// "2026-01-31T12:00:00.250Z".
std::string rfc3339_milliseconds(double unix_seconds);

}  // namespace heapfloor
