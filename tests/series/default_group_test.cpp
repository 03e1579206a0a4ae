#include "agent/series/default_group.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heapfloor {
namespace {

std::string command_line(const std::vector<std::string>& arguments) {
  std::string joined;
  for (const std::string& argument : arguments) joined.append(argument).push_back('\0');
  return joined;
}

std::string script(const std::vector<std::string>& arguments) {
  const std::string joined = command_line(arguments);
  return std::string(script_name(base_name(arguments.front()), joined));
}

TEST(ScriptName, IsWhatTheInterpreterRuns) {
  EXPECT_EQ(script({"python3", "/opt/report.py"}), "report.py");
  EXPECT_EQ(script({"/usr/bin/python3.11", "-u", "-W", "ignore", "/opt/report.py", "--month"}),
            "report.py");
  EXPECT_EQ(script({"python3", "-m", "http.server", "8000"}), "http.server");
  EXPECT_EQ(script({"ruby", "-I", "lib", "bin/rails", "server"}), "rails");
  EXPECT_EQ(script({"node", "--max-old-space-size=4096", "-r", "ts-node", "/srv/app.js"}),
            "app.js");
  EXPECT_EQ(script({"perl", "-w", "/usr/local/bin/check.pl"}), "check.pl");
  EXPECT_EQ(script({"/bin/bash", "-e", "--norc", "./backup.sh"}), "backup.sh");
  EXPECT_EQ(script({"java", "-Xmx1g", "-Dkey=secret", "-jar", "/opt/shop/shop.jar", "serve"}),
            "shop.jar");
  EXPECT_EQ(script({"java", "-cp", "/a:/b", "com.acme.Main", "x"}), "com.acme.Main");
  EXPECT_EQ(script({"php", "-d", "memory_limit=1G", "worker.php"}), "worker.php");
  EXPECT_EQ(script({"bash", "--", "odd.sh"}), "odd.sh");
}

TEST(ScriptName, IsNoneWhereTheProgramStandsInTheArguments) {
  EXPECT_EQ(script({"python3", "-c", "import os; password = 1"}), "");
  EXPECT_EQ(script({"bash", "-c", "mysql -psecret"}), "");
  EXPECT_EQ(script({"node", "-e", "x"}), "");
  EXPECT_EQ(script({"perl", "-e", "x"}), "");
  EXPECT_EQ(script({"bash"}), "");
  EXPECT_EQ(script({"python3", "-"}), "");
}

TEST(ScriptName, IsNoneWhereItIsNotCertainWhichArgumentIsTheScript) {
  EXPECT_EQ(script({"node", "--token", "s3cr3t", "app.js"}), "");
  EXPECT_EQ(script({"java", "--unknown", "s3cr3t", "com.acme.Main"}), "");
  EXPECT_EQ(script({"python3", "-unknown", "s3cr3t"}), "");
}

TEST(ScriptName, IsNoneOfWhatIsNoInterpreter) {
  EXPECT_EQ(script({"nginx", "/etc/nginx.conf"}), "");
  EXPECT_EQ(script({"pythonista", "x.py"}), "");
  EXPECT_EQ(script({"3.11", "x.py"}), "");
}

TEST(ScriptName, IsNeverAnArgumentThatLooksLikeNoFile) {
  EXPECT_EQ(script({"python3", "https://user:password@host/x"}), "x");
  EXPECT_EQ(script({"python3", "password=secret"}), "");
  EXPECT_EQ(script({"bash", "/dev/fd/3"}), "");
  EXPECT_EQ(script({"python3", "two words"}), "");
  EXPECT_EQ(script({"python3", std::string(1000, 'x')}), "");
  EXPECT_EQ(script_name("python3", std::string("python3\0cut-by-the-bound", 24)), "");
}

TEST(DefaultGroup, IsTheServiceThenTheContainerThenTheScriptThenTheName) {
  const std::string line = command_line({"python3", "/opt/report.py"});
  ProcessFacts facts;
  facts.comm = "python3";
  facts.executable = "/usr/bin/python3.11";
  EXPECT_EQ(default_group(facts, DefaultGrouping::unit), "python3");
  facts.command_line = line;
  EXPECT_EQ(default_group(facts, DefaultGrouping::unit), "report.py");
  facts.container_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  EXPECT_EQ(default_group(facts, DefaultGrouping::unit), "0123456789ab");
  facts.unit = "report.service";
  EXPECT_EQ(default_group(facts, DefaultGrouping::unit), "report.service");
  EXPECT_EQ(default_group(facts, DefaultGrouping::comm), "python3");
}

TEST(DefaultGroup, ASessionIsNoService) {
  ProcessFacts facts;
  facts.comm = "vim";
  for (const char* unit : {"session-3.scope", "user@1000.service", "init.scope", "system.slice"}) {
    facts.unit = unit;
    EXPECT_EQ(default_group(facts, DefaultGrouping::unit), "vim") << unit;
  }
}

}  // namespace
}  // namespace heapfloor
