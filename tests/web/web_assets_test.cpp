#include "agent/web/web_assets.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace heapfloor {
namespace {

// What the bundler has made.
std::filesystem::path page() { return HEAPFLOOR_PAGE; }

std::filesystem::path packed_page() { return HEAPFLOOR_PAGE ".packed"; }

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(WebAssets, HoldEveryFileOfThePageByteForByte) {
  std::set<std::string> embedded;
  for (const WebAsset& asset : web_assets()) {
    embedded.emplace(asset.path);
    EXPECT_EQ(asset.body, bytes_of(page() / asset.path)) << asset.path;
    EXPECT_EQ(asset.packed, bytes_of(packed_page() / (std::string(asset.path) + ".gz")))
        << asset.path;
    EXPECT_TRUE(asset.packed.starts_with("\x1f\x8b")) << asset.path;
  }
  std::set<std::string> on_disk;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(page())) {
    if (entry.is_regular_file()) {
      on_disk.insert(entry.path().lexically_relative(page()).generic_string());
    }
  }
  EXPECT_EQ(embedded, on_disk);
  for (const char* file : {"index.html", "app.js", "app.css", "licenses.txt"})
    EXPECT_TRUE(embedded.contains(file)) << file;
}

TEST(WebAssets, AreSortedByPathSoThatASearchMayBeBinary) {
  EXPECT_TRUE(std::ranges::is_sorted(web_assets(), {}, &WebAsset::path));
}

TEST(WebAssets, NameTheContentTypeThatNosniffDemands) {
  for (const WebAsset& asset : web_assets()) {
    const bool is_script = asset.path.ends_with(".js");
    EXPECT_EQ(asset.content_type == "text/javascript; charset=utf-8", is_script) << asset.path;
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
  }
}

TEST(WebAssets, CarryDistinctQuotedEntityTags) {
  std::set<std::string_view> tags;
  for (const WebAsset& asset : web_assets()) {
    EXPECT_THAT(std::string(asset.etag), testing::MatchesRegex("\"[0-9a-f]+\"")) << asset.path;
    EXPECT_TRUE(tags.insert(asset.etag).second) << asset.path;
    EXPECT_TRUE(tags.insert(asset.packed_etag).second) << asset.path;
  }
}

}  // namespace
}  // namespace heapfloor
