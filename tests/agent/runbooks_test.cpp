#include "agent/web/runbooks.h"

#include <gmock/gmock.h>

#include "agent/alerts/leak_alerts.h"
#include "agent/alerts/operator_rules.h"

namespace heapfloor {
namespace {

using ::testing::IsEmpty;

TEST(RunbooksTest, EveryAlertThatTheAgentRaisesItselfHasOne) {
  for (const std::string_view name : kLeakAlertNames)
    EXPECT_EQ(runbook_path(name), "runbooks/" + std::string(name) + ".html");
  for (const AlertRule& rule : operator_rules())
    EXPECT_EQ(runbook_path(rule.name), "runbooks/" + rule.name + ".html");
}

TEST(RunbooksTest, OfAnyOtherNameThereIsNone) {
  for (const char* name : {"", "Mine", "HeapfloorLea", "HeapfloorLeak.html", "../app", "../index"})
    EXPECT_THAT(runbook_path(name), IsEmpty()) << name;
}

}  // namespace
}  // namespace heapfloor
