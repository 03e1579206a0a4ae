#include "tests/corpus/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/series/point.h"
#include "tests/corpus/scoring.h"
#include "tests/corpus/text_format.h"

namespace heapfloor {
namespace {

constexpr double kMiB = 1024.0 * 1024;
constexpr int kLeft = 70;
constexpr int kTop = 34;
constexpr int kWidth = 860;
constexpr int kHeight = 260;
constexpr int kBandTop = kTop + kHeight + 26;
constexpr int kBandHeight = 16;
constexpr int kPageWidth = kLeft + kWidth + 20;
constexpr int kPageHeight = kBandTop + kBandHeight + 40;
constexpr double kLimitShownBelow = 2;  // times the highest reading

// Dark enough on white for either kind of colour blindness, by LeakState.
constexpr std::array<std::string_view, kLeakStates> kStateColours = {
    "#bdbdbd", "#a6cee3", "#fdae61", "#b2182b", "#8073ac"};

struct Span {
  LeakState state = LeakState::learning;
  double from_seconds = 0;
  double to_seconds = 0;
};

struct Watched {
  std::vector<Span> spans;
  std::vector<Floor> floors;
};

Watched watch_to_the_end(const LabelledSeries& series, const TrendPolicy& policy) {
  Watched watched;
  follow(series, policy,
         [&](const Observation& observation, LeakState state, const Detector& detector) {
           const double now = observation.time_seconds;
           if (watched.spans.empty() || watched.spans.back().state != state) {
             watched.spans.push_back({state, now, now});
           }
           watched.spans.back().to_seconds = now;
           if (&observation == &series.observations.back()) {
             watched.floors = detector.floors();
           }
           return true;
         });
  return watched;
}

class Picture {
 public:
  Picture(const LabelledSeries& series, const Watched& watched)
      : series_(series), watched_(watched) {
    first_ = series.observations.front().time_seconds;
    last_ = std::max(series.observations.back().time_seconds, first_ + 1);
    for (const Observation& observation : series.observations) {
      top_ = std::max(top_, observation.value);
    }
    limit_ = series.observations.front().limit;
    limit_shown_ = limit_ && *limit_ <= kLimitShownBelow * top_;
    top_ = 1.05 * (limit_shown_ ? std::max(top_, *limit_) : top_);
  }

  std::string draw(std::string_view title) {
    print(out_,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
          "font-family=\"sans-serif\" font-size=\"11\">\n"
          "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
          kPageWidth, kPageHeight, kPageWidth);
    print(out_, "<text x=\"%d\" y=\"18\" font-size=\"13\">%.*s</text>\n", kLeft,
          static_cast<int>(title.size()), title.data());
    axes();
    readings();
    floors();
    marks();
    states();
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  [[nodiscard]] double x(double seconds) const {
    return kLeft + kWidth * (seconds - first_) / (last_ - first_);
  }
  [[nodiscard]] double y(double bytes) const { return kTop + kHeight * (1 - bytes / top_); }

  void line(double x1, double y1, double x2, double y2, const char* style) {
    print(out_, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
          style);
  }

  void axes() {
    constexpr int kTicks = 4;
    for (int i = 0; i <= kTicks; ++i) {
      const double bytes = top_ * i / kTicks;
      line(kLeft, y(bytes), kLeft + kWidth, y(bytes), "stroke=\"#eee\"");
      print(out_, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f MiB</text>\n", kLeft - 6,
            y(bytes) + 4, bytes / kMiB);
      const double seconds = first_ + (last_ - first_) * i / kTicks;
      print(out_, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f h</text>\n", x(seconds),
            kTop + kHeight + 16, seconds / 3600);
    }
  }

  // Lowest and highest reading of every column of pixels.
  void readings() {
    std::vector<std::pair<double, double>> columns(kWidth,
                                                   {std::numeric_limits<double>::infinity(), -1});
    for (const Observation& observation : series_.observations) {
      const auto column = std::min<std::size_t>(
          kWidth - 1, static_cast<std::size_t>(x(observation.time_seconds) - kLeft));
      columns[column].first = std::min(columns[column].first, observation.value);
      columns[column].second = std::max(columns[column].second, observation.value);
    }
    out_ += R"(<path stroke="#6b8fb5" fill="none" d=")";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].second >= 0) {
        print(out_, "M%zu.5 %.1fV%.1f", kLeft + i, y(columns[i].first) + 0.5,
              y(columns[i].second) - 0.5);
      }
    }
    out_ += "\"/>\n";
  }

  void floors() {
    for (const Floor& floor : watched_.floors) {
      print(out_, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"#111\"/>\n",
            x(floor.time_seconds), y(floor.value));
    }
  }

  void marks() {
    if (limit_shown_) {
      line(kLeft, y(*limit_), kLeft + kWidth, y(*limit_), R"(stroke="#b2182b")");
    }
    print(out_, R"(<text x="%d" y="18" text-anchor="end">)", kLeft + kWidth);
    if (limit_) {
      print(out_, "limit %.0f MiB", *limit_ / kMiB);
    } else {
      out_ += "no limit";
    }
    out_ += "</text>\n";
    if (series_.leaks) {
      line(x(series_.onset_seconds), kTop, x(series_.onset_seconds), kTop + kHeight,
           R"(stroke="#1a7a3a" stroke-width="2" stroke-dasharray="5 3")");
      print(out_, "<text x=\"%.1f\" y=\"%d\" fill=\"#1a7a3a\">onset</text>\n",
            x(series_.onset_seconds) + 4, kTop + 10);
    }
    for (const double restart : series_.restarts) {
      line(x(restart), kTop, x(restart), kTop + kHeight, R"(stroke="#999" stroke-dasharray="2 3")");
    }
  }

  void states() {
    for (std::size_t i = 0; i < watched_.spans.size(); ++i) {
      const Span& span = watched_.spans[i];
      const double end =
          i + 1 < watched_.spans.size() ? watched_.spans[i + 1].from_seconds : span.to_seconds;
      print(out_, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
            x(span.from_seconds), kBandTop, std::max(0.5, x(end) - x(span.from_seconds)),
            kBandHeight, kStateColours.at(static_cast<std::size_t>(span.state)).data());
      if (span.state == LeakState::leaking) {
        line(x(span.from_seconds), kTop, x(span.from_seconds), kBandTop, "stroke=\"#b2182b\"");
      }
    }
    for (std::size_t i = 0; i < kLeakStates; ++i) {
      const int at = kLeft + 110 * static_cast<int>(i);
      print(out_,
            "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>"
            "<text x=\"%d\" y=\"%d\">%s</text>\n",
            at, kBandTop + kBandHeight + 10, kStateColours.at(i).data(), at + 17,
            kBandTop + kBandHeight + 20, leak_state_name(static_cast<LeakState>(i)).data());
    }
  }

  const LabelledSeries& series_;
  const Watched& watched_;
  std::string out_;
  std::optional<double> limit_;
  double first_ = 0;
  double last_ = 0;
  double top_ = 1;
  bool limit_shown_ = false;
};

}  // namespace

std::string picture(std::string_view title, const LabelledSeries& series,
                    const TrendPolicy& policy) {
  const Watched watched = watch_to_the_end(series, policy);
  return Picture(series, watched).draw(title);
}

}  // namespace heapfloor
