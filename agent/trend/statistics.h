// Robust statistics on one short window of floors: a few microseconds each, no allocation.
//
// Pure and total: spans of equal length, at most kMaxWindow long, finite values; an empty or
// degenerate window gives zeros, never undefined behaviour. Times are seconds, strictly increasing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace heapfloor {

// No window is longer: it bounds the work arrays, which live on the stack.
inline constexpr std::size_t kMaxWindow = 64;

// Median; the mean of the two middle values of an even count. 0 when empty.
double median(std::span<const double> values);

// The same of values whose order does not matter any more: any number of them. The value at n/2
// then lies there, none before it is larger and none behind it smaller.
double median_in_place(std::span<double> values);

// Standard deviation estimated by 1.4826 times the median absolute deviation from the median.
double robust_sigma(std::span<const double> values);

// The value at fraction `q` of the sorted values, interpolated linearly between neighbours.
double quantile(std::span<const double> values, double q);

// S = sum of sgn(y_j - y_i) over i < j, and its variance under "no trend" corrected for ties
// (Mann 1945; Kendall 1975).
struct MannKendall {
  std::int64_t s = 0;
  double variance = 0;
};
MannKendall mann_kendall(std::span<const double> values);

// (S - sgn S) / sqrt(V): what Z would be without autocorrelation, which can only lower it.
double uncorrected_z(const MannKendall& kendall);

// Whether a Mann-Kendall S of 5 to 7 points is significant at one-sided p <= 0.01 by the exact
// distribution. Fewer points never are; 8 and more belong to the normal approximation and answer
// false here.
bool exact_trend(std::size_t points, std::int64_t s);

// Inflation of the Mann-Kendall variance by autocorrelation, from the ranks of the series without
// its slope (Hamed and Rao 1998). Lag 1 always counts, longer lags below n/3 when significant at 5
// %. Never below 1: negative correlation must not sharpen a test.
double hamed_rao_factor(std::span<const double> times, std::span<const double> values,
                        double slope);

// Theil-Sen slope (value per second) with the interval that contains it when S may differ by
// `spread` from 0.
struct SlopeEstimate {
  double slope = 0;
  double low = 0;
  double high = 0;
};
SlopeEstimate theil_sen(std::span<const double> times, std::span<const double> values,
                        double spread);

// All of the above for one window: z = (S - sgn S) / sqrt(V f), slope interval from z_interval *
// sqrt(V f).
struct Trend {
  double z = 0;
  double slope = 0;
  double low = 0;
  double high = 0;
  double factor = 1;
};
// `kendall` is that of the same values.
Trend fit_trend(std::span<const double> times, std::span<const double> values,
                const MannKendall& kendall, double z_interval);

// The largest rise that was later undone: a wave that the series is known to make. Of every value
// the lesser of its rise above the lowest before it and its fall to the lowest after it.
double largest_undone_rise(std::span<const double> values);

// One-sided p of a standard normal z.
double normal_tail(double z);

}  // namespace heapfloor
