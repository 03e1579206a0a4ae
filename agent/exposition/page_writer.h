// PageWriter: samples sorted into families and written as Prometheus text 0.0.4 or OpenMetrics 1.0.
//
// A sample line is three pieces: a prefix made once for each column (`name{kind="anon",`), a label
// body made once for each entity (`group="db"} `) and the number. Writing a line is two copies and
// one number conversion; nothing is allocated for a series.
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exposition/metric_families.h"
#include "agent/exposition/page_filter.h"

namespace heapfloor {

enum class ExpositionFormat : std::uint8_t { text, openmetrics };
inline constexpr std::size_t kExpositionFormats = 2;

// The Content-Type of a page, with version and charset.
std::string_view content_type(ExpositionFormat format);

struct LabelPair {
  std::string_view name;
  std::string_view raw_value;
};

// The inside of the braces that is the same for all series of one entity.
class LabelBody {
 public:
  // Appends name="value" with the value escaped (see visible_name()).
  LabelBody& add(std::string_view name, std::string_view raw_value);
  // Ends the body; nothing may be added afterwards.
  std::string finish() &&;

 private:
  std::string text_;
};

// What an OpenMetrics page says behind a counter: one event that it counted, worth `value`, at
// `unix_seconds`. Nothing when names and values have more than the 128 characters that OpenMetrics
// allows.
std::optional<std::string> exemplar_text(std::initializer_list<LabelPair> labels, double value,
                                         double unix_seconds);

class PageWriter {
 public:
  using Column = std::uint32_t;

  // `families` outlives the writer.
  explicit PageWriter(const MetricFamilies& families);

  // A column of the family at index `family` of MetricFamilies::all(): all samples that share one
  // fixed label, or none where `label_name` is empty. `has_body` says whether its samples come with
  // a label body. Asking again for the same column gives the same one.
  // `suffix` is put behind the family's name: the _bucket, _sum and _count of a histogram, whose
  // columns stand in the order in which they were first asked for.
  Column column(std::size_t family, std::string_view label_name, std::string_view label_value,
                bool has_body, std::string_view suffix = {});

  // Forgets all samples, keeps columns and memory.
  void clear();

  // Adds a sample. `body` is a finished LabelBody that lives until write(), empty for columns
  // without one; all samples of one entity are added with the same body object, entity after
  // entity. A second sample of the same entity and column is ignored.
  // `created`: since when a counter counts, as Unix time; OpenMetrics pages say it (_created).
  void add(Column column, std::string_view body, double value, std::optional<double> created = {});

  // Puts an exemplar_text() behind the sample of that column and body object. Text 0.0.4 has none.
  void add_exemplar(Column column, std::string_view body, std::string text);

  // Orders a family's samples by their label bodies and drops repeated ones (the first stays).
  // For families whose entities come in no order.
  void sort_by_labels(std::size_t family);

  // How many sample lines the page of what `filter` shows has.
  [[nodiscard]] std::size_t lines(ExpositionFormat format, const PageFilter& filter) const;
  // Leaves out entities, each with all samples of its body object, in the order of `expendable`,
  // until at most `most` lines are left or there is none to leave out. Returns how many lines that
  // were.
  std::size_t leave_out(std::span<const std::string_view> expendable, std::size_t most,
                        ExpositionFormat format, const PageFilter& filter);

  // The page of what `filter` shows: families by name; inside a family by entity, as they were
  // added, then by fixed label. `room` is a page that nobody needs any more: its memory is used.
  [[nodiscard]] std::string write(ExpositionFormat format, const PageFilter& filter = {},
                                  std::string room = {}) const;

 private:
  struct ColumnText {
    std::size_t family = 0;
    std::string prefix;
    std::uint32_t rank = 0;  // place among the columns of the family
  };
  struct Sample {
    Column column = 0;
    std::uint32_t created = 0;  // 1 + index into Family::created; 0: not known
    double value = 0;
    std::string_view body;
  };
  struct Exemplar {
    Column column = 0;
    const char* body = nullptr;  // which object, not what it says
    std::string text;
  };
  struct Family {
    std::vector<std::string> headers;  // by ExpositionFormat
    std::vector<Column> columns;
    std::vector<Sample> samples;
    std::vector<Exemplar> exemplars;
    std::vector<double> created;
    std::size_t bound_bytes = 0;  // the samples added so far are no longer when they are written
  };

  // No page of what `filter` shows is longer.
  [[nodiscard]] std::size_t bound_bytes(ExpositionFormat format, const PageFilter& filter) const;
  [[nodiscard]] bool shows(std::size_t family, const PageFilter& filter) const;
  char* write_samples(char* out, std::size_t family, ExpositionFormat format) const;
  char* write_created(char* out, std::size_t family, const Sample& sample) const;
  // Empty where the sample has none.
  static std::string_view exemplar_of(const Family& block, const Sample& sample);

  const MetricFamilies& families_;
  std::vector<Family> blocks_;
  std::vector<ColumnText> columns_;
};

}  // namespace heapfloor
