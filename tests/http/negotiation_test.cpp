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

struct Asked {
  const char* accept;
  bool openmetrics;
};

class PrefersOpenMetrics : public ::testing::TestWithParam<Asked> {};

TEST_P(PrefersOpenMetrics, AsTheTableSays) {
  EXPECT_EQ(prefers_openmetrics(GetParam().accept), GetParam().openmetrics) << GetParam().accept;
}

INSTANTIATE_TEST_SUITE_P(
    Servers, PrefersOpenMetrics,
    ::testing::Values(
        // Prometheus 2.42
        Asked{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
              "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
              true},
        // Prometheus 3, without and with a preference for the protobuf format
        Asked{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
              "application/openmetrics-text;version=0.0.1;q=0.5,"
              "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
              "*/*;q=0.2",
              true},
        Asked{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
              "encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;"
              "escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2",
              true},
        // scrape_protocols: [PrometheusText0.0.4], and [PrometheusText1.0.0]
        Asked{"text/plain;version=0.0.4;q=1,*/*;q=0.1", false},
        Asked{"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.5", false}));

INSTANTIATE_TEST_SUITE_P(
    Qualities, PrefersOpenMetrics,
    ::testing::Values(Asked{"application/openmetrics-text;q=0", false},
                      Asked{"application/openmetrics-text;q=0.000,*/*", false},
                      Asked{"application/openmetrics-text;q=0.001", true},
                      Asked{"application/openmetrics-text;q=0.4, text/plain;q=0.5", false},
                      Asked{"application/openmetrics-text;q=0.5, text/plain;q=0.5", true},
                      Asked{"text/plain;q=0.5, application/openmetrics-text;q=0.5", true},
                      Asked{"application/openmetrics-text;q=0.5, text/*;q=0.6", false},
                      Asked{"application/openmetrics-text;q=0.5, */*;q=0.6", false},
                      Asked{"application/openmetrics-text;q=0.5, text/plain;q=0.4, */*", true},
                      Asked{"application/openmetrics-text;q=0.5, text/*;q=0, */*", true},
                      Asked{"application/openmetrics-text;q=0.5, text/plain;q=0, */*", true},
                      Asked{"application/openmetrics-text;q=nonsense", false}));

INSTANTIATE_TEST_SUITE_P(
    VersionsAndParameters, PrefersOpenMetrics,
    ::testing::Values(
        Asked{"Application/OpenMetrics-Text; version=\"1.0.0\"", true},
        Asked{"application/openmetrics-text", true},
        Asked{"application/openmetrics-text;version=0.0.1", false},
        Asked{"application/openmetrics-text;version=2.0.0", false},
        Asked{"application/openmetrics-text;version=", true},
        Asked{"application/openmetrics-text;version=2.0.0, application/openmetrics-text;q=0.1",
              true},
        Asked{"application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text",
              false},
        Asked{"application/openmetrics-text;version=1.0.0, application/openmetrics-text;q=0", true},
        Asked{"application/openmetrics-text;version=1.0.0;q=0.5, text/plain;version=1.0.0", true},
        Asked{"application/openmetrics-text;version=1.0.0;escaping=dots;charset=utf-8", true},
        Asked{"application/openmetrics-text; q=0.3 ; version=1.0.0 , text/plain ; q=0.2", true}));

INSTANTIATE_TEST_SUITE_P(
    EverythingElseIsText, PrefersOpenMetrics,
    ::testing::Values(Asked{"", false}, Asked{"*/*", false}, Asked{"text/*", false},
                      Asked{"text/plain", false}, Asked{"text/plain;q=0", false},
                      Asked{"*/*;q=0", false}, Asked{"application/json", false},
                      Asked{"application/*", false},
                      Asked{"text/html,application/xhtml+xml,*/*;q=0.8", false},
                      Asked{"application/vnd.google.protobuf", false},
                      Asked{"application/openmetrics-texts", false}));

TEST(Negotiation, ToleratesNonsense) {
  for (const char* const text :
       {";", ",", ";;;,,,", "=", "q=1", ";q=", "a;q=2", "a;q=1.0000", "\""}) {
    EXPECT_FALSE(prefers_openmetrics(text)) << text;
    EXPECT_FALSE(accepts_gzip(text)) << text;
  }
}

}  // namespace
}  // namespace heapfloor
