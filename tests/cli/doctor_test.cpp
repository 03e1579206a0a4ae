// What the doctor finds, and how it says it.
#include "agent/cli/doctor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/temporary_folder.h"
#include "tests/support/fixture_host.h"
#include "tests/support/scripted_server.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr Privileges kNobody{65534, 0};
constexpr Privileges kTracer{0, std::uint64_t{1} << CAP_SYS_PTRACE};

const Finding& named(const std::vector<Finding>& findings, std::string_view name) {
  const auto found = std::ranges::find(findings, name, &Finding::name);
  if (found == findings.end()) throw std::out_of_range(std::string(name));
  return *found;
}

CollectorHealth health(std::string name, std::vector<SourceAccess> sources = {},
                       std::uint64_t denied = 0) {
  CollectorHealth made;
  made.name = std::move(name);
  made.success = true;
  made.sources = std::move(sources);
  made.errors.at(static_cast<std::size_t>(ErrorKind::denied)) = denied;
  return made;
}

// A host of three processes, of which two are somebody else's.
Snapshot restricted() {
  Snapshot snapshot;
  snapshot.processes.resize(3);
  GroupRow group;
  group.unreadable = {{"exe", 2}, {"cmdline", 0}};
  group.unreadable_status = 1;
  snapshot.groups = {group};
  snapshot.collectors = {
      health("host"),
      health("process", {{"processes", true},
                         {"status", false, "the group of hidepid's gid= option"},
                         {"exe", false, "CAP_SYS_PTRACE"},
                         {"bpf_task_iterator", false, "CAP_BPF and CAP_PERFMON"}}),
      health("smaps", {{"smaps_rollup", false, "CAP_SYS_PTRACE before"}}, 2),
      health("kmsg", {{"kmsg", false, "CAP_SYSLOG"}}, 1), health("probe", {}, 2)};
  return snapshot;
}

TEST(DoctorCollectors, CountsTheProcessesThatASourceIsClosedFor) {
  const auto findings = examine_collectors(restricted(), {}, kNobody);
  const Finding& process = named(findings, "process");
  EXPECT_EQ(process.health, Health::partly);
  EXPECT_EQ(process.summary, "3 processes");
  ASSERT_THAT(process.losses, SizeIs(2)) << "an iterator that is not used loses nothing";
  EXPECT_THAT(process.losses[0].what, HasSubstr("status of 1 of 3 processes: "));
  EXPECT_THAT(process.losses[1].what, HasSubstr("exe of 2 of 3 processes: "));
  EXPECT_EQ(process.losses[1].needs, "CAP_SYS_PTRACE");
  const Finding& smaps = named(findings, "smaps");
  EXPECT_EQ(smaps.health, Health::partly);
  EXPECT_THAT(smaps.losses.at(0).what, HasSubstr("smaps_rollup of 2 of 3 processes: "));
}

TEST(DoctorCollectors, WhatWorksIsSaidToWork) {
  const Finding host = named(examine_collectors(restricted(), {}, kNobody), "host");
  EXPECT_EQ(host.health, Health::works);
  EXPECT_THAT(host.losses, IsEmpty());
}

TEST(DoctorCollectors, WhatIsRefusedAsAWholeIsLost) {
  const Finding kmsg = named(examine_collectors(restricted(), {}, kNobody), "kmsg");
  EXPECT_EQ(kmsg.health, Health::lost);
  EXPECT_EQ(kmsg.losses.at(0).needs, "CAP_SYSLOG");
  EXPECT_THAT(kmsg.losses.at(0).what, Not(HasSubstr("processes")));
}

TEST(DoctorCollectors, ARefusalThatNoSourceTellsOfIsCountedAllTheSame) {
  const Finding probe = named(examine_collectors(restricted(), {}, kNobody), "probe");
  EXPECT_EQ(probe.health, Health::partly);
  EXPECT_THAT(probe.losses.at(0).what, HasSubstr("maps of 2 of 3 processes: "));
}

TEST(DoctorCollectors, ACapabilityThatIsHeldIsNotAskedForAgain) {
  const Finding process = named(examine_collectors(restricted(), {}, kTracer), "process");
  EXPECT_THAT(process.losses.at(1).needs,
              HasSubstr("this process has CAP_SYS_PTRACE: a security module"));
}

