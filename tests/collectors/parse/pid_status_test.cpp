#include "collectors/parse/pid_status.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

constexpr std::string_view kStatus =
    "Name:\tserver\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t1000\t1001\t1002\t1003\nVmPeak:\t  "
    "9000 kB\n"
    "VmSize:\t  8000 kB\nVmLck:\t  16 kB\nVmPin:\t  0 kB\nVmHWM:\t  700 kB\nVmRSS:\t  600 "
    "kB\nRssAnon:\t  400 kB\n"
    "RssFile:\t  150 kB\nRssShmem:\t  50 kB\nVmData:\t  4000 kB\nVmStk:\t  132 kB\nVmPTE:\t  48 "
    "kB\n"
    "VmSwap:\t  12 kB\nHugetlbPages:\t  2048 kB\nCoreDumping:\t0\nThreads:\t3\nSigQ:\t0/96343\n";

TEST(PidStatus, EverySizeIsReadInBytes) {
  const auto status = parse_pid_status(kStatus);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->threads, 3U);
  EXPECT_EQ(status->user_id, 1000U);
  EXPECT_EQ(status->virtual_bytes, 8000U * 1024);
  EXPECT_EQ(status->locked_bytes, 16U * 1024);
  EXPECT_EQ(status->resident_peak_bytes, 700U * 1024);
  EXPECT_EQ(status->rss_anon_bytes, 400U * 1024);
  EXPECT_EQ(status->rss_file_bytes, 150U * 1024);
  EXPECT_EQ(status->rss_shmem_bytes, 50U * 1024);
  EXPECT_EQ(status->data_bytes, 4000U * 1024);
  EXPECT_EQ(status->page_table_bytes, 48U * 1024);
  EXPECT_EQ(status->swap_bytes, 12U * 1024);
  EXPECT_EQ(status->hugetlb_bytes, 2048U * 1024);
}

TEST(PidStatus, AProcessWithoutMemoryMapHasNoSizes) {
  const auto status =
      parse_pid_status("Name:\tdefunct\nState:\tZ (zombie)\nUid:\t0\t0\t0\t0\nThreads:\t1\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->threads, 1U);
  EXPECT_EQ(status->virtual_bytes, std::nullopt);
  EXPECT_EQ(status->swap_bytes, std::nullopt);
}

TEST(PidStatus, ATextThatWasCutIsMalformedAndNotSmaller) {
  const std::size_t whole = kStatus.find("Threads:\t3") + std::string_view("Threads:\t3").size();
  for (std::size_t length = 0; length < whole; ++length) {
    EXPECT_FALSE(parse_pid_status(kStatus.substr(0, length))) << length;
  }
  EXPECT_TRUE(parse_pid_status(kStatus.substr(0, whole)));
}

TEST(PidStatus, ASizeThatIsNoneIsMalformed) {
  for (const char* text : {"VmSize: x kB\nThreads: 1\n", "VmSwap: 1 MB\nThreads: 1\n",
                           "Threads: -1\n", "RssAnon:\nThreads: 1\n"}) {
    EXPECT_FALSE(parse_pid_status(text)) << text;
  }
}

TEST(PidStanding, IsWhoActsAndWhatIsCaught) {
  const auto standing = parse_pid_standing(
      "Name:\tjava\nUid:\t0\t1001\t1002\t1003\nGid:\t0\t55\t0\t0\nNSpid:\t4711\t1\n"
      "Threads:\t3\nSigIgn:\t0000000000000006\nSigCgt:\t2000000181005ccf\n");
  ASSERT_TRUE(standing) << standing.error().reason;
  EXPECT_EQ(*standing, (PidStanding{1001, 55, 1, 0x2000000181005ccf}));
  EXPECT_TRUE(standing->catches(3));
  EXPECT_FALSE(standing->catches(5));
  EXPECT_FALSE(standing->catches(0));
  EXPECT_FALSE(standing->catches(65));
}

TEST(PidStanding, WithoutOneOfItsLinesIsMalformed) {
  constexpr std::string_view kWhole = "Uid:\t1\t1\nGid:\t1\t1\nNSpid:\t9\nSigCgt:\t04\n";
  EXPECT_TRUE(parse_pid_standing(kWhole));
  for (const std::string_view line : {"Uid:\t1\t1\n", "Gid:\t1\t1\n", "NSpid:\t9\n", "04"}) {
    std::string text(kWhole);
    text.erase(text.find(line), line.size());
    EXPECT_FALSE(parse_pid_standing(text)) << line;
  }
}

TEST(PidStatus, LinesThatNobodyAsksForAreSkipped) {
  const auto status = parse_pid_status("Uid: root\nVmStk: x\nVmSwap: 12 kB\nThreads: 1\n");
  EXPECT_EQ(status->user_id, std::nullopt) << "who owns it is no reason to lose its memory";
  ASSERT_TRUE(status);
  EXPECT_EQ(status->swap_bytes, 12U * 1024);
}

TEST(PidStatus, LinesBehindThreadsAreNotRead) {
  EXPECT_TRUE(parse_pid_status("Threads:\t1\nVmSize:\tgarbage\n"));
}

TEST(PidStatus, AProcessInAPidNamespaceSeesItselfUnderTheLastOfItsNumbers) {
  EXPECT_EQ(parse_own_pid("Name:\tx\nNSpid:\t4711\t12\t1\nVmPeak:\t1 kB\n"), 1);
  EXPECT_EQ(parse_own_pid("NSpid:\t4711\n"), 4711);
  EXPECT_EQ(parse_own_pid("Name:\tNSpid: 3\nThreads:\t1\n"), std::nullopt);
  EXPECT_EQ(parse_own_pid("NSpid:\t\n"), std::nullopt);
  EXPECT_EQ(parse_own_pid("NSpid:\t99999999999\n"), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
