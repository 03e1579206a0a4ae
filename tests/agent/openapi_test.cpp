// The description of the API against the routes of the agent and the words of the code.
#include <yaml-cpp/yaml.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/leak_state.h"
#include "agent/alerts/silence_book.h"
#include "agent/history/recorder.h"
#include "agent/routes.h"
#include "agent/series/build_identity.h"
#include "agent/series/growth_causes.h"
#include "agent/series/signal.h"
#include "agent/trend/floor_course.h"
#include "agent/trend/forecast.h"
#include "agent/trend/verdict.h"
#include "agent/web/api_description.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_proc.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

class NoSeries final : public SeriesReader {
 public:
  [[nodiscard]] std::optional<SeriesDetail> read(std::string_view /*id*/) const override {
    return std::nullopt;
  }
};

class OpenApiTest : public ::testing::Test {
 protected:
  std::vector<Route> routes() {
    return make_routes({pages_, series_, {}, {}, {}, {service_, {}, {}}, evidence_, {}});
  }

  // "/api/v1/evidence/{id}/{file}" as a request could have it: "/api/v1/evidence/x/x".
  static std::string example_of(std::string path) {
    for (std::size_t begin = path.find('{'); begin != std::string::npos; begin = path.find('{'))
      path.replace(begin, path.find('}') - begin + 1, "x");
    return path;
  }

  // As the server chooses it: the first that fits.
  static const Route* route_of(const std::vector<Route>& routes, const std::string& path) {
    const auto found = std::ranges::find_if(routes, [&path](const Route& route) {
      if (route.match == RouteMatch::exact) return path == route.path;
      return path.starts_with(route.path) && path.size() > route.path.size();
    });
    return found == routes.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::vector<std::string> words_of(const std::string& schema,
                                                  const std::string& property = {}) const {
    const YAML::Node whole = description_["components"]["schemas"][schema];
    const YAML::Node node = property.empty() ? whole : whole["properties"][property];
    return node["enum"].as<std::vector<std::string>>(std::vector<std::string>());
  }

  [[nodiscard]] std::vector<std::string> properties_of(const std::string& schema) const {
    std::vector<std::string> names;
    for (const auto& property : description_["components"]["schemas"][schema]["properties"])
      names.push_back(property.first.as<std::string>());
    return names;
  }

  // The names of `count` values of an enumeration.
  template <class Enum, class Name>
  static std::vector<std::string> names(std::size_t count, Name name) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(name(static_cast<Enum>(i)));
    return all;
  }

  testing::FakeProc proc_;
  DirectoryHostRoot root_{HostPaths{proc_.path(), proc_.path(), proc_.path()}};
  FakeClock clock_;
  ProbeBoard board_;
  ProfileService service_{root_, board_, clock_};
  MetricFamilies families_{std::span<const CollectorEntry* const>()};
  SelfMetrics self_{BuildInfo{}};
  PageCache pages_{families_, self_};
  NoSeries series_;
  EvidenceStore evidence_{EvidenceLimits{}};
  YAML::Node description_ = YAML::Load(std::string(api_description().body));
};

TEST_F(OpenApiTest, EveryDescribedPathHasARouteThatTakesItsMethods) {
  const std::vector<Route> known = routes();
  std::map<const Route*, std::set<std::string>> described;
  for (const auto& item : description_["paths"]) {
    const auto path = item.first.as<std::string>();
    const Route* const route = route_of(known, example_of(path));
    ASSERT_NE(route, nullptr) << path;
    for (const auto& operation : item.second) {
      auto method = operation.first.as<std::string>();
      std::ranges::transform(method, method.begin(), [](char c) { return c - 'a' + 'A'; });
      EXPECT_THAT(route->methods, ::testing::Contains(method)) << path;
      described[route].insert(method);
    }
  }
  for (const auto& [route, methods] : described)
    EXPECT_THAT(methods, UnorderedElementsAreArray(route->methods)) << route->path;
}

