#include "agent/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>

namespace heapfloor {
namespace {

struct LogState {
  std::atomic<LogLevel> level = LogLevel::info;
  std::atomic<LogFormat> format = LogFormat::logfmt;
  std::array<std::atomic<std::uint64_t>, kLogLevels> counts = {};
  std::shared_ptr<spdlog::logger> logger;

  LogState()
      : logger(std::make_shared<spdlog::logger>(
            "heapfloor", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    logger->set_level(spdlog::level::trace);
    use_format(LogFormat::logfmt);
  }

  void use_format(LogFormat chosen) {
    format = chosen;
    logger->set_pattern(chosen == LogFormat::logfmt ? "time=%Y-%m-%dT%H:%M:%S.%eZ %v"
                                                    : R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})",
                        spdlog::pattern_time_type::utc);
  }
};

LogState& state() {
  static LogState instance;
  return instance;
}

// Control characters, quotes, backslashes and all bytes above ASCII become escapes: a line stays
// one line and a terminal obeys nothing that a process wrote.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += character;
    }
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte > 0x20 && byte < 0x7f && character != '"' && character != '=' && character != '\\';
  });
}

}  // namespace

std::string_view log_level_name(LogLevel level) {
  constexpr std::array<std::string_view, kLogLevels> kNames = {"debug", "info", "warning", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::debug;
  if (text == "info") return LogLevel::info;
  if (text == "warn" || text == "warning") return LogLevel::warning;
  if (text == "error") return LogLevel::error;
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "logfmt") return LogFormat::logfmt;
  if (text == "json") return LogFormat::json;
  return std::nullopt;
}

LogField::LogField(std::string_view field_key, double number)
    : key(field_key), value(fmt::format("{:.6g}", number)) {}

LogField::LogField(std::string_view field_key, std::uint64_t number)
    : key(field_key), value(fmt::format("{}", number)) {}

std::string format_log_line(LogFormat format, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
  std::string line;
  const auto append = [&](std::string_view key, std::string_view value) {
    if (!line.empty()) line += format == LogFormat::logfmt ? ' ' : ',';
    if (format == LogFormat::json) {
      append_quoted(line, key);
      line += ':';
      append_quoted(line, value);
    } else {
      line += key;
      line += '=';
      is_plain(value) ? static_cast<void>(line += value) : append_quoted(line, value);
    }
  };
  append("level", log_level_name(level));
  append("msg", message);
  for (const LogField& field : fields) append(field.key, field.value);
  return line;
}

void configure_log(LogLevel level, LogFormat format) {
  state().level = level;
  state().use_format(format);
}

void log_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  LogState& log = state();
  ++log.counts.at(static_cast<std::size_t>(level));
  if (level < log.level.load()) return;
  log.logger->log(spdlog::level::info, "{}",
                  format_log_line(log.format.load(), level, message, fields));
  log.logger->flush();
}

std::array<std::uint64_t, kLogLevels> log_counts() {
  std::array<std::uint64_t, kLogLevels> counts = {};
  std::ranges::transform(state().counts, counts.begin(),
                         [](const auto& count) { return count.load(); });
  return counts;
}

}  // namespace heapfloor
