#include "collectors/parse/task_visits.h"

#include <gtest/gtest.h>

#include "collectors/bpf/task_record.h"
#include "tests/support/task_bytes.h"

namespace heapfloor {
namespace {

using testing::TaskBytes;

ErrorKind refusal_of(std::string_view bytes) {
  std::vector<TaskVisit> visits;
  const auto parsed = parse_task_visits(bytes, visits);
  return parsed ? ErrorKind::gone : parsed.error().kind;
}

TEST(TaskVisits, TellProcessesFromThreadsOfTheKernel) {
  std::vector<TaskVisit> visits;
  const std::string bytes = TaskBytes().kernel_thread(2, 50).process(7, 1000, 300, 99).end();
  ASSERT_TRUE(parse_task_visits(bytes, visits));
  ASSERT_EQ(visits.size(), 2U);
  EXPECT_EQ(visits[0], (TaskVisit{2, true, 50, 0, 0}));
  EXPECT_EQ(visits[1], (TaskVisit{7, false, 1000, 300, 99}));
}

TEST(TaskVisits, AddTheRunTimeOfThreadsBeforeAndBehindTheirLeader) {
  std::vector<TaskVisit> visits;
  const std::string bytes = TaskBytes()
                                .thread(9, 5)
                                .process(7, 1000, 300, 99)
                                .thread(7, 20)
                                .thread(7, 1)
                                .process(9, 2000, 40, 98)
                                .thread(7, 2)
                                .end();
  ASSERT_TRUE(parse_task_visits(bytes, visits));
  ASSERT_EQ(visits.size(), 2U);
  EXPECT_EQ(visits[0].runtime_nanoseconds, 323U);
  EXPECT_EQ(visits[1].runtime_nanoseconds, 45U);
}

TEST(TaskVisits, LeaveOutAThreadWhoseLeaderWasNotVisited) {
  std::vector<TaskVisit> visits;
  ASSERT_TRUE(parse_task_visits(TaskBytes().process(7, 1, 2, 3).thread(8, 20).end(), visits));
  ASSERT_EQ(visits.size(), 1U);
  EXPECT_EQ(visits[0].runtime_nanoseconds, 2U);
}

TEST(TaskVisits, OfAnEarlierIterationAreForgotten) {
  std::vector<TaskVisit> visits = {{1, false, 1, 1, 1}, {3, false, 1, 1, 1}};
  ASSERT_TRUE(parse_task_visits(TaskBytes().process(2, 1, 2, 3).end(), visits));
  ASSERT_EQ(visits.size(), 1U);
  EXPECT_EQ(visits[0].pid, 2);
}

TEST(TaskVisits, AreRefusedWhereverTheIterationWasCut) {
  const std::string whole =
      TaskBytes().kernel_thread(2, 50).process(7, 1, 2, 3).thread(7, 20).end();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(refusal_of(std::string_view(whole).substr(0, length)), ErrorKind::malformed)
        << length << " bytes";
}

// A read behind the end finds processes that came since.
TEST(TaskVisits, EndWithTheLastRecord) {
  const std::string whole = TaskBytes().process(7, 1, 2, 3).end();
  const std::string later = TaskBytes().process(9, 4, 5, 6).end();
  std::vector<TaskVisit> visits;
  ASSERT_TRUE(parse_task_visits(whole + later, visits));
  ASSERT_EQ(visits.size(), 1U);
  EXPECT_EQ(visits[0].pid, 7);
}

TEST(TaskVisits, AreRefusedWithPidsThatAreNoneOrDoNotAscend) {
  EXPECT_EQ(refusal_of(TaskBytes().process(0, 1, 2, 3).end()), ErrorKind::malformed);
  EXPECT_EQ(refusal_of(TaskBytes().process(0x80000000U, 1, 2, 3).end()), ErrorKind::malformed);
  EXPECT_EQ(refusal_of(TaskBytes().process(7, 1, 2, 3).process(7, 1, 2, 3).end()),
            ErrorKind::malformed);
  EXPECT_EQ(refusal_of(TaskBytes().process(7, 1, 2, 3).kernel_thread(6, 1).end()),
            ErrorKind::malformed);
}

TEST(TaskVisits, AreRefusedWithARecordOfAnotherKind) {
  EXPECT_EQ(refusal_of(TaskBytes().process(7, 1, 2, 3).record(5U, 0U).end()), ErrorKind::malformed);
}

}  // namespace
}  // namespace heapfloor
