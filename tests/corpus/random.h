// A small seeded generator whose sequences never depend on the standard library.
#pragma once

#include <cmath>
#include <cstdint>

namespace heapfloor {

// xorshift64* (Vigna 2016), seeded through splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    std::uint64_t z = seed + 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    state_ = (z ^ (z >> 31)) | 1U;
  }

  double uniform() {  // in (0, 1)
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const std::uint64_t bits = (state_ * 0x2545F4914F6CDD1DU) >> 11;
    return (static_cast<double>(bits) + 0.5) / 9007199254740992.0;
  }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  double normal(double mean = 0, double sigma = 1) {  // Box and Muller, one of the pair
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return mean + sigma * radius * std::cos(6.283185307179586 * uniform());
  }

  double exponential(double mean) { return -mean * std::log(uniform()); }
  double gumbel(double scale) { return -scale * std::log(-std::log(uniform())); }

  // Student's t by Bailey's polar method (1994), for any degrees of freedom.
  double student_t(double degrees) {
    double u = 0;
    double w = 0;
    do {
      u = uniform(-1, 1);
      const double v = uniform(-1, 1);
      w = u * u + v * v;
    } while (w > 1 || w == 0);
    return u * std::sqrt(degrees * (std::pow(w, -2 / degrees) - 1) / w);
  }

 private:
  std::uint64_t state_;
};

}  // namespace heapfloor