TEST(DoctorCollectors, WhatIsSwitchedOffLosesNothing) {
  Config config;
  config.collectors["jvm"] = false;
  const Finding jvm = named(examine_collectors(restricted(), config, kNobody), "jvm");
  EXPECT_EQ(jvm.health, Health::note);
  EXPECT_EQ(jvm.summary, "switched off");
}

TEST(DoctorCollectors, AFailureWithoutAReasonIsALossToo) {
  Snapshot snapshot;
  snapshot.collectors = {health("host"), health("cgroup")};
  snapshot.collectors[0].success = false;
  snapshot.collectors[1].errors.at(static_cast<std::size_t>(ErrorKind::malformed)) = 1;
  const auto findings = examine_collectors(snapshot, {}, kNobody);
  EXPECT_EQ(named(findings, "host").health, Health::lost);
  EXPECT_THAT(named(findings, "host").losses, SizeIs(1));
  EXPECT_EQ(named(findings, "cgroup").losses.at(0).what, "1 reading made no sense");
}

TEST(DoctorKernel, FindsPressureWhereItIs) {
  const testing::FixtureHost with("host_normal");
  const testing::FixtureHost without("host_without_psi");
  EXPECT_EQ(named(examine_kernel(with.root(), kNobody, nullptr), "pressure").health, Health::works);
  const Finding finding = named(examine_kernel(without.root(), kNobody, nullptr), "pressure");
  EXPECT_EQ(finding.health, Health::lost);
  EXPECT_THAT(finding.losses.at(0).needs, HasSubstr("psi=1"));
}

TEST(DoctorKernel, TellsTheVersionsOfCgroupsApart) {
  const auto cgroups = [](const char* scenario) {
    const testing::FixtureHost host(scenario);
    return named(examine_kernel(host.root(), kNobody, nullptr), "cgroups");
  };
  EXPECT_EQ(cgroups("cgroup_v2").health, Health::works);
  EXPECT_EQ(cgroups("cgroup_v2").summary, "version 2");
  EXPECT_EQ(cgroups("cgroup_v1").health, Health::partly);
  EXPECT_EQ(cgroups("cgroup_v1").summary, "version 1");
  EXPECT_EQ(cgroups("host_normal").health, Health::lost);
}

class DoctorYama : public ::testing::Test {
 protected:
  Finding with_scope(const std::string& scope, const Privileges& privileges) {
    folder_.write("sys/kernel/yama/ptrace_scope", scope + "\n");
    const DirectoryHostRoot root({folder_.path(), folder_.path(), folder_.path()});
    return named(examine_kernel(root, privileges, nullptr), "yama");
  }
  TemporaryFolder folder_;
};

TEST_F(DoctorYama, StandsInTheWayOfThoseWithoutTheCapability) {
  EXPECT_EQ(with_scope("0", kNobody).health, Health::works);
  EXPECT_EQ(with_scope("1", kNobody).health, Health::partly);
  EXPECT_EQ(with_scope("1", kNobody).losses.at(0).needs, "CAP_SYS_PTRACE");
  EXPECT_EQ(with_scope("2", kTracer).health, Health::works);
  EXPECT_EQ(with_scope("3", kTracer).health, Health::lost) << "nobody may any more";
}

class RefusedTasks final : public TaskSource {
 public:
  [[nodiscard]] Result<void> look(std::vector<TaskVisit>& /*visits*/) override {
    return failure(ErrorKind::denied, "bpf", "Operation not permitted");
  }
};

TEST(DoctorKernel, WithoutTheTaskIteratorNothingIsLost) {
  const testing::FixtureHost host("host_normal");
  RefusedTasks tasks;
  const Finding bpf = named(examine_kernel(host.root(), kNobody, &tasks), "bpf");
  EXPECT_EQ(bpf.health, Health::note);
  EXPECT_THAT(bpf.summary, HasSubstr("CAP_BPF and CAP_PERFMON"));
}

TEST(DoctorStorage, ADirectoryOfItsOwnWorksAndNothingIsMade) {
  const TemporaryFolder folder;
  Config config;
  config.storage.path = folder.path("state");
  const Finding unmade = examine_storage(config);
  EXPECT_EQ(unmade.health, Health::works);
  EXPECT_THAT(unmade.summary, HasSubstr("which the agent makes"));
  EXPECT_NE(access(config.storage.path.c_str(), F_OK), 0);
  ASSERT_EQ(mkdir(config.storage.path.c_str(), 0700), 0);
  EXPECT_EQ(examine_storage(config).health, Health::works);
  EXPECT_TRUE(std::filesystem::is_empty(config.storage.path));
}

