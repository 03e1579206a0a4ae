// OutgoingAlert: what a receiver outside is told of one alert.
//
// Its labels are its identity: Alertmanager knows an alert by them and by nothing else, so what
// changes while an alert lives (value, forecast, words, links) is an annotation. The severity is a
// label, because people route by it; while an alert fires it only rises (see AlertBook), and an
// alert of a risen severity takes the place of the one before, which is told to have ended. Pure
// functions over plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/alert_links.h"

namespace heapfloor {

using LabelSet = std::vector<std::pair<std::string, std::string>>;  // sorted by name, valid UTF-8

struct OutgoingAlert {
  std::string identity;  // made of all labels; see label_identity()
  LabelSet labels;
  LabelSet annotations;
  std::string generator_url;               // may be empty
  double starts_at_seconds = 0;            // Unix time, the same for as long as the alert lives
  std::optional<double> ended_at_seconds;  // Unix time; nothing: it is firing
  friend bool operator==(const OutgoingAlert&, const OutgoingAlert&) = default;
};

// The same for equal labels, different for different ones.
std::string label_identity(const LabelSet& labels);

// Alertmanager's own fingerprint of these labels (FNV-1a, 64 bits, over names and values that are
// each followed by 0xff), as its API and its web page show it.
std::uint64_t label_fingerprint(const LabelSet& labels);

// What all alerts of this agent have in common.
struct OutgoingOrigin {
  std::string instance;      // the host
  LabelSet external_labels;  // they never replace a label of the alert's own
  std::string external_url;  // where a person finds the agent's page; empty: no links are sent
  std::string (*visible)(std::string_view) = nullptr;  // hostile bytes to UTF-8: visible_name()
  std::function<AlertLinks(const AlertCondition&)> links = {};  // may be empty
};

struct OutgoingAlerts {
  std::vector<OutgoingAlert> firing;
  std::vector<std::string> withheld;  // identities of what fires but is silenced, sorted
};

OutgoingAlerts outgoing_alerts(std::span<const Alert> alerts,
                               const std::function<bool(const AlertCondition&)>& is_silenced,
                               const OutgoingOrigin& origin);

}  // namespace heapfloor
