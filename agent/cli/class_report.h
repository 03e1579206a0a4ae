// What `heapfloor histogram` says: the classes of a JVM's heap, what they gained since an earlier
// look, and for how long the JVM would stand still for one. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/class_histogram.h"
#include "collectors/parse/hsperfdata.h"
#include "collectors/result.h"
#include "collectors/sample.h"

namespace heapfloor {

struct HistogramRecord {
  // Nothing of what jcmd or jmap wrote.
  std::optional<ProcessId> process;
  std::optional<double> taken_unix_seconds;
  std::optional<bool> is_live_only;  // else garbage is counted, too
  std::string collector;             // "g1"
  ClassHistogram histogram;
};

// A row for each name; classes of one name (of several class loaders) are added up.
struct ClassRow {
  std::string name;  // as visible_name() writes it
  double instances = 0, bytes = 0;
  double instances_gained = 0, bytes_gained = 0;  // since the earlier one; 0 without
};

// The largest first; with `base` those that gained most bytes. One that is gone has lost all.
[[nodiscard]] std::vector<ClassRow> class_rows(const ClassHistogram& now,
                                               const ClassHistogram* base);

// Why what one of them gained since the other says nothing; nothing where they can be compared.
[[nodiscard]] std::optional<std::string> why_not_comparable(const HistogramRecord& now,
                                                            const HistogramRecord& base);

// A table of the first `most` rows, for people; one JSON object with a line end, which
// read_histogram() reads.
[[nodiscard]] std::string histogram_table(const HistogramRecord& now, const HistogramRecord* base,
                                          std::size_t most);
[[nodiscard]] std::string histogram_json(const HistogramRecord& now, const HistogramRecord* base);

// Reads what histogram_json() wrote, or the text of jcmd GC.class_histogram or jmap -histo.
[[nodiscard]] Result<HistogramRecord> read_histogram(std::string_view text);

// For how long the JVM would stand still; nothing where it does not tell how much its heap holds.
struct StallEstimate {
  double heap_bytes = 0;  // as it is, garbage included
  double seconds = 0;     // with small objects, which take longest
};
[[nodiscard]] std::optional<StallEstimate> estimate_stall(JvmGc gc, const JvmReading& reading,
                                                          bool is_live_only);
// The estimate in two sentences.
[[nodiscard]] std::string stall_text(const StallEstimate& estimate, bool is_live_only);

}  // namespace heapfloor
