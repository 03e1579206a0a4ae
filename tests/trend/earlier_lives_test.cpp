#include "agent/trend/earlier_lives.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

Life rising(double growth_per_second, double evidence_seconds) {
  return {true, growth_per_second, evidence_seconds};
}

TEST(EarlierLives, AddUpWhatGrewAlike) {
  EarlierLives lives;
  EXPECT_EQ(lives.evidence_seconds(100), 0);
  lives.add(rising(100, 3600));
  lives.add(rising(110, 1800));
  lives.add(rising(95, 600));
  EXPECT_EQ(lives.evidence_seconds(100), 6000);
  EXPECT_EQ(lives.lives(), 3U);
}

TEST(EarlierLives, SayNothingOfAnotherPace) {
  EarlierLives lives;
  lives.add(rising(100, 3600));
  EXPECT_EQ(lives.evidence_seconds(300), 0);
  EXPECT_EQ(lives.evidence_seconds(30), 0);
  EXPECT_EQ(lives.evidence_seconds(199), 3600) << "within twice";
  EXPECT_EQ(lives.evidence_seconds(0), 0);
  EXPECT_EQ(lives.evidence_seconds(-100), 0);
}

TEST(EarlierLives, BeginAnewAfterALifeOfAnotherPaceOrThatStoppedGrowing) {
  EarlierLives lives;
  lives.add(rising(100, 3600));
  lives.add(rising(400, 1000));
  EXPECT_EQ(lives.evidence_seconds(400), 1000);
  EXPECT_EQ(lives.lives(), 1U);
  lives.add(Life());
  EXPECT_EQ(lives.evidence_seconds(400), 0);
  EXPECT_EQ(lives.lives(), 0U);
}

TEST(EarlierLives, CountWithoutEnd) {
  EarlierLives lives;
  for (int i = 0; i < 300; ++i) lives.add(rising(100, 10));
  EXPECT_EQ(lives.evidence_seconds(100), 3000);
  EXPECT_EQ(lives.lives(), 255U);
}

TEST(EarlierLives, TakeOfALifeOnlyItsOwnEvidence) {
  Verdict verdict;
  verdict.evidence = Evidence::confirmed;
  verdict.growth = {100, 80, 120};
  verdict.evidence_seconds = 5000;
  verdict.earlier_seconds = 4000;
  EXPECT_TRUE(life_of(verdict).was_rising);
  EXPECT_EQ(life_of(verdict).evidence_seconds, 1000);
  EXPECT_EQ(life_of(verdict).growth_per_second, 100);
}

TEST(EarlierLives, ALifeThatSlowedDownOrLayLevelWasNotRising) {
  Verdict verdict;
  verdict.evidence = Evidence::held;
  verdict.deciding_gate = Gate::patience;
  EXPECT_TRUE(life_of(verdict).was_rising);
  verdict.deciding_gate = Gate::shape;
  EXPECT_FALSE(life_of(verdict).was_rising);
  verdict.evidence = Evidence::none;
  verdict.deciding_gate = Gate::record;
  EXPECT_FALSE(life_of(verdict).was_rising);
}

TEST(EarlierLives, AreTheSameAfterTheyWereSavedAndRefuseDamage) {
  EarlierLives lives;
  lives.add(rising(100, 3600));
  lives.add(rising(100, 3600));
  std::string bytes;
  ByteWriter out(bytes);
  lives.save(out);
  ByteReader in(bytes);
  EarlierLives again;
  ASSERT_TRUE(again.restore(in));
  EXPECT_EQ(again.evidence_seconds(100), 7200);
  EXPECT_EQ(again.lives(), 2U);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(again.restore(cut));
    EXPECT_EQ(again.lives(), 0U);
  }
}

}  // namespace
}  // namespace heapfloor