TEST(DoctorStorage, WhatTheAgentWouldRefuseIsLost) {
  const TemporaryFolder folder;
  Config config;
  config.storage.path = folder.path("open");
  ASSERT_EQ(mkdir(config.storage.path.c_str(), 0700), 0);
  ASSERT_EQ(chmod(config.storage.path.c_str(), 0777), 0);
  EXPECT_THAT(examine_storage(config).losses.at(0).what, HasSubstr("others may write in it"));
  config.storage.path = folder.write("file", "");
  EXPECT_THAT(examine_storage(config).losses.at(0).what, HasSubstr("is not a directory"));
  config.storage.path = folder.path("no/such/parent");
  EXPECT_EQ(examine_storage(config).health, Health::lost);
}

TEST(DoctorStorage, NoHistoryIsANote) {
  Config config;
  config.storage.path.clear();
  EXPECT_EQ(examine_storage(config).health, Health::note);
}

Config listening_at(std::uint16_t port) {
  Config config;
  config.web.listen_address = "127.0.0.1:" + std::to_string(port);
  return config;
}

TEST(DoctorAddresses, WhatListensThereAndIsNoAgentIsInTheWay) {
  const ScriptedServer server([](const auto&) { return ScriptedServer::answer(200, "hello"); });
  const auto findings = examine_addresses(listening_at(server.port()));
  EXPECT_EQ(findings.at(0).health, Health::lost);
  EXPECT_THAT(findings.at(0).losses.at(0).what, HasSubstr("no agent"));
}

TEST(DoctorAddresses, AnAgentSaysWhatIsClosedToIt) {
  const ScriptedServer server([](const auto&) {
    return ScriptedServer::answer(
        200, R"({"status":"success","data":{"version":"9.9","collectors":[)"
             R"({"name":"kmsg","closed_sources":{"kmsg":"CAP_SYSLOG","exe":null}}]}})");
  });
  const auto findings = examine_addresses(listening_at(server.port()));
  EXPECT_EQ(findings.at(0).health, Health::partly);
  EXPECT_THAT(findings.at(0).summary, HasSubstr("version 9.9"));
  ASSERT_THAT(findings.at(0).losses, SizeIs(2));
  EXPECT_EQ(findings.at(0).losses[0].what, "closed to it: exe");
  EXPECT_EQ(findings.at(0).losses[1].needs, "CAP_SYSLOG");
}

TEST(DoctorAddresses, APortThatAnotherHoldsSilentlyIsInTheWay) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(handle, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  EXPECT_EQ(examine_addresses(listening_at(port)).at(0).health, Health::lost);
  close(handle);
  EXPECT_EQ(examine_addresses(listening_at(port)).at(0).health, Health::note) << "now it is free";
}

TEST(DoctorAddresses, AnAnswerOfAnyShapeIsNoAgent) {
  for (const char* const body :
       {"", "[]", "null", "{", R"({"data":7})", R"({"data":{"version":1,"collectors":[]}})",
        R"({"data":{"version":"1","collectors":{}}})", "\xff\xff"}) {
    EXPECT_EQ(agent_finding("x", body).health, Health::lost) << body;
  }
  for (const char* const collectors : {"[1]", "[{}]", R"([{"closed_sources":7}])"}) {
    const std::string body =
        std::string(R"({"data":{"version":"1","collectors":)") + collectors + "}}";
    EXPECT_EQ(agent_finding("x", body).health, Health::works) << body;
  }
}

