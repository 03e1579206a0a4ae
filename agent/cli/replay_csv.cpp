#include "agent/cli/replay_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <utility>

namespace heapfloor {
namespace {

constexpr std::array<std::string_view, 5> kColumnNames = {"timestamp_seconds", "value", "epoch",
                                                          "limit", "load"};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Cuts `text` into lines for the parser, keeping at most one unfinished line.
class LineFeeder {
 public:
  LineFeeder(std::string_view name, ReplaySeries& series)
      : parser_(std::string(name)), series_(series) {}

  Result<void> push(std::string_view piece) {
    while (!piece.empty()) {
      const auto end = piece.find('\n');
      if (end == std::string_view::npos) {
        // One byte more than a line may have is enough for the parser to refuse it.
        const std::size_t room = ReplayParser::kMaxLineBytes + 2 -
                                 std::min(rest_.size(), ReplayParser::kMaxLineBytes + 2);
        rest_.append(piece.substr(0, room));
        return {};
      }
      std::string_view line = piece.substr(0, end);
      piece.remove_prefix(end + 1);
      if (!rest_.empty()) {
        rest_.append(line);
        line = rest_;
      }
      Result<void> taken = take(line);
      rest_.clear();
      if (!taken) {
        return taken;
      }
    }
    return {};
  }

  Result<void> finish() {
    if (!rest_.empty()) {
      if (Result<void> taken = take(rest_); !taken) {
        return taken;
      }
    }
    return parser_.finish();
  }

 private:
  Result<void> take(std::string_view line) {
    Result<std::optional<Observation>> parsed = parser_.push_line(line);
    if (!parsed) {
      return Failure(parsed.error());
    }
    if (const std::optional<Observation>& observation = *parsed) {
      series_.add(*observation);
    }
    return {};
  }

  ReplayParser parser_;
  ReplaySeries& series_;
  std::string rest_;
};

}  // namespace

Failure ReplayParser::malformed(std::string reason) const {
  return failure(ErrorKind::malformed,
                 name_ + ":" + std::to_string(std::max<std::uint64_t>(line_, 1)),
                 std::move(reason));
}

Result<std::size_t> ReplayParser::split(std::string_view line, Cells& cells) const {
  std::size_t count = 0;
  while (true) {
    if (count == cells.size()) {
      return malformed("more than " + std::to_string(cells.size()) + " cells");
    }
    line = line.substr(std::min(line.size(), line.find_first_not_of(" \t")));
    std::size_t end = 0;
    if (!line.empty() && line.front() == '"') {
      const auto closing = line.find('"', 1);
      if (closing == std::string_view::npos) {
        return malformed("a quoted cell does not end on its line");
      }
      // A doubled quote never occurs in a number or a column's name, so it is left to fail there.
      cells[count++] = trimmed(line.substr(1, closing - 1));
      end = line.find_first_not_of(" \t", closing + 1);
      if (end != std::string_view::npos && line[end] != ',') {
        return malformed("text after the closing quote of a cell");
      }
    } else {
      end = line.find(',');
      cells[count++] = trimmed(line.substr(0, end));
    }
    if (end == std::string_view::npos) {
      return count;
    }
    line.remove_prefix(end + 1);
  }
}

Result<void> ReplayParser::read_header(std::string_view line) {
  Cells cells;
  const Result<std::size_t> count = split(line, cells);
  if (!count) {
    return Failure(count.error());
  }
  std::array<bool, kColumnNames.size()> seen = {};
  for (std::size_t i = 0; i < *count; ++i) {
    const auto name = std::find(kColumnNames.begin(), kColumnNames.end(), cells[i]);
    const auto column = static_cast<std::size_t>(name - kColumnNames.begin());
    columns_[i] = static_cast<Column>(column);
    if (name == kColumnNames.end()) {
      continue;
    }
    if (seen[column]) {
      return malformed("column " + std::string(*name) + " is named twice");
    }
    seen[column] = true;
  }
  for (const Column required : {timestamp, value}) {
    if (!seen[required]) {
      return malformed("the header names no column " + std::string(kColumnNames[required]));
    }
  }
  column_count_ = *count;
  return {};
}

Result<std::optional<double>> ReplayParser::read_number(std::string_view cell,
                                                        std::string_view column) const {
  if (cell.empty()) {
    return std::optional<double>();
  }
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(number)) {
    return malformed(std::string(column) + " is not a finite number: " + shown_piece(cell));
  }
  if (number < 0) {
    return malformed(std::string(column) + " is negative: " + shown_piece(cell));
  }
  return std::optional<double>(number);
}

