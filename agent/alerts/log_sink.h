// LogSink: every alert transition becomes one line of the agent's log.
#pragma once

#include "agent/alerts/alert_book.h"

namespace heapfloor {

class LogSink final : public AlertSink {
 public:
  void deliver(const AlertTransition& transition) noexcept override;
};

}  // namespace heapfloor
