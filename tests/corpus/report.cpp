#include "tests/corpus/report.h"

#include <array>

#include "tests/corpus/labels.h"
#include "tests/corpus/text_format.h"

namespace heapfloor {
namespace {

constexpr double kHourSeconds = 3600;

double hours(const std::vector<double>& seconds, double q) {
  return percentile(seconds, q) / kHourSeconds;
}

void csv_line(std::string& out, std::string_view name, const Tally& t) {
  print(out, "\"%.*s\",%.4f,%.4f,%.4f,%zu,%zu,%zu,%zu,%zu,%zu,%.5f,", static_cast<int>(name.size()),
        name.data(), t.precision(), t.recall(), t.f1(), t.true_positives, t.positives,
        t.false_positives, t.negatives, t.early, t.late, t.false_alarms_a_day());
  print(out, "%.3f,%.3f,%.4f,%.4f,", hours(t.delays_seconds, 0.5), hours(t.delays_seconds, 0.9),
        percentile(t.headroom_used, 0.5), percentile(t.headroom_used, 0.9));
  print(out, "%zu,%zu,%zu,%zu,%zu,", t.forecasts, t.forecasts_right, t.forecasts_unbounded,
        t.crossing, t.suspected_in_time);
  print(out, "%.4f,%.4f,%zu,%zu\n", percentile(t.forecast_widths, 0.5),
        percentile(t.forecast_errors, 0.5), t.critical, t.warning);
}

constexpr std::string_view kCsvHeader =
    "name,precision,recall,f1,true_positives,leaks,false_positives,healthy,early,late,"
    "false_alarms_a_series_day,delay_median_hours,delay_p90_hours,headroom_used_median,"
    "headroom_used_p90,forecasts,forecasts_right,forecasts_unbounded,crossing,suspected_in_time,"
    "forecast_width_median,forecast_error_median,critical,warning\n";

void table_line(std::string& out, std::string_view name, const Tally& t, bool forecasts = true) {
  print(out,
        "%-40.*s %.3f %.3f %.3f  %4zu/%-4zu %4zu/%-4zu %3zu %3zu   %.4f  %6.1f %6.1f  %5.2f %5.2f",
        static_cast<int>(name.size()), name.data(), t.precision(), t.recall(), t.f1(),
        t.true_positives, t.positives, t.false_positives, t.negatives, t.early, t.late,
        t.false_alarms_a_day(), hours(t.delays_seconds, 0.5), hours(t.delays_seconds, 0.9),
        percentile(t.headroom_used, 0.5), percentile(t.headroom_used, 0.9));
  if (forecasts) {
    print(out, "  %.3f (%zu, %zu open) %5.2f %5.2f  %3zu %3zu  %.3f", t.coverage(), t.forecasts,
          t.forecasts_unbounded, percentile(t.forecast_widths, 0.5),
          percentile(t.forecast_errors, 0.5), t.critical, t.warning, t.suspected_in_time_share());
  }
  out += "\n";
}

void table_header(std::string& out) {
  print(out, "%-40s %-5s %-5s %-5s  %-9s %-9s %-5s %-4s %-7s %-13s  %-11s  %-20s %-12s %-8s %s\n",
        "", "P", "R", "F1", "found", "false", "early", "late", "FA/day", " delay h 50 90",
        "headroom", "forecast right", "width, error", "crit, w", "suspected in time");
}

void scenario_line(std::string& out, const Row& row) {
  const bool wrong = row.leaks ? row.true_positives < row.series : row.alarmed > 0;
  const Label* label = find_label(row.name);
  print(out, "%3d%c %-28.*s alarmed %3zu of %3zu, suspected %3zu%s", label ? label->number : 0,
        label && label->reserved() ? 'r' : ' ', static_cast<int>(row.name.size()), row.name.data(),
        row.alarmed, row.series, row.suspected, wrong ? "  WRONG" : "");
  if (!row.delays_seconds.empty()) {
    print(out, "  delay %.2f h, headroom %.2f", hours(row.delays_seconds, 0.5),
          percentile(row.headroom_used, 0.5));
  }
  if (row.forecasts > 0) {
    print(out, ", forecast right %zu of %zu", row.forecasts_right, row.forecasts);
  }
  out += "\n";
}

}  // namespace

std::string score_report(const Score& score, Format format, bool explain) {
  std::string out;
  if (format == Format::csv) {
    out += kCsvHeader;
    for (const Row& row : score.rows) {
      csv_line(out, row.name, row);
    }
    csv_line(out, "total", score);
    return out;
  }
  for (const Row& row : score.rows) {
    scenario_line(out, row);
    for (const std::string& mistake : row.mistakes) {
      out += explain ? "      " + mistake + "\n" : "";
    }
  }
  table_header(out);
  table_line(out, "total", score);
  print(out, "full tests %llu\n", static_cast<unsigned long long>(score.full_tests));
  return out;
}

std::string forecasts_report(const Score& score) {
  std::string out =
      "name,seed,alarm_hours,crossing,at,earliest,latest,severity,right,relative_width,"
      "relative_error\n";
  for (const Row& row : score.rows) {
    for (const ForecastCheck& check : row.checks) {
      const auto left = [&](double seconds) {
        return (seconds - check.alarm_seconds) / kHourSeconds;
      };
      print(out, "%.*s,%llu,%.2f,%.2f,", static_cast<int>(row.name.size()), row.name.data(),
            static_cast<unsigned long long>(check.seed), check.alarm_seconds / kHourSeconds,
            left(check.crossing_seconds));
      if (check.foretold) {
        print(out, "%.2f,%.2f,", left(check.foretold->at_seconds),
              left(check.foretold->earliest_seconds));
      } else {
        out += ",,";
      }
      if (check.foretold && check.foretold->latest_seconds) {
        print(out, "%.2f", left(*check.foretold->latest_seconds));
      }
      const std::string_view severity = severity_name(check.severity);
      print(out, ",%.*s,%s,", static_cast<int>(severity.size()), severity.data(),
            check.right() ? "yes" : "no");
      if (const auto width = check.relative_width()) {
        print(out, "%.3f", *width);
      }
      out += ",";
      if (const auto error = check.relative_error()) {
        print(out, "%.3f", *error);
      }
      out += "\n";
    }
  }
  return out;
}

std::string comparison_report(const std::vector<NamedTally>& tallies, Format format) {
  std::string out;
  if (format == Format::csv) {
    out += kCsvHeader;
  } else {
    table_header(out);
  }
  for (const NamedTally& named : tallies) {
    if (format == Format::csv) {
      csv_line(out, named.name, named.tally);
    } else {
      table_line(out, named.name, named.tally, named.forecasts);
    }
  }
  return out;
}

std::string labels_report() {
  constexpr std::array<std::string_view, kSignalTraits> kTraitNames = {"unmarked", "exact",
                                                                       "gc_marked"};
  std::string out =
      "number,name,leaks,onset,rate_mib_per_hour,signal,traits,daily,load,reserved,undecidable_"
      "early\n";
  for (const Label& label : labels()) {
    const auto flag = [&](std::uint8_t feature) { return label.has(feature) ? "yes" : "no"; };
    print(out, "%d,%.*s,%s,\"%.*s\",", label.number, static_cast<int>(label.name.size()),
          label.name.data(), label.leaks ? "yes" : "no", static_cast<int>(label.onset.size()),
          label.onset.data());
    if (label.rate_mib_per_hour) {
      print(out, "%.2f", *label.rate_mib_per_hour);
    }
    print(out, ",%.*s,%.*s,", static_cast<int>(label.signal.size()), label.signal.data(),
          static_cast<int>(kTraitNames.at(static_cast<std::size_t>(label.traits)).size()),
          kTraitNames.at(static_cast<std::size_t>(label.traits)).data());
    print(out, "%s,%s,%s,%s\n", flag(Label::kDaily), flag(Label::kLoad),
          label.reserved() ? "yes" : "no", flag(Label::kUndecidable));
  }
  return out;
}

}  // namespace heapfloor
