// Two functions of mathematics without the library of it, which would come into every program that
// the probe is loaded into.
#pragma once

#include <bit>
#include <cstdint>

namespace heapfloor::probe {

inline constexpr double kLogOf2 = 0.693147180559945309417;

// Natural logarithm of a positive normal number; relative error below 1e-14.
constexpr double natural_log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  auto mantissa = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), |argument| < 0.172.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double square = s * s;
  double sum = 0;
  for (int k = 19; k >= 1; k -= 2) sum = (sum * square) + (1.0 / k);
  return (exponent * kLogOf2) + (2 * s * sum);
}

// 1 - exp(-x) for x >= 0, exact for small x too; relative error below 1e-13.
constexpr double one_minus_exp_minus(double x) {
  if (x > 40) return 1;
  if (x < 0.5) {
    // x - x^2/2! + x^3/3! - …
    double sum = 0;
    for (int k = 16; k >= 1; --k) sum = (1 - sum) * x / k;
    return sum;
  }
  const auto halvings = static_cast<int>(x / kLogOf2);
  const double rest =
      x - (halvings * kLogOf2);  // exp(-x) = exp(-rest) / 2^halvings, 0 <= rest < 0.7
  double sum = 1;
  for (int k = 18; k >= 1; --k) sum = 1 - (sum * rest / k);
  return 1 - (sum / static_cast<double>(1ULL << static_cast<unsigned>(halvings)));
}

}  // namespace heapfloor::probe
