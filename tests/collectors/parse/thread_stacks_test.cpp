#include "collectors/parse/thread_stacks.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

#include "collectors/parse/text.h"

namespace heapfloor {
namespace {

constexpr std::uint64_t kKiB = 1024;

std::optional<ThreadStacks> stacks_in(std::string_view text) {
  ThreadStackReader reader;
  std::string_view line;
  while (next_line(text, line)) reader.take(line);
  return reader.stacks();
}

// A mapping as smaps has it, with the lines that matter.
std::string mapping(std::string_view range, std::string_view modes, int rss_kib = 0,
                    std::string_view name = "", int swap_kib = 0) {
  return std::string(range) + " " + std::string(modes) + " 00000000 00:00 0 " + std::string(name) +
         "\nSize:               8192 kB\nRss:                " + std::to_string(rss_kib) +
         " kB\nPss:                 1 kB\nSwap:               " + std::to_string(swap_kib) +
         " kB\nSwapPss:             9 kB\nVmFlags: rd wr mr mw me ac nh \n";
}

TEST(ThreadStacks, AStackStandsBehindItsGuard) {
  const std::string text = mapping("7f0000001000-7f0000002000", "---p") +
                           mapping("7f0000002000-7f0000802000", "rw-p", 264) +
                           mapping("7f0000802000-7f0000803000", "---p") +
                           mapping("7f0000803000-7f0001003000", "rw-p", 16, "", 20);
  EXPECT_EQ(stacks_in(text), (ThreadStacks{2, 300 * kKiB}));
}

TEST(ThreadStacks, MemoryMappedBehindAStackIsNone) {
  const std::string text = mapping("7f0000001000-7f0000002000", "---p") +
                           mapping("7f0000002000-7f0000802000", "rw-p", 8) +
                           mapping("7f0000802000-7f0000902000", "rw-p", 1024);
  EXPECT_EQ(stacks_in(text), (ThreadStacks{1, 8 * kKiB}));
}

TEST(ThreadStacks, OnesThatTheKernelMergedWithWhatIsBehindDoNotCount) {
  std::string text = mapping("7e0000001000-7e0000002000", "---p") +
                     mapping("7e0000002000-7e0000902000", "rw-p", 1032);
  for (const char* const base : {"7f00", "7f01", "7f02"}) {
    text += mapping(std::string(base) + "00001000-" + base + "00002000", "---p") +
            mapping(std::string(base) + "00002000-" + base + "00802000", "rw-p", 8);
  }
  EXPECT_EQ(stacks_in(text), (ThreadStacks{3, 24 * kKiB}));
}

TEST(ThreadStacks, ANameSaysSoWhereTheKernelOrTheProgramGivesOne) {
  EXPECT_EQ(stacks_in(mapping("7f0000002000-7f0000802000", "rw-p", 12,
                              "[anon: glibc: pthread stack: 77]")),
            (ThreadStacks{1, 12 * kKiB}));
  EXPECT_EQ(stacks_in(mapping("7f0000002000-7f0000802000", "rw-p", 12, "[stack:77]")),
            (ThreadStacks{1, 12 * kKiB}));
  EXPECT_FALSE(stacks_in(mapping("7ffc00002000-7ffc00023000", "rw-p", 12, "[stack]")))
      << "that of the first thread is there whatever the others do";
  EXPECT_FALSE(stacks_in(mapping("7f0000001000-7f0000002000", "---p") +
                         mapping("7f0000002000-7f0000802000", "rw-p", 8, "[anon:dalvik-main]")));
}

TEST(ThreadStacks, WhatIsNoGuardMakesNoStack) {
  const auto behind = [](std::string_view range, std::string_view modes) {
    return stacks_in(mapping(range, modes) + mapping("7f0000002000-7f0000802000", "rw-p", 8));
  };
  EXPECT_TRUE(behind("7f0000001000-7f0000002000", "---p"));
  EXPECT_FALSE(behind("7f0000001000-7f0000002000", "r--p"));
  EXPECT_FALSE(behind("7f0000001000-7f0000002000", "---s"));
  EXPECT_FALSE(behind("7f0000000000-7f0000001000", "---p")) << "there is a gap";
  EXPECT_FALSE(behind("7efff0000000-7f0000002000", "---p")) << "memory that is only reserved";
}

// The arenas of glibc's malloc stand at multiples of 64 MiB, what they do not use yet behind them.
TEST(ThreadStacks, AnArenaBehindAFullOneIsNoStack) {
  EXPECT_FALSE(stacks_in(mapping("7f0003fff000-7f0004000000", "---p") +
                         mapping("7f0004000000-7f0004021000", "rw-p", 132)));
}

TEST(ThreadStacks, AFileOrCodeIsNoStack) {
  const std::string guard = mapping("7f0000001000-7f0000002000", "---p");
  EXPECT_FALSE(stacks_in(guard + "7f0000002000-7f0000802000 rw-p 00000000 08:01 77 /data\n"));
  EXPECT_FALSE(stacks_in(guard + mapping("7f0000002000-7f0000802000", "r-xp", 8)));
}

TEST(ThreadStacks, LinesThatAreNoneAreNothing) {
  EXPECT_FALSE(stacks_in(""));
  EXPECT_FALSE(stacks_in("abc\nRss: 12 kB\nfff-000 rw-p\n\n"));
  EXPECT_EQ(stacks_in("7f0000001000-7f0000002000 ---p 00000000 00:00 0 \n"
                      "7f0000002000-7f0000802000 rw-p 00000000 00:00 0 \n"
                      "Rss: much\nRss 8 kB\nSwap: 18446744073709551615 kB\nRss: 4 kB\n"),
            (ThreadStacks{1, 4096}));
}

TEST(ThreadStacks, SizesThatAreToldApartAreBounded) {
  ThreadStackReader reader;
  for (std::uint64_t i = 1; i < 200; ++i) {
    const std::uint64_t begin = 0x7f0000000000 + (i << 32);
    const auto range = [](std::uint64_t from, std::uint64_t to) {
      std::ostringstream text;
      text << std::hex << from << '-' << to;
      return text.str();
    };
    reader.take(range(begin, begin + 4096) + " ---p 00000000 00:00 0 ");
    reader.take(range(begin + 4096, begin + 4096 * (i + 1)) + " rw-p 00000000 00:00 0 ");
    reader.take("Rss:  4 kB");
  }
  EXPECT_EQ(reader.stacks(), (ThreadStacks{1, 4096}));
  EXPECT_EQ(reader.mappings(), 2 * 199U);
}

}  // namespace
}  // namespace heapfloor
