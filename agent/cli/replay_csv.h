// Reads recorded series: CSV with a header line that names the columns.
//
// timestamp_seconds and value are required; epoch (count of compactions so far), limit (bytes) and
// load are optional; other columns are ignored. Lines that begin with '#' are comments, empty lines
// are skipped, an empty cell is unknown (a line without a value is a gap). Cells may be quoted as
// in RFC 4180, on one line. CRLF and a byte order mark are tolerated. Time and epoch never run
// backwards; numbers are finite, in decimal, and not negative.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "agent/external/block_reader.h"
#include "agent/external/replay_series.h"
#include "agent/trend/observation.h"
#include "collectors/result.h"

namespace heapfloor {

// Takes one line after the other; holds no text. Errors are ErrorKind::malformed with path
// "NAME:LINE", so that path + ": " + reason is what a user wants to read. After an error the parser
// must not be used any more.
class ReplayParser {
 public:
  explicit ReplayParser(std::string name) : name_(std::move(name)) {}

  // `line` without its line feed. Nothing for the header, comments, empty lines and gaps.
  Result<std::optional<Observation>> push_line(std::string_view line);

  // Call once after the last line: a file without a header is malformed.
  [[nodiscard]] Result<void> finish() const;

  static constexpr std::size_t kMaxLineBytes = 4096;
  static constexpr std::size_t kMaxColumns = 64;

 private:
  enum Column : std::uint8_t { timestamp, value, epoch, limit, load, ignored };
  using Cells = std::array<std::string_view, kMaxColumns>;

  [[nodiscard]] Result<std::size_t> split(std::string_view line, Cells& cells) const;
  Result<void> read_header(std::string_view line);
  Result<std::optional<Observation>> read_row(std::string_view line);
  [[nodiscard]] Result<std::optional<double>> read_number(std::string_view cell,
                                                          std::string_view column) const;
  Result<void> read_epoch(std::string_view cell, Observation& observation);
  [[nodiscard]] Failure malformed(std::string reason) const;

  std::string name_;
  std::array<Column, kMaxColumns> columns_ = {};
  std::size_t column_count_ = 0;
  std::uint64_t line_ = 0;
  ReadingOrder order_;
};

// A whole text. `name` is how errors call it.
Result<ReplaySeries> parse_replay(std::string_view text, std::string_view name);

// A stream, read in pieces; what is held is the readings, not the text.
Result<ReplaySeries> read_replay(std::istream& input, std::string_view name);
Result<ReplaySeries> read_replay(BlockReader& input, std::string_view name);

// A file, or standard input for "-".
Result<ReplaySeries> read_replay_file(const std::string& path);

}  // namespace heapfloor
