#include "agent/cli/program_file.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "tests/cli/temporary_folder.h"

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

// A program of 64 bits for this machine, with that dynamic loader; empty: none.
std::string elf(const std::string& interpreter, std::uint16_t machine = EM_X86_64) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = machine;
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  Elf64_Phdr segment = {};
  segment.p_type = interpreter.empty() ? PT_LOAD : PT_INTERP;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = interpreter.size() + 1;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment);
  return bytes + interpreter + '\0';
}

class ProgramFile : public ::testing::Test {
 protected:
  // An executable file of the folder.
  std::string write(const std::string& name, const std::string& bytes, mode_t mode = 0755) {
    std::string path = folder_.path(name);
    std::ofstream(path, std::ios::binary) << bytes;
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string problem(const std::string& path) {
    return preload_problem(path, library_).value_or("none");
  }
  TemporaryFolder folder_;
  std::string library_ = write("libheapfloor_probe.so", elf(""));
};

TEST_F(ProgramFile, ADynamicProgramForThisMachineIsFine) {
  EXPECT_EQ(problem(write("app", elf("/lib64/ld-linux-x86-64.so.2"))), "none");
}

TEST_F(ProgramFile, AStaticProgramIsToldToLinkTheProbe) {
  EXPECT_THAT(problem(write("app", elf(""))), HasSubstr("linked statically"));
}

TEST_F(ProgramFile, AProgramWithTheRightsOfItsOwnerIsRefused) {
  EXPECT_THAT(problem(write("app", elf("/lib64/ld.so"), 04755)), HasSubstr("set-user-id"));
  EXPECT_THAT(problem(write("app2", elf("/lib64/ld.so"), 02755)), HasSubstr("set-group-id"));
}

TEST_F(ProgramFile, AProgramForAnotherMachineIsRefused) {
  EXPECT_THAT(problem(write("app", elf("/lib/ld.so", EM_AARCH64))), HasSubstr("machine 183"));
}

TEST_F(ProgramFile, AProgramOfAnotherCLibraryIsRefused) {
  EXPECT_THAT(problem(write("app", elf("/lib/ld-musl-x86_64.so.1"))), HasSubstr("musl"));
}

TEST_F(ProgramFile, OfAScriptItsInterpreterDecides) {
  const std::string fine = write("python", elf("/lib64/ld.so"));
  const std::string fixed = write("busybox", elf(""));
  EXPECT_EQ(problem(write("a", "#! " + fine + " -u\nprint(1)\n")), "none");
  EXPECT_THAT(problem(write("b", "#!" + fixed + "\n")), HasSubstr("busybox is linked statically"));
  EXPECT_THAT(problem(write("c", "#!/nowhere/python\n")), HasSubstr("/nowhere/python: No such"));
  EXPECT_THAT(problem(write("d", "#! \n")), HasSubstr("without an interpreter"));
  const std::string circle = folder_.path("e");
  EXPECT_THAT(problem(write("e", "#!" + circle + "\n")), HasSubstr("script of a script"));
}

TEST_F(ProgramFile, WhatCannotBeRunAtAllIsSaidToBeThat) {
  EXPECT_THAT(problem(folder_.path("none")), HasSubstr("No such file"));
  EXPECT_THAT(problem(folder_.path()), HasSubstr("is no file"));
  EXPECT_THAT(problem(write("text", "hello\n")), HasSubstr("neither an ELF file nor a script"));
  EXPECT_THAT(problem(write("cut", elf("/lib/ld.so").substr(0, 70))), HasSubstr("far away"));
}

TEST_F(ProgramFile, AFileThatNobodyMayRunIsRefused) {
  EXPECT_THAT(problem(write("app", elf("/lib64/ld.so"), 0644)), HasSubstr("Permission denied"));
}

TEST_F(ProgramFile, AProgramIsFoundInTheFoldersOfThePath) {
  const std::string path = write("tool", elf("x"));
  write("data", "x", 0644);
  const std::string search = "/nowhere:" + folder_.path();
  EXPECT_EQ(find_program("tool", search), path);
  EXPECT_EQ(find_program("data", search), std::nullopt) << "it is not executable";
  EXPECT_EQ(find_program("./a/b", search), "./a/b");
  EXPECT_EQ(find_program("", search), std::nullopt);
}

TEST(ProgramHead, AnyBytesGiveAHeadOrAReason) {
  std::mt19937_64 random(3);
  const std::string good = elf("/lib64/ld-linux-x86-64.so.2");
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes = good;
    for (std::uint64_t change = random() % 6; change > 0; --change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bytes.resize(random() % bytes.size());
    const auto head = parse_program_head(bytes);
    if (head) {
      EXPECT_LE(head->interpreter.size(), bytes.size());
    } else {
      EXPECT_EQ(head.error().kind, ErrorKind::malformed);
    }
  }
}

}  // namespace
}  // namespace heapfloor
