#include "collectors/parse/go_references.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace heapfloor {
namespace {

constexpr std::uint64_t kCode = 0x401000;
constexpr std::uint64_t kVariable = 0x500010, kOther = 0x500020;
constexpr GoAddresses kVariables = {0x500000, 0x500100};

// Code that refers to places, one instruction after the other.
class Code {
 public:
  explicit Code(std::uint64_t address = kCode) : address_(address) {}
  Code& refer(unsigned char operation, unsigned char modes, std::uint64_t place) {
    bytes_ += static_cast<char>(operation);
    bytes_ += static_cast<char>(modes);
    const auto distance = static_cast<std::int32_t>(place - (address_ + bytes_.size() + 4));
    bytes_.append(reinterpret_cast<const char*>(&distance), sizeof distance);
    return *this;
  }
  Code& load(std::uint64_t place) { return refer(0x8b, 0x05, place); }
  Code& take_address(std::uint64_t place) { return refer(0x8d, 0x3d, place); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::uint64_t> references(GoReference kind = GoReference::any) const {
    return references_in(bytes_, address_, kind, kVariables);
  }

 private:
  std::uint64_t address_;
  std::string bytes_;
};

TEST(GoReferences, AreWhatInstructionsReferToFromWhereTheyStand) {
  Code code;
  code.load(kOther).take_address(kVariable).load(kOther);
  EXPECT_EQ(code.references(), (std::vector<std::uint64_t>{kVariable, kOther}));
  EXPECT_EQ(code.references(GoReference::address), (std::vector<std::uint64_t>{kVariable}));
  EXPECT_EQ(code.references(GoReference::load), (std::vector<std::uint64_t>{kOther}));
}

TEST(GoReferences, OtherInstructionsAndOtherPlacesAreNone) {
  Code code;
  code.refer(0xc7, 0x05, kVariable);  // with an immediate behind it
  code.refer(0x8b, 0x45, kVariable);  // relative to a register
  code.load(0x600000);
  EXPECT_TRUE(code.references().empty());
  EXPECT_TRUE(references_in("\x8b\x05", kCode, GoReference::any, kVariables).empty()) << "cut";
}

// Functions of one piece of code each, one behind the other in a file that is nothing else.
struct Program {
  std::string file;
  std::vector<std::optional<GoFunction>> functions;
  void add(const Code& code) {
    functions.push_back(GoFunction{kCode + file.size(), code.bytes().size()});
    file += code.bytes();
  }
  [[nodiscard]] Code next() const { return Code(kCode + file.size()); }
  [[nodiscard]] std::optional<std::uint64_t> common() const {
    GoTables tables;
    tables.text_address = kCode;
    tables.text_bytes = file.size();
    return common_reference(MemorySource(file), tables, functions, GoReference::any, kVariables);
  }
};

TEST(GoReferences, TheOneThatAllFunctionsShareIsTheVariable) {
  Program program;
  program.add(program.next().load(kVariable).load(kOther));
  EXPECT_EQ(program.common(), std::nullopt) << "one function is no agreement";
  program.add(program.next().load(kVariable));
  EXPECT_EQ(program.common(), kVariable);
  program.functions.emplace_back(std::nullopt);
  EXPECT_EQ(program.common(), kVariable) << "the linker leaves out what nobody calls";
}

TEST(GoReferences, WhereFunctionsShareSeveralOrNoneNothingIsTold) {
  Program several;
  several.add(several.next().load(kVariable).load(kOther));
  several.add(several.next().load(kOther).load(kVariable));
  EXPECT_EQ(several.common(), std::nullopt);
  Program none;
  none.add(none.next().load(kVariable));
  none.add(none.next().load(kOther));
  EXPECT_EQ(none.common(), std::nullopt);
}

TEST(GoReferences, CodeOutsideOfTheFileIsNoWitness) {
  Program program;
  program.add(program.next().load(kVariable));
  program.functions.push_back(GoFunction{kCode - 8, 6});
  program.functions.push_back(GoFunction{kCode, 1000});
  program.functions.push_back(GoFunction{kCode + (std::uint64_t{1} << 40U), 6});
  program.functions.push_back(GoFunction{kCode, std::uint64_t{1} << 60U});
  EXPECT_EQ(program.common(), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
