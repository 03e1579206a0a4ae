#include "agent/alerts/cause_words.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

GrowthCauses growth() {
  GrowthCauses causes;
  causes.growth_bytes = 600e6;
  causes.seconds = 7200;
  causes.thread_stacks = 0;
  causes.threads = 1200;
  causes.threads_gained = 0;
  return causes;
}

TEST(CauseWords, StacksComeWithTheirThreads) {
  GrowthCauses causes = growth();
  causes.thread_stacks = 0.8;
  causes.unattributed = 0.2;
  causes.threads_gained = 400;
  causes.stack_bytes = 264 * 1024;
  EXPECT_EQ(say_causes(causes),
            "80 % of the growth is stacks of threads: 1200 threads, +200/h, 264 KiB of "
            "stack each; 20 % is anonymous memory that nothing tells apart without a probe.");
}

TEST(CauseWords, DeepStacksAreSaidInMiB) {
  GrowthCauses causes = growth();
  causes.thread_stacks = 1;
  causes.threads_gained = 1;
  causes.stack_bytes = 2.6 * 1024 * 1024;
  EXPECT_EQ(
      say_causes(causes),
      "All of the growth is stacks of threads: 1200 threads, +12.0/d, 2.6 MiB of stack each.");
}

TEST(CauseWords, TheLargestComesFirstAndWhatIsLittleIsLeftOut) {
  GrowthCauses causes = growth();
  causes.live_growth = 0.3;
  causes.file_cache = 0.66;
  causes.shared_memory = 0.04;
  EXPECT_EQ(
      say_causes(causes),
      "66 % of the growth of all its memory is pages of files, which the kernel takes back when "
      "memory is short; 30 % is memory that the program holds.");
}

TEST(CauseWords, StacksThatCouldNotBeMeasuredAreNamed) {
  GrowthCauses causes = growth();
  causes.thread_stacks.reset();
  causes.threads_gained = 4;
  causes.unattributed = 1;
  EXPECT_EQ(say_causes(causes),
            "All of the growth is anonymous memory: heap, or stacks, which could not be "
            "measured: 1200 threads, +2/h.");
  causes.threads_gained = 0.5;
  causes.is_live_known = true;
  EXPECT_EQ(say_causes(causes),
            "All of the growth is anonymous memory of neither the heap nor what it "
            "keeps free, such as stacks: 1200 threads, +6.0/d.");
}

TEST(CauseWords, OfACgroupNoThreadsAreSpokenOf) {
  GrowthCauses causes;
  causes.growth_bytes = 600e6;
  causes.seconds = 7200;
  causes.unattributed = 0.25;
  causes.shared_memory = 0.75;
  EXPECT_EQ(say_causes(causes),
            "75 % of the growth of all its memory is shared memory; 25 % is anonymous memory.");
}

}  // namespace
}  // namespace heapfloor
