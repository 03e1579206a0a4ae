// Durations and sizes as people write them in the configuration: 15s, 2h, 30d; 512MiB, 1GB, 4096.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heapfloor {

// Seconds; units ms, s, m, h, d, w, and sequences of them (1h30m). No sign, no blank, no bare
// number except 0.
std::optional<double> parse_duration(std::string_view text);
std::string format_duration(double seconds);

// Bytes; units B, kB, MB, GB, TB (powers of 1,000), KiB, MiB, GiB, TiB (powers of 1,024); a bare
// number is bytes.
std::optional<double> parse_size(std::string_view text);
std::string format_size(double bytes);

// Unix seconds; 2026-01-31T12:00:00Z, with a fraction or another offset (RFC 3339, the years 1970
// to 9999), or the number itself.
std::optional<double> parse_time(std::string_view text);

}  // namespace heapfloor
