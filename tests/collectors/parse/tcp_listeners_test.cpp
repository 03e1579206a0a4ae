#include "collectors/parse/tcp_listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A line as the kernel writes it, with that address and state.
std::string line(std::string_view local, std::string_view state) {
  return "   0: " + std::string(local) + " 00000000:0000 " + std::string(state) +
         " 00000000:00000000 00:00000000 00000000  1000        0 48123 1 0000000000000000 100 0 0";
}

TcpListener only(std::string_view local) {
  std::vector<TcpListener> found;
  const auto parsed = parse_tcp_line(line(local, "0A"), found);
  EXPECT_TRUE(parsed && *parsed);
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? TcpListener() : found.front();
}

TEST(TcpListeners, AreKnownByInodePortAndPlace) {
  EXPECT_EQ(only("00000000:1F90"), (TcpListener{48123, 8080, ListenPlace::any}));
  EXPECT_EQ(only("0100007F:17AC"), (TcpListener{48123, 6060, ListenPlace::loopback4}));
}

TEST(TcpListeners, OfTheSixthVersionAreKnownToo) {
  EXPECT_EQ(only("00000000000000000000000000000000:1F90").place, ListenPlace::any);
  EXPECT_EQ(only("00000000000000000000000001000000:1F90").place, ListenPlace::loopback6);
  EXPECT_EQ(only("0000000000000000FFFF00000100007F:1F90").place, ListenPlace::loopback4);
}

TEST(TcpListeners, OnAnotherAddressAreElsewhere) {
  EXPECT_EQ(only("0A01A8C0:1F90").place, ListenPlace::elsewhere);
  EXPECT_EQ(only("0200007F:1F90").place, ListenPlace::elsewhere) << "127.0.0.2";
}

TEST(TcpListeners, AreNoSocketsThatAreConnectedAndNoHeading) {
  std::vector<TcpListener> found;
  const auto connected = parse_tcp_line(line("0100007F:1F90", "01"), found);
  ASSERT_TRUE(connected);
  EXPECT_FALSE(*connected);
  const auto heading = parse_tcp_line("  sl  local_address rem_address   st", found);
  ASSERT_TRUE(heading);
  EXPECT_FALSE(*heading);
  EXPECT_THAT(found, IsEmpty());
}

TEST(TcpListeners, AreNotReadFromALineThatIsCut) {
  const std::string whole = line("0100007F:1F90", "0A");
  const std::size_t inode_ends = whole.find("48123") + std::string_view("48123").size();
  for (std::size_t length = 0; length < inode_ends; ++length) {
    std::vector<TcpListener> found;
    const auto parsed = parse_tcp_line(whole.substr(0, length), found);
    EXPECT_TRUE(!parsed || found.empty() || found.front().inode < 48123)
        << "cut after " << length << " bytes";
  }
}

TEST(TcpListeners, RefuseWhatIsNoPort) {
  std::vector<TcpListener> found;
  EXPECT_FALSE(parse_tcp_line(line("0100007F:1FFFF90", "0A"), found));
  EXPECT_FALSE(parse_tcp_line(line("0100007F", "0A"), found));
  EXPECT_FALSE(parse_tcp_line("", found));
}

}  // namespace
}  // namespace heapfloor
