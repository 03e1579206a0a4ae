#include "agent/profile/demangle.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "agent/profile/child_task.h"

namespace heapfloor {
namespace {

// Each parameter is a pair of two of the one before it: the text doubles with every step.
std::string bomb(int steps) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string name = "_Z1fSt4pairIiiE";
  for (int i = 0; i < steps; ++i) {
    const std::string last = {'S', kDigits.at(static_cast<std::size_t>(i)), '_'};
    name += "S_I" + last + last + "E";
  }
  return name;
}

TEST(Demangle, NamesOfCppAreWrittenOutAndOthersStayAsTheyAre) {
  const std::vector<std::string> names = {
      "_ZN4shop6Basket4fillEi", "main", "", "_Znwm", "_ZNotAName", "_RNvCs_4rust"};
  const std::vector<std::string> expected = {
      "shop::Basket::fill(int)",     "main",       "",
      "operator new(unsigned long)", "_ZNotAName", "_RNvCs_4rust"};
  EXPECT_EQ(demangle(names), expected);
}

TEST(Demangle, NamesWithManyReferencesAreWrittenOutToo) {
  const std::string name =
      "_ZNSt10_HashtableIiSt4pairIKi4UserESaIS3_ENSt8__detail10_Select1stESt8equal_toIiESt4hashIiEN"
      "S5_18_Mod_range_hashingENS5_20_Default_ranged_hashENS5_20_Prime_rehash_policyENS5_17_"
      "Hashtable_traitsILb0ELb0ELb1EEEE21_M_insert_unique_nodeEmmPNS5_10_Hash_nodeIS3_Lb0EEEm";
  const std::vector<std::string> names = {name + "S3_S5_S3_"};
  EXPECT_FALSE(is_harmless_to_demangle(names.front()));
  EXPECT_TRUE(
      demangle(names).front().starts_with("std::_Hashtable<int, std::pair<int const, User>"));
}

TEST(Demangle, ANameThatWouldFillAllMemoryCostsOnlyItself) {
  const std::string whole =
      "f(std::pair<int, int>, std::pair<std::pair<int, int>, std::pair<int, int> >)";
  EXPECT_EQ(demangle(std::vector<std::string>{bomb(1)}).front(), whole);
  const std::vector<std::string> names = {bomb(4), bomb(26), bomb(5)};
  const std::vector<std::string> demangled = demangle(names);
  EXPECT_TRUE(demangled[0].starts_with(whole.substr(0, 40)));
  // A gigabyte of text: it stays as it is, or, under a sanitizer, which sets no limit, is cut.
  EXPECT_TRUE(demangled[1] == names[1] || demangled[1].size() == kMostDemangledBytes);
  EXPECT_TRUE(demangled[2].starts_with(whole.substr(0, 40)));
}

TEST(Demangle, WhatWasAskedBeforeIsKnownAndTakesBoundedMemory) {
  Demangler demangler(1000);
  for (int i = 0; i < 100; ++i) {
    const std::vector<std::string> names = {"_Z4name" + std::to_string(i) + "v", "_Z4goodv"};
    EXPECT_EQ(demangler.names(names).back(), "good()");
    EXPECT_LE(demangler.bytes(), 1000U);
  }
}

TEST(ChildTask, WhatItAnswersArrives) {
  const auto done = run_in_child({}, {}, [](const ChildAnswer& answer) {
    answer("one ");
    answer(std::string(100000, 'x'));
  });
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->is_complete);
  EXPECT_EQ(done->answer.size(), 100004U);
}

TEST(ChildTask, OneThatCrashesOrNeverEndsIsLostAloneAndKeepsWhatItSaid) {
  for (const bool crashes : {true, false}) {
    const auto done = run_in_child({.seconds = 1}, {}, [crashes](const ChildAnswer& answer) {
      answer("said");
      if (crashes) __builtin_trap();
      for (volatile bool goes_on = true; goes_on;) {
      }
    });
    ASSERT_TRUE(done);
    EXPECT_FALSE(done->is_complete);
    EXPECT_EQ(done->answer, "said");
  }
}

TEST(ChildTask, OneThatSaysTooMuchIsCutOff) {
  const auto done = run_in_child({.answer_bytes = 1000}, {}, [](const ChildAnswer& answer) {
    while (answer(std::string(400, 'x'))) {
    }
  });
  ASSERT_TRUE(done);
  EXPECT_FALSE(done->is_complete);
  EXPECT_LE(done->answer.size(), 1000U);
}

TEST(ChildTask, OneCannotOpenFiles) {
  const auto done = run_in_child({}, {}, [](const ChildAnswer& answer) {
    std::FILE* const file = std::fopen("/etc/passwd", "r");
    answer(file == nullptr ? "refused" : "opened");
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->answer, "refused");
}

}  // namespace
}  // namespace heapfloor
