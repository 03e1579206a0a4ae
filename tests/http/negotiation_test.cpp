#include "agent/http/negotiation.h"

#include <gtest/gtest.h>

namespace heapfloor {
namespace {

TEST(AcceptsGzip, FollowsNamesWildcardsAndQualities) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, GZIP;q=0.5"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_TRUE(accepts_gzip("br;q=1.0, gzip ; q=0.001"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000"));
  EXPECT_FALSE(accepts_gzip("*, gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip, *;q=0.5, gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip;q=nonsense"));
  EXPECT_FALSE(accepts_gzip("*;q=0"));
  EXPECT_FALSE(accepts_gzip("gzipped"));
}

TEST(PrefersOpenMetrics, AnswersPrometheusServersAsTheyAsk) {
  EXPECT_TRUE(
      prefers_openmetrics("application/openmetrics-text;version=1.0.0,application/"
                          "openmetrics-text;version=0.0.1;q=0.75,"
                          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  EXPECT_TRUE(prefers_openmetrics(
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
      "*/*;q=0.2"));
  EXPECT_FALSE(prefers_openmetrics("text/plain;version=0.0.4;q=1,*/*;q=0.1"));
}

TEST(PrefersOpenMetrics, FallsBackToText) {
  EXPECT_FALSE(prefers_openmetrics(""));
  EXPECT_FALSE(prefers_openmetrics("*/*"));
  EXPECT_FALSE(prefers_openmetrics("text/html,application/xhtml+xml,*/*;q=0.8"));
  EXPECT_FALSE(prefers_openmetrics("application/openmetrics-text;q=0"));
  EXPECT_FALSE(prefers_openmetrics("application/openmetrics-text;version=0.0.1"));
  EXPECT_FALSE(prefers_openmetrics("application/openmetrics-text;q=0.4, text/plain;q=0.5"));
  EXPECT_TRUE(prefers_openmetrics("Application/OpenMetrics-Text; version=\"1.0.0\""));
}

TEST(PrefersOpenMetrics, ToleratesNonsense) {
  for (const char* const text :
       {";", ",", ";;;,,,", "=", "q=1", ";q=", "a;q=2", "a;q=1.0000", "\""}) {
    EXPECT_FALSE(prefers_openmetrics(text)) << text;
    EXPECT_FALSE(accepts_gzip(text)) << text;
  }
}

}  // namespace
}  // namespace heapfloor
