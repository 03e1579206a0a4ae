// The table of the program against metrics_contract.psv, the table of what was promised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exposition/metric_families.h"

namespace heapfloor {
namespace {

using ::testing::UnorderedElementsAreArray;

struct Promise {
  std::string name;
  std::string type;
  std::vector<std::string> labels;
  std::string state;
  [[nodiscard]] bool is_kept() const { return state == "emitted" || state == "own"; }
  [[nodiscard]] bool is_pending() const {
    constexpr std::string_view kPending = "pending: ";
    return state.size() == kPending.size() + 1 && state.starts_with(kPending) &&
           state.back() >= '1' && state.back() <= '9';
  }
  [[nodiscard]] bool is_left_out() const {
    constexpr std::string_view kLeftOut = "left out: ";
    return state.size() > kLeftOut.size() && state.starts_with(kLeftOut);
  }
};

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trimmed(part));
  return parts;
}

std::vector<Promise> promises() {
  const std::string path =
      std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/exposition/metrics_contract.psv";
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<Promise> found;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string> fields = split(line, '|');
    EXPECT_EQ(fields.size(), 4U) << line;
    if (fields.size() == 4)
      found.push_back({fields[0], fields[1], split(fields[2], ','), fields[3]});
  }
  return found;
}

const MetricFamilies& families() {
  static const MetricFamilies kFamilies(builtin_collectors());
  return kFamilies;
}

TEST(MetricsContract, IsATableOfDifferentNamesAndKnownStates) {
  std::set<std::string> names;
  for (const Promise& promise : promises()) {
    EXPECT_TRUE(names.insert(promise.name).second) << promise.name << " stands twice";
    EXPECT_TRUE(promise.is_kept() || promise.is_pending() || promise.is_left_out())
        << promise.name << ": " << promise.state;
    EXPECT_EQ(promise.type == "counter", promise.name.ends_with("_total")) << promise.name;
    EXPECT_EQ(promise.type == "info", promise.name.ends_with("_info")) << promise.name;
  }
  EXPECT_GT(names.size(), 200U);
}

TEST(MetricsContract, WhatIsEmittedHasTheTypeAndTheLabelsThatWerePromised) {
  for (const Promise& promise : promises()) {
    if (!promise.is_kept()) continue;
    const auto index = families().find(promise.name);
    ASSERT_TRUE(index.has_value()) << promise.name << " is promised and not emitted";
    const MetricFamily& family = families().all()[*index];
    EXPECT_EQ(family_type_name(family.type), promise.type) << promise.name;
    EXPECT_THAT(family.labels, UnorderedElementsAreArray(promise.labels)) << promise.name;
  }
}

TEST(MetricsContract, WhatIsPendingOrLeftOutIsNotEmitted) {
  for (const Promise& promise : promises()) {
    if (promise.is_kept()) continue;
    EXPECT_FALSE(families().find(promise.name).has_value())
        << promise.name << " is here: write `emitted` in tests/exposition/metrics_contract.psv";
  }
}

TEST(MetricsContract, NamesEveryFamilyThatIsEmitted) {
  std::set<std::string> promised;
  for (const Promise& promise : promises()) promised.insert(promise.name);
  for (const MetricFamily& family : families().all()) {
    EXPECT_TRUE(promised.contains(family.name))
        << family.name << " is not in tests/exposition/metrics_contract.psv";
  }
}

// promtool reads only what a page happens to hold; these rules hold for what is to come as well.
TEST(MetricsContract, KeepsTheRulesOfNamesThatPromtoolHas) {
  constexpr std::array<std::string_view, 5> kTypeWords = {"counter", "gauge", "histogram",
                                                          "summary", "metric"};
  constexpr std::array<std::string_view, 12> kShort = {"s",  "ms", "us", "ns", "sec", "b",
                                                       "kb", "mb", "gb", "h",  "m",   "d"};
  constexpr std::array<std::string_view, 3> kReserved = {"_bucket", "_count", "_sum"};
  for (const Promise& promise : promises()) {
    for (const std::string& word : split(promise.name, '_')) {
      EXPECT_EQ(std::ranges::count(kTypeWords, word), 0) << promise.name;
      EXPECT_EQ(std::ranges::count(kShort, word), 0) << promise.name;
    }
    for (const std::string_view suffix : kReserved)
      EXPECT_FALSE(promise.name.ends_with(suffix)) << promise.name;
    for (const std::string& label : promise.labels)
      EXPECT_TRUE(label != "le" && label != "quantile" && label != promise.name) << promise.name;
  }
}

}  // namespace
}  // namespace heapfloor
