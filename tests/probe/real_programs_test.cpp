// Programs of the distribution, with and without the probe: what they write must be the same, byte
// for byte.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace heapfloor::testing {
namespace {

// A script of the folder real_programs, and the program without which it is skipped.
struct RealProgram {
  const char* name;
  const char* needs;
};

struct Outcome {
  std::string output;
  int status = -1;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* pipe =
      popen(command.c_str(), "r");  // NOLINT(cert-env33-c): the commands are those of this file
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> bytes = {};
  while (const std::size_t got = fread(bytes.data(), 1, bytes.size(), pipe)) {
    outcome.output.append(bytes.data(), got);
  }
  outcome.status = pclose(pipe);
  return outcome;
}

class RealPrograms : public ::testing::TestWithParam<RealProgram> {
 protected:
  void SetUp() override {
    if (run(std::string("command -v ") + GetParam().needs + " >/dev/null 2>&1").status != 0) {
      GTEST_SKIP() << GetParam().needs << " is not installed";
    }
  }
  // The probe comes into the script's shell and into whatever that starts.
  [[nodiscard]] Outcome with_environment(const std::string& environment) const {
    return run("timeout 120 env " + environment +
               " " HEAPFLOOR_SOURCE_DIR "/tests/probe/real_programs/" + GetParam().name +
               ".sh 2>&1");
  }
};

TEST_P(RealPrograms, BehaveAsWithoutTheProbe) {
  const Outcome without = with_environment("");
  ASSERT_EQ(without.status, 0) << without.output;
  EXPECT_FALSE(without.output.empty());
  const std::string preload = "LD_PRELOAD=" HEAPFLOOR_PROBE_LIBRARY " ";
  const Outcome with = with_environment(preload);
  EXPECT_EQ(with.output, without.output);
  EXPECT_EQ(with.status, without.status);
  const Outcome sampled_often = with_environment(preload + "HEAPFLOOR_SAMPLE_BYTES=4096");
  EXPECT_EQ(sampled_often.output, without.output);
  EXPECT_EQ(sampled_often.status, without.status);
}

INSTANTIATE_TEST_SUITE_P(OfTheDistribution, RealPrograms,
                         ::testing::Values(RealProgram{.name = "python", .needs = "python3"},
                                           RealProgram{.name = "sqlite", .needs = "sqlite3"},
                                           RealProgram{.name = "git", .needs = "git"},
                                           RealProgram{.name = "java", .needs = "java"},
                                           RealProgram{.name = "perl", .needs = "perl"},
                                           RealProgram{.name = "compiler", .needs = "g++"},
                                           RealProgram{.name = "pipelines", .needs = "sort"},
                                           RealProgram{.name = "redis", .needs = "redis-server"},
                                           RealProgram{.name = "nginx", .needs = "nginx"}),
                         [](const ::testing::TestParamInfo<RealProgram>& program) {
                           return std::string(program.param.name);
                         });

}  // namespace
}  // namespace heapfloor::testing
