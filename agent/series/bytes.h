// Bytes: how state is written down and read back, little-endian and without padding.
//
// What is read may be damaged or hostile: a ByteReader is total. It checks every step, turns
// `failed` at the first thing that does not fit, and from then on gives zeros. Nothing that it
// returns can be out of the range that was asked for. Not thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace heapfloor {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

class ByteWriter {
 public:
  // Appends to `out`, which outlives the writer.
  explicit ByteWriter(std::string& out) : out_(&out) {}

  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void put(T value) {
    const auto raw = std::bit_cast<std::array<char, sizeof(T)>>(value);
    out_->append(raw.data(), raw.size());
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  // At most 65535 bytes; the rest is cut.
  void put_text(std::string_view text) {
    const std::string_view kept = text.substr(0, 65535);
    put(static_cast<std::uint16_t>(kept.size()));
    out_->append(kept);
  }
  // Whole, up to 4 GiB.
  void put_bytes(std::string_view bytes) {
    put(static_cast<std::uint32_t>(bytes.size()));
    out_->append(bytes);
  }

 private:
  std::string* out_;
};

class ByteReader {
 public:
  // The bytes outlive the reader.
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) [[nodiscard]] T take() {
    return take_raw<T>();
  }
  template <class T>
  requires std::is_integral_v<T>
  [[nodiscard]] T take_at_most(T most) {
    const T value = take_raw<T>();
    return require(value <= most) ? value : T{};
  }
  [[nodiscard]] bool take_flag() { return take_at_most<std::uint8_t>(1) == 1; }
  // A number between `low` and `high`; NaN and infinities never are.
  template <class T>
  requires std::is_floating_point_v<T>
  [[nodiscard]] T take_number(double low, double high) {
    const T value = take_raw<T>();
    const auto wide = static_cast<double>(value);
    return require(std::isfinite(wide) && wide >= low && wide <= high) ? value : T{};
  }
  // Any bits.
  template <class T>
  requires std::is_floating_point_v<T>
  [[nodiscard]] T take_any() { return take_raw<T>(); }
  template <class T>
  requires std::is_floating_point_v<T>
  [[nodiscard]] std::optional<T> take_optional(double low, double high) {
    if (!take_flag()) return std::nullopt;
    return take_number<T>(low, high);
  }
  // One of the first `values` enumerators.
  template <class E>
  requires std::is_enum_v<E>
  [[nodiscard]] E take_enum(std::size_t values) {
    using Raw = std::underlying_type_t<E>;
    const Raw raw = take_raw<Raw>();
    return require(static_cast<std::size_t>(raw) < values) ? static_cast<E>(raw) : E{};
  }
  [[nodiscard]] std::string take_text(std::size_t most) {
    const std::size_t size = take_raw<std::uint16_t>();
    if (!require(size <= most && size <= rest_.size())) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  [[nodiscard]] std::string take_bytes(std::size_t most) {
    const std::size_t size = take_raw<std::uint32_t>();
    if (!require(size <= most && size <= rest_.size())) return {};
    std::string bytes(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return bytes;
  }

  // Fails unless `holds`; returns whether nothing has failed so far.
  bool require(bool holds) {
    failed_ = failed_ || !holds;
    return !failed_;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  // Nothing failed and nothing is left over.
  [[nodiscard]] bool finished() const { return !failed_ && rest_.empty(); }

 private:
  template <class T>
  T take_raw() {
    T value{};
    if (!require(rest_.size() >= sizeof(T))) return value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Ranges that nothing real exceeds: bytes (or counts) of a value, and seconds on the steady axis.
inline constexpr double kMostValue = 1e19;
inline constexpr double kMostSeconds = 1e12;

}  // namespace heapfloor
