// The statistics that published rules are made of. Unlike agent/trend/statistics.h for windows of
// any length; slow where the definition is.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace heapfloor::baseline {

struct Line {
  double slope = 0;
  double intercept = 0;
  double r_squared = 0;  // 0 of a constant series
};
// Least squares over points [first, last) of a series in O(1).
class Regression {
 public:
  Regression(std::span<const double> times, std::span<const double> values);
  [[nodiscard]] Line fit(std::size_t first, std::size_t last) const;

 private:
  struct Sums {
    double t = 0;
    double y = 0;
    double tt = 0;
    double ty = 0;
    double yy = 0;
  };
  std::vector<Sums> before_;  // of all points before each, around the means of the whole
  double mean_time_ = 0;
  double mean_value_ = 0;
};

// (S - sgn S) / sqrt(V) with tie-corrected variance; 0 of a constant series.
double mann_kendall_z(std::span<const double> values);
// The same with the variance inflated by significant autocorrelation (Hamed and Rao 1998), and
// whether Sen's slope is positive.
struct CorrectedTrend {
  double z = 0;
  double slope = 0;
};
CorrectedTrend hamed_rao(std::span<const double> times, std::span<const double> values);

}  // namespace heapfloor::baseline
