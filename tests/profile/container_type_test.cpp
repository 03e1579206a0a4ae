#include "agent/profile/container_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "agent/profile/demangle.h"

namespace heapfloor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct RecordedStack {
  std::string compiler;
  std::string expected;  // CONTAINER|ELEMENT
  std::vector<std::string> names;
};

std::vector<RecordedStack> recorded_stacks() {
  std::ifstream in(std::string(HEAPFLOOR_SOURCE_DIR) + "/tests/profile/container_stacks.txt");
  std::vector<RecordedStack> stacks;
  std::string compiler;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# ")) {
      compiler = line.substr(2);
    } else if (line.starts_with("= ")) {
      stacks.push_back({compiler, line.substr(2), {}});
    } else {
      stacks.back().names.push_back(line);
    }
  }
  return stacks;
}

std::string text_of(const std::optional<ContainerType>& type) {
  return type ? type->container + "|" + type->element : "-|-";
}

std::optional<ContainerType> container_in(const std::vector<std::string_view>& names) {
  return container_of(names);
}

TEST(ContainerType, IsReadFromWhatCompilersReallyMake) {
  const std::vector<RecordedStack> stacks = recorded_stacks();
  ASSERT_GE(stacks.size(), 100U);
  for (const RecordedStack& stack : stacks) {
    const std::vector<std::string> demangled = demangle(stack.names);
    const std::vector<std::string_view> names(demangled.begin(), demangled.end());
    EXPECT_EQ(text_of(container_of(names)), stack.expected)
        << stack.compiler << ": " << ::testing::PrintToString(demangled);
  }
}

TEST(ContainerType, TheInnermostContainerCounts) {
  EXPECT_EQ(text_of(container_in({
                "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::"
                "_M_create(unsigned long&, unsigned long)",
                "std::vector<std::__cxx11::basic_string<char>, std::allocator<int> >::push_back()",
                "load(int)",
            })),
            "string|char");
}

TEST(ContainerType, AContainerThatTheProgramPassedOnIsNotTheAllocators) {
  EXPECT_FALSE(container_in({"grow(std::vector<int, std::allocator<int> >&)",
                             "std::vector<int, std::allocator<int> >::push_back(int&&)"}));
  EXPECT_FALSE(container_in({"operator new(unsigned long)", "main"}));
  EXPECT_FALSE(container_in({}));
}

TEST(ContainerType, AConversionToAStandardTypeIsTheProgramsOwnFunction) {
  EXPECT_FALSE(container_in({"Name::operator std::vector<int, std::allocator<int> >() const",
                             "std::vector<int, std::allocator<int> >::push_back(int&&)"}));
}

TEST(ContainerType, LibcxxNamesItsTablesOtherwise) {
  EXPECT_EQ(text_of(container_in({"std::__1::__tree<std::__1::__value_type<int, User>, "
                                  "std::__1::__map_value_compare<int> >::__emplace_unique(int)",
                                  "main"})),
            "map|std::pair<const int, User>");
  EXPECT_EQ(text_of(container_in({"std::__1::__hash_table<long, std::__1::hash<long> >::"
                                  "__rehash(unsigned long)",
                                  "main"})),
            "unordered_set|long");
}

TEST(ContainerType, NamesComeApartAtTheirScopes) {
  EXPECT_THAT(scopes_of("void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int)"),
              ElementsAre("std", "vector<int, std::allocator<int> >", "_M_realloc_insert<int>"));
  EXPECT_THAT(scopes_of("std::pair<a::b, bool> a::c::operator()<x>(int) const"),
              ElementsAre("a", "c", "operator()<x>"));
  EXPECT_THAT(scopes_of("std::__cxx11::list<int>::push_back[abi:cxx11](int)"),
              ElementsAre("std", "list<int>", "push_back[abi:cxx11]"));
  EXPECT_THAT(scopes_of("(anonymous namespace)::run(int)"),
              ElementsAre("(anonymous namespace)", "run"));
  EXPECT_THAT(scopes_of("serve(int)::{lambda(std::vector<int>&)#1}::operator()(int) const"),
              ElementsAre("serve(int)", "{lambda(std::vector<int>&)#1}", "operator()"));
  EXPECT_THAT(scopes_of("a::operator<<(b, c<d>)"), ElementsAre("a", "operator<<"));
  EXPECT_THAT(scopes_of("a::operator->() const"), ElementsAre("a", "operator->"));
  EXPECT_THAT(scopes_of("main"), ElementsAre("main"));
  EXPECT_THAT(scopes_of(""), IsEmpty());
}

TEST(ContainerType, ArgumentsOfATemplateAreWhatItIsGiven) {
  EXPECT_THAT(template_arguments("map<int, A<B, C>, f(int, int)>"),
              ElementsAre("int", "A<B, C>", "f(int, int)"));
  EXPECT_THAT(template_arguments("Stack<(Kind)1, char const*>"),
              ElementsAre("(Kind)1", "char const*"));
  EXPECT_THAT(template_arguments("main"), IsEmpty());
  EXPECT_THAT(template_arguments("open<a, b"), ElementsAre("a"));
}

TEST(ContainerType, AnElementWithAnEndlessNameIsCut) {
  const std::string name =
      "std::vector<" + std::string(1000, 'x') + ", std::allocator<int> >::push_back(int)";
  const std::vector<std::string_view> names = {name, "main"};
  const auto type = container_of(names);
  ASSERT_TRUE(type);
  EXPECT_LT(type->element.size(), 300U);
  EXPECT_TRUE(type->element.ends_with("…"));
}

}  // namespace
}  // namespace heapfloor
