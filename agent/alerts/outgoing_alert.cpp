#include "agent/alerts/outgoing_alert.h"

#include <algorithm>

#include "collectors/fnv_hash.h"

namespace heapfloor {
namespace {

// Adds a label unless its name is taken or its value is empty: to Alertmanager an empty label is
// none.
void add_label(LabelSet& labels, const std::string& name, std::string value) {
  if (value.empty()) return;
  const auto place = std::ranges::lower_bound(labels, name, {}, &LabelSet::value_type::first);
  if (place != labels.end() && place->first == name) return;
  labels.emplace(place, name, std::move(value));
}

// What Alertmanager shows as the alert's source is its chart.
void add_links(OutgoingAlert& outgoing, const AlertCondition& condition,
               const OutgoingOrigin& origin) {
  outgoing.generator_url = origin.external_url;
  if (origin.external_url.empty() || !origin.links) return;
  const std::string root = origin.external_url + (origin.external_url.ends_with('/') ? "" : "/");
  const auto absolute = [&](const std::string& link) { return link.empty() ? link : root + link; };
  const AlertLinks links = origin.links(condition);
  if (!links.chart.empty()) outgoing.generator_url = absolute(links.chart);
  add_label(outgoing.annotations, "chart_url", absolute(links.chart));
  add_label(outgoing.annotations, "flame_graph_url", absolute(links.flame_graph));
  add_label(outgoing.annotations, "profile_url", absolute(links.profile));
  add_label(outgoing.annotations, "runbook_url", absolute(links.runbook));
}

OutgoingAlert outgoing_alert(const Alert& alert, const OutgoingOrigin& origin) {
  const AlertCondition& condition = alert.condition;
  OutgoingAlert outgoing;
  add_label(outgoing.labels, "alertname", condition.name);
  add_label(outgoing.labels, "severity", condition.severity);
  add_label(outgoing.labels, "scope", condition.scope);
  add_label(outgoing.labels, "subject", origin.visible(condition.subject));
  add_label(outgoing.labels, "group", origin.visible(condition.group));
  add_label(outgoing.labels, "signal", condition.signal);
  add_label(outgoing.labels, "instance", origin.visible(origin.instance));
  for (const auto& [name, value] : origin.external_labels) add_label(outgoing.labels, name, value);
  add_label(outgoing.annotations, "summary", origin.visible(condition.summary));
  add_label(outgoing.annotations, "description", origin.visible(condition.description));
  outgoing.identity = label_identity(outgoing.labels);
  add_links(outgoing, condition, origin);
  outgoing.starts_at_seconds = alert.active_since_unix_seconds;
  return outgoing;
}

}  // namespace

std::string label_identity(const LabelSet& labels) {
  // 0xff is in no UTF-8 text.
  std::string identity;
  for (const auto& [name, value] : labels) {
    identity += name;
    identity += '\xff';
    identity += value;
    identity += '\xff';
  }
  return identity;
}

std::uint64_t label_fingerprint(const LabelSet& labels) { return fnv1a(label_identity(labels)); }

OutgoingAlerts outgoing_alerts(std::span<const Alert> alerts,
                               const std::function<bool(const AlertCondition&)>& is_silenced,
                               const OutgoingOrigin& origin) {
  OutgoingAlerts outgoing;
  for (const Alert& alert : alerts) {
    if (alert.phase != AlertPhase::firing) continue;
    OutgoingAlert made = outgoing_alert(alert, origin);
    if (is_silenced(alert.condition)) {
      outgoing.withheld.push_back(std::move(made.identity));
    } else {
      outgoing.firing.push_back(std::move(made));
    }
  }
  std::ranges::sort(outgoing.withheld);
  return outgoing;
}

}  // namespace heapfloor