Result<void> ReplayParser::read_epoch(std::string_view cell, Observation& observation) {
  if (cell.empty()) {
    return {};
  }
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), count);
  if (error != std::errc() || end != cell.data() + cell.size()) {
    return malformed("epoch is not a whole number: " + shown_piece(cell));
  }
  if (std::string reason = order_.take_epoch(count); !reason.empty()) {
    return malformed(std::move(reason));
  }
  observation.epoch = count;
  return {};
}

Result<std::optional<Observation>> ReplayParser::read_row(std::string_view line) {
  Cells cells;
  const Result<std::size_t> count = split(line, cells);
  if (!count) {
    return Failure(count.error());
  }
  if (*count != column_count_) {
    return malformed(std::to_string(*count) + " cells where the header names " +
                     std::to_string(column_count_) + " columns");
  }
  Observation observation;
  std::array<std::optional<double>, kColumnNames.size()> numbers;
  for (std::size_t i = 0; i < *count; ++i) {
    const Column column = columns_[i];
    if (column == epoch) {
      if (const Result<void> read = read_epoch(cells[i], observation); !read) {
        return Failure(read.error());
      }
    } else if (column != ignored) {
      const Result<std::optional<double>> number = read_number(cells[i], kColumnNames[column]);
      if (!number) {
        return Failure(number.error());
      }
      numbers[column] = *number;
    }
  }
  if (!numbers[timestamp]) {
    return malformed("timestamp_seconds is empty");
  }
  observation.time_seconds = *numbers[timestamp];
  if (std::string reason = order_.take_time(observation.time_seconds); !reason.empty()) {
    return malformed(std::move(reason));
  }
  if (!numbers[value]) {
    return std::optional<Observation>();
  }
  if (std::string reason = order_.count_reading(); !reason.empty()) {
    return malformed(std::move(reason));
  }
  observation.value = *numbers[value];
  observation.limit = numbers[limit];
  observation.load = numbers[load];
  return std::optional<Observation>(observation);
}

Result<std::optional<Observation>> ReplayParser::push_line(std::string_view line) {
  ++line_;
  if (line.size() > kMaxLineBytes) {
    return malformed("line is longer than " + std::to_string(kMaxLineBytes) + " bytes");
  }
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line_ == 1 && line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (trimmed(line).empty() || line.front() == '#') {
    return std::optional<Observation>();
  }
  if (column_count_ > 0) {
    return read_row(line);
  }
  if (const Result<void> header = read_header(line); !header) {
    return Failure(header.error());
  }
  return std::optional<Observation>();
}

Result<void> ReplayParser::finish() const {
  if (column_count_ == 0) {
    return malformed("no header line");
  }
  return {};
}

Result<ReplaySeries> parse_replay(std::string_view text, std::string_view name) {
  ReplaySeries series;
  LineFeeder feeder(name, series);
  if (const Result<void> pushed = feeder.push(text); !pushed) {
    return Failure(pushed.error());
  }
  if (const Result<void> finished = feeder.finish(); !finished) {
    return Failure(finished.error());
  }
  return series;
}

Result<ReplaySeries> read_replay(std::istream& input, std::string_view name) {
  BlockReader blocks(input);
  return read_replay(blocks, name);
}

Result<ReplaySeries> read_replay(BlockReader& input, std::string_view name) {
  ReplaySeries series;
  LineFeeder feeder(name, series);
  for (std::string_view block = input.take(); !block.empty(); block = input.take()) {
    if (const Result<void> pushed = feeder.push(block); !pushed) {
      return Failure(pushed.error());
    }
  }
  if (input.failed()) {
    return failure(ErrorKind::io, std::string(name), "cannot be read");
  }
  if (const Result<void> finished = feeder.finish(); !finished) {
    return Failure(finished.error());
  }
  return series;
}

Result<ReplaySeries> read_replay_file(const std::string& path) {
  if (path == "-") {
    return read_replay(std::cin, path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return failure(ErrorKind::unavailable, path, "cannot be opened");
  }
  return read_replay(file, path);
}

}  // namespace heapfloor
