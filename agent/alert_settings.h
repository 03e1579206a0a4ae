// The meaning of the lists of the section `alerts`: rules, silences, alertmanagers, webhooks.
//
// Pure functions, but for receiver_settings() where no instance is configured.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/alert_sender.h"
#include "agent/alerts/outgoing_alert.h"
#include "agent/config.h"
#include "agent/config_fields.h"
#include "agent/config_item.h"

namespace heapfloor {

// alerts.rules, alerts.silences, alerts.alertmanagers and alerts.webhooks, for config_lists().
std::vector<ConfigList> alert_lists();

// "site=north,team=data". Returns what is wrong, or nothing after the labels were taken over.
std::optional<std::string> set_external_labels(LabelSet& labels, std::string_view text);
std::string external_labels_text(const LabelSet& labels);

// The receivers with the times that follow from the whole configuration. A firing alert is valid
// for four times the longer of interval and resend, as Prometheus has it: three sendings may be
// lost.
std::vector<ReceiverSettings> receiver_settings(const Config& config);

// The matchers of a silence in the order of kSilenceLabels: takes one more, or says what is wrong.
std::optional<std::string> add_silence_matcher(Silence& silence, std::string_view label,
                                               std::string_view glob);

inline constexpr std::size_t kMostRules = 200;
inline constexpr std::size_t kMostReceivers = 16;

}  // namespace heapfloor
