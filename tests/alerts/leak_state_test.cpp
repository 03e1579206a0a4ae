#include "agent/alerts/leak_state.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

constexpr double kDay = 86400;

Verdict verdict(Evidence evidence, double floor = 100, double window_start = 0) {
  Verdict result;
  result.evidence = evidence;
  result.floor = floor;
  result.window_start_seconds = window_start;
  result.line_time_seconds = window_start;
  result.line_value = 100;
  result.growth = {1, 0.5, 2};
  result.window_end_seconds = window_start + (floor - 100);  // the line ends at `floor`
  return result;
}

class LeakJudgeTest : public testing::Test {
 protected:
  LeakState step(Evidence evidence, double time, double floor = 100) {
    return judge_.step(verdict(evidence, floor), time, floor);
  }

  TrendPolicy policy_;
  LeakJudge judge_{policy_};
};

TEST_F(LeakJudgeTest, LearnsUntilThereIsAVerdict) {
  EXPECT_EQ(step(Evidence::too_few_floors, 1), LeakState::learning);
  EXPECT_EQ(step(Evidence::none, 2), LeakState::stable);
  EXPECT_EQ(judge_.since_seconds(), 2);
}

TEST_F(LeakJudgeTest, SuspectsWhileEvidenceIsHeldAndNoLonger) {
  step(Evidence::none, 1);
  EXPECT_EQ(step(Evidence::held, 2), LeakState::suspected);
  EXPECT_EQ(step(Evidence::held, 3), LeakState::suspected);
  EXPECT_EQ(judge_.since_seconds(), 2);
  EXPECT_EQ(step(Evidence::none, 4), LeakState::stable);
}

TEST_F(LeakJudgeTest, CallsALeakOnlyWhatIsConfirmedAndKeepsItsOnset) {
  step(Evidence::held, 1, 150);
  EXPECT_EQ(step(Evidence::confirmed, 2, 200), LeakState::leaking);
  EXPECT_EQ(judge_.onset_floor(), 100);
  EXPECT_EQ(step(Evidence::held, 3, 250), LeakState::leaking);
  EXPECT_FALSE(judge_.revocation());
}

TEST_F(LeakJudgeTest, RevokesAsAPlateauWhenTheEvidenceIsGone) {
  step(Evidence::confirmed, 1, 200);
  EXPECT_EQ(step(Evidence::none, 2, 200), LeakState::recovering);
  EXPECT_EQ(judge_.revocation(), Revocation::plateau);
  EXPECT_EQ(step(Evidence::none, 2 + 0.9 * kDay, 200), LeakState::recovering);
  EXPECT_EQ(step(Evidence::none, 2 + kDay, 200), LeakState::stable);
}

TEST_F(LeakJudgeTest, RevokesAsADropWhenHalfOfWhatLeakedIsGone) {
  step(Evidence::confirmed, 1, 200);
  EXPECT_EQ(step(Evidence::confirmed, 2, 300), LeakState::leaking);
  EXPECT_EQ(step(Evidence::confirmed, 3, 210), LeakState::leaking);
  EXPECT_EQ(step(Evidence::confirmed, 4, 200), LeakState::recovering);
  EXPECT_EQ(judge_.revocation(), Revocation::drop);
}

TEST_F(LeakJudgeTest, DoesNotCallTheRememberedRiseOfADroppedLeakANewOne) {
  step(Evidence::confirmed, 1, 300);
  step(Evidence::confirmed, 2, 110);
  EXPECT_EQ(step(Evidence::confirmed, 3, 110), LeakState::recovering);
  EXPECT_EQ(judge_.step(verdict(Evidence::confirmed, 150, 5), 10, 150), LeakState::leaking);
}

TEST_F(LeakJudgeTest, ReturnsFromRecoveringToLeakingWhenAllGatesPassAgain) {
  step(Evidence::confirmed, 1, 200);
  step(Evidence::none, 2, 200);
  EXPECT_EQ(step(Evidence::held, 3, 210), LeakState::recovering);
  EXPECT_EQ(step(Evidence::confirmed, 4, 220), LeakState::leaking);
}

TEST_F(LeakJudgeTest, CountsTheQuietSeasonFromTheLastEvidence) {
  step(Evidence::confirmed, 0, 200);
  step(Evidence::none, 1, 200);
  step(Evidence::held, 0.5 * kDay, 210);
  EXPECT_EQ(step(Evidence::none, 1.2 * kDay, 210), LeakState::recovering);
  EXPECT_EQ(step(Evidence::none, 1.5 * kDay, 210), LeakState::stable);
}

TEST_F(LeakJudgeTest, DoesNotTakeACompactionForADrop) {
  // The line stands at 200; the newest bucket rides up a tooth to 900 and falls back, twice.
  judge_.step(verdict(Evidence::confirmed, 200), 1, 200);
  for (const double newest : {900.0, 205.0, 900.0, 205.0}) {
    EXPECT_EQ(judge_.step(verdict(Evidence::confirmed, 200), 2, newest), LeakState::leaking);
  }
}

TEST_F(LeakJudgeTest, RevokesASuspicionAtARestart) {
  step(Evidence::held, 1, 150);
  judge_.restart(5);
  EXPECT_EQ(judge_.state(), LeakState::recovering);
}

TEST_F(LeakJudgeTest, RevokesALeakAtARestartAndOtherwiseLearnsAgain) {
  step(Evidence::confirmed, 1, 200);
  judge_.restart(5);
  EXPECT_EQ(judge_.state(), LeakState::recovering);
  EXPECT_EQ(judge_.revocation(), Revocation::restart);
  LeakJudge calm(policy_);
  calm.step(verdict(Evidence::none), 1, 100);
  calm.restart(2);
  EXPECT_EQ(calm.state(), LeakState::learning);
}

TEST_F(LeakJudgeTest, ShortensTheSeasonByTheTimeScale) {
  policy_.time_scale = 1.0 / 60;
  step(Evidence::confirmed, 0, 200);
  step(Evidence::none, 10, 200);
  EXPECT_EQ(step(Evidence::none, 10 + 1440, 200), LeakState::stable);
}

}  // namespace
}  // namespace heapfloor
