#include "agent/trend/tooth_growth.h"

#include <algorithm>
#include <cmath>

namespace heapfloor {
namespace {

constexpr double kUnit = 1024 * 1024;   // keeps squares within a float
constexpr float kKept = 1 - 1.0F / 64;  // of the weight of former teeth
constexpr double kMostWeight = 64;
constexpr float kLeastWeight = 7;  // of about eight teeth
constexpr double kMostSquares = 1e30;
// A deviation of floors below this share of their mean is rounding.
constexpr double kLeastSpread = 1e-3;

}  // namespace

void ToothGrowth::push(double floor, double height) {
  const auto f = static_cast<float>(floor / kUnit);
  const auto h = static_cast<float>(height / kUnit);
  weight_ = weight_ * kKept + 1;
  const float from_floor = f - floor_;
  const float from_height = h - height_;
  floor_ += from_floor / weight_;
  height_ += from_height / weight_;
  floor_squares_ = floor_squares_ * kKept + from_floor * (f - floor_);
  height_squares_ = height_squares_ * kKept + from_height * (h - height_);
  products_ = products_ * kKept + from_floor * (h - height_);
}

ToothGrowth::Estimate ToothGrowth::estimate() const {
  const auto weight = static_cast<double>(weight_);
  const auto squares = static_cast<double>(floor_squares_);
  const double spread = std::sqrt(std::max(0.0, squares) / std::max(1.0, weight));
  if (weight_ < kLeastWeight || !(spread > kLeastSpread * static_cast<double>(floor_))) return {};
  const auto products = static_cast<double>(products_);
  Estimate result;
  result.ratio = products / squares;
  const double rest = std::max(0.0, static_cast<double>(height_squares_) - result.ratio * products);
  result.deviation = std::sqrt(rest / (weight - 2) / squares);
  return result;
}

void ToothGrowth::save(ByteWriter& out) const {
  for (const float value : {weight_, floor_, height_, floor_squares_, height_squares_, products_})
    out.put(value);
}

bool ToothGrowth::restore(ByteReader& in) {
  weight_ = in.take_number<float>(0, kMostWeight + 1);
  floor_ = in.take_number<float>(-1, kMostValue);
  height_ = in.take_number<float>(-1, kMostValue);
  floor_squares_ = in.take_number<float>(0, kMostSquares);
  height_squares_ = in.take_number<float>(0, kMostSquares);
  products_ = in.take_number<float>(-kMostSquares, kMostSquares);
  if (in.failed()) clear();
  return !in.failed();
}

}  // namespace heapfloor
