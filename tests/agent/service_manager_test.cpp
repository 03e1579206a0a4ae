// What a service manager hears, on a socket of its own.
#include "agent/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace heapfloor {
namespace {

using Options = ServiceManager::Options;

class Listener {
 public:
  // A path, or @NAME.
  explicit Listener(const std::string& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, std::begin(address.sun_path));
    if (name.front() == '@') address.sun_path[0] = '\0';
    const std::size_t length =
        offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '@' ? 0 : 1);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(length)),
              0);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(descriptor_); }

  // One datagram, or "" where there is none.
  [[nodiscard]] std::string heard() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int descriptor_;
};

class ServiceManagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "heapfloor-notify-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string socket() const { return folder_ / "socket"; }

  std::filesystem::path folder_;
};

TEST_F(ServiceManagerTest, IsToldOfEachStepInItsOwnWords) {
  const Listener listener(socket());
  const ServiceManager manager(Options{socket(), 120.0});
  manager.ready("serving http://127.0.0.1:4327/", 15);
  EXPECT_EQ(listener.heard(), "READY=1\nSTATUS=serving http://127.0.0.1:4327/\n");
  manager.alive();
  EXPECT_EQ(listener.heard(), "WATCHDOG=1\n");
  manager.reloading();
  EXPECT_EQ(listener.heard(), "RELOADING=1\n");
  manager.reloaded();
  EXPECT_EQ(listener.heard(), "READY=1\n");
  manager.stopping();
  EXPECT_EQ(listener.heard(), "STOPPING=1\n");
  EXPECT_EQ(listener.heard(), "");
}

TEST_F(ServiceManagerTest, AnAbstractSocketIsOneToo) {
  const std::string name = "@heapfloor-notify-" + std::to_string(::getpid());
  const Listener listener(name);
  const ServiceManager manager(Options{name, {}});
  manager.stopping();
  EXPECT_EQ(listener.heard(), "STOPPING=1\n");
}

TEST_F(ServiceManagerTest, AWatchdogLearnsHowRarelyTheAgentLooks) {
  const Listener listener(socket());
  const ServiceManager manager(Options{socket(), 60.0});
  manager.ready("serving", 30);
  EXPECT_EQ(listener.heard(), "READY=1\nSTATUS=serving\nWATCHDOG_USEC=120000000\n");
}

TEST_F(ServiceManagerTest, WithoutAWatchdogNobodyIsToldOfLife) {
  const Listener listener(socket());
  const ServiceManager manager(Options{socket(), {}});
  manager.alive();
  EXPECT_EQ(listener.heard(), "");
}

TEST_F(ServiceManagerTest, AStatusIsOneLineWhateverIsInIt) {
  const Listener listener(socket());
  const ServiceManager manager(Options{socket(), {}});
  manager.ready("a\nMAINPID=1", 15);
  EXPECT_EQ(listener.heard(), "READY=1\nSTATUS=a MAINPID=1\n");
}

TEST_F(ServiceManagerTest, AManagerThatComesLaterIsToldFromThenOn) {
  const ServiceManager manager(Options{socket(), 60.0});
  manager.alive();
  const Listener listener(socket());
  manager.alive();
  EXPECT_EQ(listener.heard(), "WATCHDOG=1\n");
}

TEST_F(ServiceManagerTest, ANameThatIsNoneDoesNoHarm) {
  for (const std::string& name : {std::string("relative"), "/" + std::string(200, 'x'),
                                  std::string(), socket() + "-of-nobody"}) {
    const ServiceManager manager(Options{name, 60.0});
    manager.ready("serving", 15);
    manager.alive();
  }
}

TEST_F(ServiceManagerTest, AWatchdogThatIsMeantForAnotherProcessIsNotOurs) {
  ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog_seconds, std::nullopt);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog_seconds, 30);
  EXPECT_EQ(ServiceManager::from_environment().socket, "/run/systemd/notify");
  for (const char* const text : {"", "0", "-1", "30s", "99999999999999999999"}) {
    ::setenv("WATCHDOG_USEC", text, 1);
    EXPECT_EQ(ServiceManager::from_environment().watchdog_seconds, std::nullopt) << text;
  }
  for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    ::unsetenv(name);
  EXPECT_TRUE(ServiceManager::from_environment().socket.empty());
}

}  // namespace
}  // namespace heapfloor
