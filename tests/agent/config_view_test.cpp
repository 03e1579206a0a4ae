#include "agent/config_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/exposition/api_json.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const ConfigView::Setting* setting(const ConfigView& view, const std::string& key) {
  const auto found = std::ranges::find(view.settings, key, &ConfigView::Setting::key);
  return found == view.settings.end() ? nullptr : &*found;
}

std::size_t entries(const ConfigView& view, const std::string& path) {
  const auto found = std::ranges::find(view.lists, path, &ConfigView::List::path);
  return found == view.lists.end() ? 99 : found->entries;
}

TEST(ConfigView, HasEveryKeyAndWhatTheFileChanged) {
  const auto config = parse_config(
      "collection: {interval: 1s}\n"
      "trend: {signals: {rss_anon: {minimum_rise: 2MiB}}}\n",
      "test.yml");
  ASSERT_TRUE(config) << config.error().reason;
  const ConfigView view = config_view(*config);
  EXPECT_EQ(view.settings.size(), config_keys().size() + 1);
  ASSERT_NE(setting(view, "collection.interval"), nullptr);
  EXPECT_EQ(setting(view, "collection.interval")->value, "1s");
  EXPECT_EQ(setting(view, "collection.interval")->initial, "15s");
  ASSERT_NE(setting(view, "trend.signals.rss_anon.minimum_rise"), nullptr);
  EXPECT_EQ(setting(view, "trend.signals.rss_anon.minimum_rise")->value, "2MiB");
}

TEST(ConfigView, TellsHowLongListsAreAndNothingOfWhatIsInThem) {
  const auto config = parse_config(
      "groups:\n"
      "  - {name: web, comm: [nginx]}\n"
      "  - {name: db, comm: [postgres]}\n"
      "alerts:\n"
      "  webhooks:\n"
      "    - {url: 'https://chat.example/hook/T0KEN', name: chat, username: u, "
      "password: hunter2}\n",
      "test.yml");
  ASSERT_TRUE(config) << config.error().path << config.error().reason;
  const ConfigView view = config_view(*config);
  EXPECT_EQ(entries(view, "groups"), 2U);
  EXPECT_EQ(entries(view, "alerts.webhooks"), 1U);
  EXPECT_EQ(entries(view, "alerts.alertmanagers"), 0U);
  EXPECT_EQ(entries(view, "alerts.rules"), 0U);
  EXPECT_EQ(entries(view, "alerts.silences"), 0U);
  EXPECT_EQ(entries(view, "targets.prometheus"), 0U);
  const std::string document = config_document(view).json;
  EXPECT_THAT(document, Not(HasSubstr("hunter2")));
  EXPECT_THAT(document, Not(HasSubstr("T0KEN")));
}

}  // namespace
}  // namespace heapfloor
