#include "agent/cli/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "agent/cli/chart_frame.h"
#include "agent/cli/human_text.h"
#include "agent/external/replay_series.h"

namespace heapfloor {
namespace {

template <class... Args>
void put(std::string& out, fmt::format_string<Args...> pattern, Args&&... args) {
  fmt::format_to(std::back_inserter(out), pattern, std::forward<Args>(args)...);
}

void put_line(std::string& out, std::string_view kind, double x1, double y1, double x2, double y2) {
  put(out, R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", kind, x1, y1,
      x2, y2);
}

void put_text(std::string& out, std::string_view kind, double x, double y, std::string_view anchor,
              std::string_view text) {
  put(out, R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", kind, x, y,
      anchor, text);
}

struct Drawing {
  const ChartSeries& series;
  ChartFrame frame;
  double newest;
  std::string out;
};

void put_axes(Drawing& drawing) {
  const ChartFrame& frame = drawing.frame;
  std::string& out = drawing.out;
  const ChartTicks rows = value_ticks(frame.low, frame.high, 6, drawing.series.counted.empty());
  for (const double value : rows.values) {
    const double y = frame.y(value);
    put_line(out, "grid", kPlotLeft, y, kPlotRight, y);
    put_text(out, "tick", kPlotLeft - 8, y + 4, "end",
             human_tick(value, rows.step, drawing.series.counted));
  }
  const ChartTicks columns = time_ticks(frame.start_seconds, frame.end_seconds, 11);
  for (const double time : columns.values) {
    const double x = frame.x(time);
    const bool is_day = columns.step >= 86400 || std::fmod(time, 86400) == 0;
    put_line(out, "tick-mark", x, kPlotBottom, x, kPlotBottom + 4);
    put_text(out, "tick", std::min(x, kChartWidth - 24), kPlotBottom + 18, "middle",
             is_day ? utc_day(time) : utc_clock(time, columns.step < 60));
  }
  put_line(out, "axis", kPlotLeft, kPlotBottom, kPlotRight, kPlotBottom);
  if (frame.low <= 0) return;
  // A broken axis is said and drawn: nobody should take a rise of 5 % for a doubling.
  put(out, R"(<path class="axis-break" d="M{} {}l0 -4 l4 -2 l-8 -4 l4 -2 l0 -4"/>)", kPlotLeft,
      kPlotBottom);
  put_text(out, "tick", kPlotLeft + 8, kPlotBottom - 6, "start", "axis does not begin at 0");
}

void put_run(std::string& out, const ChartFrame& frame, const ChartPoint* first,
             const ChartPoint* last) {
  if (last - first == 1) {
    put(out, R"(<circle class="point" cx="{:.1f}" cy="{:.1f}" r="1.5"/>)",
        frame.x(first->time_seconds), frame.y(first->maximum));
    return;
  }
  std::string upper;
  for (const ChartPoint* point = first; point != last; ++point) {
    put(upper, "{}{:.1f} {:.1f}", point == first ? 'M' : 'L', frame.x(point->time_seconds),
        frame.y(point->maximum));
  }
  std::string lower;
  bool is_band = false;
  for (const ChartPoint* point = last; point != first;) {
    --point;
    is_band = is_band || point->minimum < point->maximum;
    put(lower, "L{:.1f} {:.1f}", frame.x(point->time_seconds), frame.y(point->minimum));
  }
  if (is_band) put(out, R"(<path class="band" d="{}{}Z"/>)", upper, lower);
  put(out, R"(<path class="raw" d="{}"/>)", upper);
}

void put_readings(Drawing& drawing) {
  const std::vector<ChartPoint>& points = drawing.series.points;
  const ChartPoint* first = points.data();
  const ChartPoint* const end = first + points.size();
  while (first != end) {
    const ChartPoint* const last =
        std::find_if(first + 1, end, [](const ChartPoint& point) { return point.begins_run; });
    put_run(drawing.out, drawing.frame, first, last);
    first = last;
  }
}

void put_floors(Drawing& drawing) {
  constexpr std::size_t kMost = 240;
  const std::vector<Floor>& floors = drawing.series.floors;
  const std::size_t stride = floors.size() / kMost + 1;
  for (std::size_t i = 0; i < floors.size(); ++i) {
    if ((floors.size() - 1 - i) % stride != 0) continue;
    put(drawing.out, R"(<circle class="floor" cx="{:.1f}" cy="{:.1f}" r="3.2"/>)",
        drawing.frame.x(floors[i].time_seconds), drawing.frame.y(floors[i].value));
  }
}

void put_fit(Drawing& drawing) {
  const ChartFrame& frame = drawing.frame;
  if (!drawing.series.line) return;
  const ChartLine& line = *drawing.series.line;
  const double x = frame.x(line.end_seconds);
  const double y = frame.y(line.end_value);
  if (frame.shows_future(line.end_seconds)) {
    const double ahead = frame.end_seconds - line.end_seconds;
    const auto end_y = [&](double rate) { return frame.y(line.end_value + rate * ahead); };
    put(drawing.out,
        R"(<path class="cone" d="M{0:.1f} {1:.1f}L{2:.1f} {3:.1f}L{2:.1f} {4:.1f}Z"/>)", x, y,
        kPlotRight, end_y(line.growth.high), end_y(line.growth.low));
    put_line(drawing.out, "forecast", x, y, kPlotRight, end_y(line.growth.estimate));
  }
  put_line(drawing.out, "line", frame.x(line.start_seconds),
           frame.y(line_at(line, line.start_seconds)), x, y);
}

void put_limit(Drawing& drawing) {
  if (!drawing.series.limit) return;
  const double limit = *drawing.series.limit;
  const std::string amount = human_amount(limit, drawing.series.counted);
  if (limit > drawing.frame.high) {
    put_text(drawing.out, "limit-label", kPlotRight, kPlotTop + 12, "end",
             fmt::format("\u2191 limit {}, above this view", amount));
    return;
  }
  const double y = drawing.frame.y(limit);
  put_line(drawing.out, "limit-line", kPlotLeft, y, kPlotRight, y);
  put_text(drawing.out, "limit-label", kPlotLeft + 6, y - 6, "start", "limit " + amount);
}

// On the limit: when it is met, with the interval as a whisker.
void put_exhaustion(Drawing& drawing) {
  const ChartFrame& frame = drawing.frame;
  const std::optional<Exhaustion>& exhaustion = drawing.series.exhaustion;
  if (!exhaustion || !drawing.series.limit || *drawing.series.limit > frame.high) return;
  const double y = frame.y(*drawing.series.limit);
  const std::string moment = utc_minute(exhaustion->at_seconds);
  if (exhaustion->at_seconds > frame.end_seconds) {
    put_text(drawing.out, "exhaustion-label", kPlotRight, y + 18, "end",
             fmt::format("met {} \u2192", moment));
    return;
  }
  const double from = std::max(frame.x(exhaustion->earliest_seconds), kPlotLeft);
  const double to = exhaustion->latest_seconds
                        ? std::min(frame.x(*exhaustion->latest_seconds), kPlotRight)
                        : kPlotRight;
  put_line(drawing.out, "whisker", from, y, std::max(from, to), y);
  const double x = frame.x(exhaustion->at_seconds);
  put(drawing.out, R"(<path class="cross" d="M{:.1f} {:.1f}l10 10m0 -10l-10 10"/>)", x - 5, y - 5);
  const bool is_right = x > kPlotRight - 60;
  put_text(drawing.out, "exhaustion-label", is_right ? kPlotRight : x, y + 20,
           is_right ? "end" : "middle", moment);
}

// Placed from the newest back: where there is no room, in two rows, the older ones lose their word,
// then their mark; the line stays.
void put_changes(Drawing& drawing) {
  constexpr std::array<double, 2> kRows = {18, 34};
  std::array<double, 2> taken = {kChartWidth, kChartWidth};
  const std::vector<StateChange>& changes = drawing.series.changes;
  for (std::size_t i = changes.size(); i-- > 0;) {
    const StateChange& change = changes[i];
    const double x = drawing.frame.x(change.time_seconds);
    if (x < kPlotLeft || x > kPlotRight) continue;
    const std::string_view word = leak_state_name(change.state);
    const double word_width = 16 + 7.2 * static_cast<double>(word.size());
    const auto find_row = [&](double width) {
      return std::ranges::find_if(taken, [&](double edge) { return x + width < edge; });
    };
    auto* row = find_row(word_width);
    const bool with_word = row != taken.end();
    if (!with_word) row = find_row(8);
    const double y =
        row == taken.end() ? kPlotTop : kRows.at(static_cast<std::size_t>(row - taken.begin()));
    put(drawing.out, R"(<g class="change change-{}">)", word);
    put_line(drawing.out, "change-line", x, y + 3, x, kPlotBottom);
    if (row != taken.end()) {
      put(drawing.out, R"(<svg x="{:.1f}" y="{:.1f}" width="11" height="11" viewBox="0 0 16 16">)",
          x - 5.5, y - 9.5);
      drawing.out += svg_state_icon(change.state) + "</svg>";
      if (with_word) put_text(drawing.out, "change-word", x + 9, y, "start", word);
      *row = x - 8;
    }
    drawing.out += "</g>";
  }
}

void put_end_of_readings(Drawing& drawing) {
  if (!drawing.frame.shows_future(drawing.newest)) return;
  const double x = drawing.frame.x(drawing.newest);
  put_line(drawing.out, "now-line", x, kPlotTop, x, kPlotBottom);
  put_text(drawing.out, "now-label", x + 5, kPlotBottom - 6, "start", "last reading");
}

// What the chart shows, for those who do not see it.
std::string description(const ChartSeries& series) {
  if (series.points.empty()) return "Chart: no readings.";
  const ChartPoint& first = series.points.front();
  const ChartPoint& last = series.points.back();
  std::string text = fmt::format("Readings from {} to {} UTC: {} at first, {} at last.",
                                 utc_minute(first.time_seconds), utc_minute(last.time_seconds),
                                 human_amount(first.maximum, series.counted),
                                 human_amount(last.maximum, series.counted));
  if (!series.floors.empty()) {
    put(text, " {} floors, from {} to {}.", series.floors.size(),
        human_amount(series.floors.front().value, series.counted),
        human_amount(series.floors.back().value, series.counted));
  }
  if (series.line) {
    const HumanGrowth growth = human_growth(series.line->growth, series.counted);
    put(text, " Fitted growth {}, interval {}.", growth.value, growth.interval);
  }
  if (series.limit) put(text, " Limit {}.", human_amount(*series.limit, series.counted));
  if (series.exhaustion)
    put(text, " Predicted to meet it {} UTC.", utc_minute(series.exhaustion->at_seconds));
  return text;
}

}  // namespace

ReadingThinner::ReadingThinner(double column_seconds, double spacing_seconds, std::size_t most)
    : column_seconds_(column_seconds), spacing_seconds_(spacing_seconds), most_(most) {}

double ReadingThinner::column_of(double time_seconds) const {
  return std::floor((time_seconds - start_seconds_) / column_seconds_);
}

double ReadingThinner::gap_seconds() const {
  constexpr double kGapSpacings = 3.5;
  return std::max(kGapSpacings * spacing_seconds_, 2 * column_seconds_);
}

void ReadingThinner::add(const Observation& reading) {
  constexpr double kLargest = 9223372036854775808.0;  // 2^63, as the detector
  if (!std::exchange(has_start_, true)) start_seconds_ = last_seconds_ = reading.time_seconds;
  if (reading.value > kLargest) return;
  const double column = column_of(reading.time_seconds);
  const bool begins = points_.empty() || reading.time_seconds - last_seconds_ > gap_seconds();
  if (begins || column != last_column_) {
    points_.push_back({reading.time_seconds, reading.value, reading.value, begins});
  } else {
    ChartPoint& point = points_.back();
    if (!point.begins_run) point.time_seconds = reading.time_seconds;
    point.minimum = std::min(point.minimum, reading.value);
    point.maximum = std::max(point.maximum, reading.value);
  }
  last_column_ = column;
  last_seconds_ = reading.time_seconds;
  if (points_.size() > most_) widen();
}

// Gaps that are less than two columns by now are not drawn.
void ReadingThinner::widen() {
  column_seconds_ *= 2;
  std::vector<ChartPoint> wider;
  wider.reserve(points_.size());
  double before_seconds = start_seconds_;
  for (ChartPoint& point : points_) {
    point.begins_run =
        point.begins_run && (wider.empty() || point.time_seconds - before_seconds > gap_seconds());
    before_seconds = point.time_seconds;
    if (wider.empty() || point.begins_run ||
        column_of(point.time_seconds) != column_of(wider.back().time_seconds)) {
      wider.push_back(point);
      continue;
    }
    ChartPoint& into = wider.back();
    if (!into.begins_run) into.time_seconds = point.time_seconds;
    into.minimum = std::min(into.minimum, point.minimum);
    into.maximum = std::max(into.maximum, point.maximum);
  }
  points_ = std::move(wider);
  last_column_ = column_of(last_seconds_);
}

ReadingThinner thinner_for(const std::vector<Observation>& readings, std::size_t columns) {
  const double span =
      readings.empty() ? 0 : readings.back().time_seconds - readings.front().time_seconds;
  return {span > 0 ? span / static_cast<double>(columns) : 1, median_spacing_seconds(readings),
          SIZE_MAX};
}

std::vector<ChartPoint> thin_readings(const std::vector<Observation>& readings,
                                      std::size_t columns) {
  ReadingThinner thinner = thinner_for(readings, columns);
  for (const Observation& reading : readings) thinner.add(reading);
  return thinner.take();
}

std::string svg_state_icon(LeakState state) {
  constexpr std::array<std::array<std::string_view, 2>, kLeakStates> kShapes = {{
      {"", "M8 2a6 6 0 1 1-.01 0M8 5v3.2l2.2 1.4"},            // learning
      {"", "M8 2a6 6 0 1 1-.01 0M5.2 8.2 7.2 10.2 10.8 6.2"},  // stable
      {"M8 1 15 8 8 15 1 8Z", "M8 5v3.6M8 10.4v.2"},           // suspected
      {"M8 1.6 15 14H1Z", "M8 6v4M8 11.6v.2"},                 // leaking
      {"M1 2.4h14L8 14.6Z", ""},                               // recovering
  }};
  const auto& [solid, line] = kShapes.at(static_cast<std::size_t>(state));
  std::string out;
  if (!solid.empty()) put(out, R"(<path class="icon-solid" d="{}"/>)", solid);
  if (!line.empty())
    put(out, R"(<path class="{}" d="{}"/>)", solid.empty() ? "icon-line" : "icon-cut", line);
  return out;
}

std::string svg_chart(const ChartSeries& series) {
  Drawing drawing{series, chart_frame(series), newest_seconds(series), {}};
  put(drawing.out, R"(<svg class="chart-svg" role="img" viewBox="0 0 {} {}" aria-label="{}">)",
      kChartWidth, kChartHeight, description(series));
  put_axes(drawing);
  put_end_of_readings(drawing);
  // A view of its own cuts off what lies outside the plot.
  const auto open_view = [&](double top) {
    put(drawing.out,
        R"(<svg x="{0:.1f}" y="{1:.1f}" width="{2:.1f}" height="{3:.1f}" viewBox="{0:.1f} {1:.1f} {2:.1f} {3:.1f}">)",
        kPlotLeft, top, kPlotRight - kPlotLeft, std::max(1.0, kPlotBottom - top));
  };
  open_view(kPlotTop - 4);
  put_readings(drawing);
  drawing.out += "</svg>";
  // Nothing lives above its limit, so neither does the forecast.
  const bool is_cut = series.limit && series.line && *series.limit > series.line->end_value;
  const double limit_y = drawing.frame.y(is_cut ? *series.limit : drawing.frame.high);
  open_view(std::clamp(limit_y, kPlotTop - 4, kPlotBottom - 1));
  put_fit(drawing);
  drawing.out += "</svg>";
  open_view(kPlotTop - 4);
  put_floors(drawing);
  drawing.out += "</svg>";
  put_changes(drawing);
  put_limit(drawing);
  put_exhaustion(drawing);
  drawing.out += "</svg>";
  return drawing.out;
}

}  // namespace heapfloor