TEST(DoctorReceivers, EachServerIsAskedAndAWebhookIsNot) {
  const ScriptedServer fine([](const auto&) { return ScriptedServer::answer(200, "{}"); });
  const ScriptedServer broken([](const auto&) { return ScriptedServer::answer(500, "no"); });
  Config config;
  PrometheusTarget target;
  target.name = "shop";
  target.query = "up";
  target.url = fine.url() + "/prefix/";
  config.targets.prometheus = {target};
  ReceiverSettings receiver;
  receiver.name = "first";
  receiver.url = broken.url();
  ReceiverSettings hook;
  hook.kind = ReceiverKind::webhook;
  hook.name = "chat";
  hook.url = fine.url();
  config.alerts.receivers = {receiver, hook};
  const auto findings = examine_receivers(config);
  EXPECT_EQ(named(findings, "shop").health, Health::works);
  EXPECT_EQ(named(findings, "first").health, Health::lost);
  EXPECT_THAT(named(findings, "first").losses.at(0).what, HasSubstr("HTTP 500"));
  EXPECT_EQ(named(findings, "chat").health, Health::note);
  ASSERT_THAT(fine.seen(), SizeIs(1));
  EXPECT_THAT(fine.seen()[0].head, HasSubstr("GET /prefix/api/v1/query?query=1 "));
}

TEST(DoctorReceivers, WithoutTheAgentsAddressAlertsLeadNowhere) {
  Config config;
  const auto count = [&config] {
    return std::ranges::count(examine_receivers(config), "links", &Finding::name);
  };
  EXPECT_EQ(count(), 0) << "nobody is told of alerts";
  ReceiverSettings hook;
  hook.kind = ReceiverKind::webhook;
  hook.name = "chat";
  config.alerts.receivers = {hook};
  EXPECT_EQ(count(), 1);
  config.alerts.external_url = "https://memory.example/db1/";
  EXPECT_EQ(count(), 0);
}

DoctorReport sample_report() {
  DoctorReport report;
  report.version = "0.1.0";
  report.kernel = "Linux 6.1.0";
  report.privileges = kNobody;
  report.findings = {{"agent", "configuration", Health::works, "/etc/heapfloor.yml", {}},
                     {"agent", "storage.path", Health::note, "no history is kept", {}}};
  for (Finding& finding : examine_collectors(restricted(), {}, kNobody))
    report.findings.push_back(std::move(finding));
  report.findings.push_back(
      {"network", "shop\n\x1b[31m\xff", Health::lost, "", {{"it said: \r\n<b>", ""}}});
  return report;
}

TEST(DoctorReport, ReadsAsItDid) {
  const std::string text = doctor_text(sample_report());
  const std::string path = std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/golden/doctor.txt";
  if (std::getenv("HEAPFLOOR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden) << "HEAPFLOOR_UPDATE_GOLDEN=1 writes " << path;
}

TEST(DoctorReport, NoControlCharacterOfOthersReachesTheTerminal) {
  const std::string text = doctor_text(sample_report());
  EXPECT_THAT(text, HasSubstr("shop\\x0A\\x1B[31m\\xFF"));
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << +c;
}

TEST(DoctorReport, TheSameForAProgram) {
  const auto json = nlohmann::json::parse(doctor_json(sample_report()));
  EXPECT_EQ(json["user"], 65534);
  EXPECT_EQ(json["capabilities"], nlohmann::json::array());
  EXPECT_EQ(json["loses_something"], true);
  EXPECT_EQ(json["findings"].size(), sample_report().findings.size());
  EXPECT_EQ(json["findings"][0], nlohmann::json({{"area", "agent"},
                                                 {"name", "configuration"},
                                                 {"health", "works"},
                                                 {"summary", "/etc/heapfloor.yml"},
                                                 {"losses", nlohmann::json::array()}}));
}

TEST(DoctorReport, NotesLoseNothing) {
  DoctorReport report;
  report.findings = {{"agent", "storage.path", Health::note, "no history is kept", {}}};
  EXPECT_FALSE(report.loses_something());
  EXPECT_THAT(doctor_text(report), HasSubstr("Nothing is lost.\n"));
  report.findings.push_back({"kernel", "pressure", Health::partly, "", {}});
  EXPECT_TRUE(report.loses_something());
}

TEST(Privileges, AreNamedAsTheKernelNamesThem) {
  EXPECT_TRUE(kTracer.has("CAP_SYS_PTRACE"));
  EXPECT_FALSE(kTracer.has("CAP_SYSLOG"));
  EXPECT_FALSE(kTracer.has("CAP_NO_SUCH"));
  EXPECT_THAT(kTracer.held_of("CAP_SYS_PTRACE or CAP_SYSLOG"),
              ::testing::ElementsAre("CAP_SYS_PTRACE"));
  EXPECT_EQ(own_privileges().user, geteuid());
}

}  // namespace
}  // namespace heapfloor
