#include "agent/series/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace heapfloor {
namespace {

TEST(Glob, MatchesWholeTexts) {
  struct Case {
    std::string_view pattern;
    std::string_view text;
    bool matches;
  };
  for (const Case& c :
       {Case{"", "", true}, Case{"", "a", false}, Case{"*", "", true}, Case{"?", "", false},
        Case{"pay", "payments", false}, Case{"pay*", "payments", true},
        Case{"*pay*ts", "my payments", true}, Case{"p?y", "pay", true}, Case{"p?y", "py", false},
        Case{"a*c", "abbbc", true}, Case{"a*c", "abbb", false}, Case{"a**b*", "ab", true},
        Case{"*a*b*", "xxaxxbxx", true}, Case{"*a", "ab", false}}) {
    EXPECT_EQ(glob_matches(c.pattern, c.text), c.matches) << c.pattern << " over " << c.text;
  }
}

TEST(Glob, IsNotSlowForPatternsThatAreMeantToBe) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(10000, 'a')));
}

}  // namespace
}  // namespace heapfloor