TEST_F(OpenApiTest, EveryRouteIsDescribed) {
  const std::vector<Route> known = routes();
  std::set<const Route*> described;
  for (const auto& item : description_["paths"])
    described.insert(route_of(known, example_of(item.first.as<std::string>())));
  for (const Route& route : known) {
    const bool is_file_of_the_page = route.name == "page" && route.path != "/";
    EXPECT_TRUE(is_file_of_the_page || described.contains(&route)) << route.path;
  }
}

TEST_F(OpenApiTest, ItIsServedAsItStandsInTheTree) {
  const std::vector<Route> known = routes();
  Request request;
  request.method = "GET";
  request.path = "/api/v1/openapi.yaml";
  const Route* const route = route_of(known, request.path);
  ASSERT_NE(route, nullptr);
  const Response response = route->handler(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/yaml");
  EXPECT_EQ(*response.body, api_description().body);
  EXPECT_TRUE(response.body->starts_with("openapi: 3.1.0\n"));
}

TEST_F(OpenApiTest, OperationsHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const auto& item : description_["paths"]) {
    for (const auto& operation : item.second) {
      const auto name = operation.second["operationId"].as<std::string>("");
      EXPECT_TRUE(!name.empty() && names.insert(name).second) << item.first.as<std::string>();
    }
  }
}

TEST_F(OpenApiTest, ItsWordsAreThoseOfTheCode) {
  EXPECT_THAT(words_of("LeakState"),
              ElementsAreArray(names<LeakState>(kLeakStates, leak_state_name)));
  EXPECT_THAT(words_of("Signal"), ElementsAreArray(kSignalNames));
  EXPECT_THAT(words_of("GateResult", "gate"), ElementsAreArray(names<Gate>(kGates, gate_name)));
  EXPECT_THAT(words_of("Severity"), ElementsAreArray(names<Severity>(3, severity_name)));
  EXPECT_THAT(words_of("Occasion"),
              ElementsAreArray(names<EvidenceOccasion>(kEvidenceOccasions, occasion_name)));
  EXPECT_THAT(words_of("FloorMove"),
              ElementsAreArray(names<FloorMove>(kFloorMoves, floor_move_name)));
  EXPECT_THAT(words_of("FormerLife", "reason"),
              ElementsAreArray(names<EndReason>(kEndReasons, end_reason_name)));
  EXPECT_THAT(words_of("SilenceMatcher", "name"), ElementsAreArray(kSilenceLabels));
  for (const char* const schema : {"Build", "BuildCourse", "SuspectBuild"})
    EXPECT_THAT(words_of(schema, "kind"),
                ElementsAreArray(names<BuildKind>(kBuildKinds, build_kind_name)));
}

TEST_F(OpenApiTest, ItsCountsAndSharesAreThoseOfTheCode) {
  EXPECT_THAT(properties_of("ErrorCounts"),
              ElementsAreArray(names<ErrorKind>(kErrorKinds, reason_label)));
  EXPECT_THAT(properties_of("ExternalDrops"),
              ElementsAreArray(names<ExternalDrop>(kExternalDrops, external_drop_name)));
  std::vector<std::string> causes;
  for (const auto& [name, share] : cause_shares(GrowthCauses{})) causes.emplace_back(name);
  EXPECT_THAT(properties_of("Cause"), ElementsAreArray(causes));
}

// What is not required may be absent: of each object that is said in so many words.
TEST_F(OpenApiTest, ObjectsAreClosedAndTheirFieldsAreThere) {
  const std::set<std::string> may_be_absent = {"Alert.silenced", "Alert.silencedBy",
                                               "Rule.lastError"};
  std::vector<std::string> absent;
  for (const auto& item : description_["components"]["schemas"]) {
    const auto name = item.first.as<std::string>();
    if (item.second["type"].as<std::string>("") != "object" || name == "Cause") continue;
    EXPECT_EQ(item.second["additionalProperties"].as<std::string>("missing"), "false") << name;
    const auto required = item.second["required"].as<std::vector<std::string>>();
    for (const std::string& property : properties_of(name)) {
      const bool is_there = std::ranges::find(required, property) != required.end();
      if (!is_there && !may_be_absent.contains(name + "." + property))
        absent.push_back(name + "." + property);
    }
  }
  EXPECT_THAT(absent, IsEmpty());
}

}  // namespace
}  // namespace heapfloor
