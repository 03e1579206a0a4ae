#include "collectors/probe/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heapfloor::probe {
namespace {

TEST(ExactMath, TheLogarithmIsThatOfTheLibrary) {
  for (double x = 0x1p-53; x < 1e6; x *= 1.37)
    EXPECT_NEAR(natural_log(x), std::log(x), 1e-14 * std::max(1.0, std::abs(std::log(x)))) << x;
  EXPECT_EQ(natural_log(1), 0);
}

TEST(ExactMath, TheProbabilityIsThatOfTheLibraryForTheSmallestBlocksToo) {
  for (double x = 1e-9; x < 60; x *= 1.21)
    EXPECT_NEAR(one_minus_exp_minus(x) / -std::expm1(-x), 1, 1e-13) << x;
  EXPECT_EQ(one_minus_exp_minus(0), 0);
  EXPECT_EQ(one_minus_exp_minus(1e9), 1);
}

}  // namespace
}  // namespace heapfloor::probe
