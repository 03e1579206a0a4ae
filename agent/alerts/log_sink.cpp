#include "agent/alerts/log_sink.h"

#include <exception>

#include "agent/log.h"

namespace heapfloor {

void LogSink::deliver(const AlertTransition& transition) noexcept {
  try {
    const AlertCondition& condition = transition.alert.condition;
    const bool is_loud = transition.change == AlertChange::firing;
    log_line(is_loud ? LogLevel::warning : LogLevel::info, "alert",
             {{"state", alert_change_name(transition.change)},
              {"alertname", condition.name},
              {"severity", condition.severity},
              {"subject", condition.subject},
              {"group", condition.group},
              {"signal", condition.signal},
              {"summary", condition.summary},
              {"description", condition.description}});
  } catch (const std::exception&) {
    return;  // out of memory while formatting: the next transition gets its chance, the collection
             // goes on
  }
}

}  // namespace heapfloor
