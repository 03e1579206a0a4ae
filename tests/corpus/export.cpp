#include "tests/corpus/export.h"

#include "tests/corpus/text_format.h"

namespace heapfloor {

void export_series(const LabelledSeries& series, std::ostream& out) {
  out << (series.leaks ? "# leaks from " + std::to_string(series.onset_seconds) + " s\n"
                       : std::string("# healthy\n"));
  out << "timestamp_seconds,value,epoch,limit,load,incarnation\n";
  std::size_t incarnation = 0;
  std::string line;
  for (const Observation& observation : series.observations) {
    while (incarnation < series.restarts.size() &&
           observation.time_seconds >= series.restarts[incarnation]) {
      ++incarnation;
    }
    line.clear();
    print(line, "%.6f,%.0f,", observation.time_seconds, observation.value);
    if (observation.epoch) {
      print(line, "%llu", static_cast<unsigned long long>(*observation.epoch));
    }
    line += ",";
    if (observation.limit) {
      print(line, "%.0f", *observation.limit);
    }
    line += ",";
    if (observation.load) {
      print(line, "%.4f", *observation.load);
    }
    print(line, ",%zu\n", incarnation);
    out << line;
  }
}

}  // namespace heapfloor
