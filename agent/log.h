// The agent's log: logfmt (or JSON) lines on stderr. The only user of spdlog is log.cpp.
//
// Values are quoted and escaped, so that a hostile process name cannot forge a line. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace heapfloor {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
inline constexpr std::size_t kLogLevels = 4;
enum class LogFormat : std::uint8_t { logfmt, json };

std::string_view log_level_name(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view text);
std::optional<LogFormat> parse_log_format(std::string_view text);

struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, double number);
  LogField(std::string_view field_key, std::uint64_t number);
  std::string_view key;
  std::string value;
};

// Lines below `level` are counted but not written.
void configure_log(LogLevel level, LogFormat format);
void log_line(LogLevel level, std::string_view message,
              std::initializer_list<LogField> fields = {});

// Lines since the program started, by level, whether written or not.
std::array<std::uint64_t, kLogLevels> log_counts();

// One line as it would be written, without time: for tests.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields);

}  // namespace heapfloor
