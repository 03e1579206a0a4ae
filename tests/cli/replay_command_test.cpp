#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <vector>

#include "agent/cli/cli.h"
#include "agent/cli/commands.h"
#include "tests/cli/replay_samples.h"
#include "tests/cli/temporary_folder.h"

namespace heapfloor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int exit_code = 0;
  std::string output;
  std::string errors;
};

int run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"heapfloor", "replay"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return run_cli(static_cast<int>(argv.size()), argv.data());
}

// With standard output and error in files.
Outcome replay(const std::vector<std::string>& arguments) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.exit_code = run(arguments);
  outcome.output = ::testing::internal::GetCapturedStdout();
  outcome.errors = ::testing::internal::GetCapturedStderr();
  return outcome;
}

// Standard output and error are a terminal of that width while it lives.
class Terminal {
 public:
  explicit Terminal(unsigned short width) {
    winsize size = {};
    size.ws_row = 24;
    size.ws_col = width;
    if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) std::abort();
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      const int descriptor = static_cast<int>(i) + 1;
      kept_[i] = ::dup(descriptor);
      ::dup2(slave_, descriptor);
    }
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { close(); }

  // What was written; the test writes less than a terminal's buffer holds.
  std::string close() {
    if (master_ < 0) return {};
    std::fflush(nullptr);
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      ::dup2(kept_[i], static_cast<int>(i) + 1);
      ::close(kept_[i]);
    }
    ::close(slave_);
    std::string text;
    std::array<char, 4096> buffer = {};
    for (ssize_t got = 0; (got = ::read(master_, buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(master_);
    master_ = -1;
    return text;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
  std::array<int, 2> kept_ = {};
};

class ReplayCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
    leak_ = folder_.write("leak.csv", csv_of(leaking_series()));
    level_ = folder_.write("level.csv", csv_of(level_series()));
    bad_ = folder_.path("bad.csv");
  }
  TemporaryFolder folder_;
  std::string leak_;
  std::string level_;
  std::string bad_;
};

TEST_F(ReplayCommandTest, PrintsJsonLinesInTheOrderOfTheInputsWhereNobodyLooks) {
  const Outcome outcome = replay({level_, leak_, "--jobs=2"});
  EXPECT_EQ(outcome.exit_code, kExitFine);
  EXPECT_THAT(outcome.output, StartsWith("{\"series\":\"" + level_ + "\",\"state\":\"stable\""));
  EXPECT_THAT(outcome.output, HasSubstr("}\n{\"series\":\"" + leak_ + "\",\"state\":\"leaking\""));
  EXPECT_THAT(outcome.errors, IsEmpty());
}

TEST_F(ReplayCommandTest, PrintsATableWhenAskedTheMostUrgentFirst) {
  folder_.write("bad.csv", "timestamp_seconds,value\n1,x\n");
  const Outcome outcome = replay({folder_.path(), "--format=table"});
  EXPECT_EQ(outcome.exit_code, kExitUsage) << "a file could not be read";
  EXPECT_LT(outcome.output.find("leak.csv"), outcome.output.find("level.csv"));
  EXPECT_THAT(outcome.output,
              HasSubstr("\n\n2 series: 1 leaking, 0 suspected, 1 stable, 0 learning; 1 file could "
                        "not be read\n"));
  EXPECT_EQ(outcome.errors, bad_ + ":2: value is not a finite number: 'x'\n");
}

TEST_F(ReplayCommandTest, PrintsATableAndItsProgressOnATerminal) {
  Terminal terminal(100);
  const int exit_code = run({leak_, level_});
  const std::string shown = terminal.close();
  EXPECT_EQ(exit_code, kExitFine);
  EXPECT_THAT(shown, AllOf(StartsWith("\r\x1b[Kreplay: "), HasSubstr(" of 2 files, ")));
  EXPECT_THAT(shown, HasSubstr("\r\x1b[KSERIES ")) << "the line is gone before the table";
  EXPECT_THAT(shown, HasSubstr("\x1b[1;31mleaking\x1b[0m"));
  EXPECT_THAT(shown, Not(HasSubstr("{\"series\"")));
}

TEST_F(ReplayCommandTest, IsPlainOnATerminalWhoseOwnerWantsItSo) {
  ::setenv("NO_COLOR", "1", 1);
  Terminal terminal(100);
  run({leak_, "--quiet"});
  const std::string shown = terminal.close();
  EXPECT_THAT(shown, AllOf(StartsWith("SERIES "), Not(HasSubstr("\x1b"))));
}

TEST_F(ReplayCommandTest, KeepsToJsonLinesOnATerminalWhenAsked) {
  Terminal terminal(100);
  run({level_, "--quiet", "--format=json"});
  EXPECT_THAT(terminal.close(), StartsWith("{\"series\""));
}

TEST_F(ReplayCommandTest, RefusesATableOfTransitions) {
  const Outcome outcome = replay({leak_, "--format=table", "--transitions"});
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_THAT(outcome.errors, HasSubstr("--transitions prints JSON lines"));
  EXPECT_THAT(replay({leak_, "--transitions"}).output, HasSubstr("\"transition\":\"state\""));
}

TEST_F(ReplayCommandTest, WritesTheReportBesideTheLines) {
  const std::string page = folder_.path("report.html");
  const Outcome outcome = replay({leak_, level_, "--report=" + page});
  EXPECT_EQ(outcome.exit_code, kExitFine);
  EXPECT_THAT(outcome.output, StartsWith("{\"series\""));
  EXPECT_THAT(folder_.read("report.html"),
              AllOf(StartsWith("<!doctype html>"), HasSubstr("1 of 2 series leaks")));
}

TEST_F(ReplayCommandTest, SaysWhyTheReportCouldNotBeWritten) {
  const Outcome outcome = replay({leak_, "--report=" + folder_.path("missing/report.html")});
  EXPECT_EQ(outcome.exit_code, kExitFailure);
  EXPECT_THAT(outcome.errors, HasSubstr("missing/report.html: No such file or directory"));
}

TEST_F(ReplayCommandTest, RefusesArgumentsThatMeanNothing) {
  for (const char* argument : {"--format=xml", "--jobs=0", "--jobs=many", "--interval=0"})
    EXPECT_EQ(replay({leak_, argument}).exit_code, kExitUsage) << argument;
}

}  // namespace
}  // namespace heapfloor
