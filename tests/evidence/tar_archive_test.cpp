#include "agent/evidence/tar_archive.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>

#include "tests/support/fixture_host.h"

namespace heapfloor {
namespace {

std::string run(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> buffer = {};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), got);
  return output;
}

TEST(TarArchive, IsReadByTarAsItWasWritten) {
  const std::filesystem::path directory = testing::make_temporary_directory();
  const std::vector<EvidenceFile> files = {{"suspect.json", "{\"state\":\"leaking\"}\n"},
                                           {"empty.txt", ""},
                                           {"heap.pb.gz", std::string(512, '\x1F')},
                                           {std::string(100, 'n'), std::string(1000, 'x')}};
  const std::string path = (directory / "capture.tar").string();
  testing::write_file(path, tar_archive("20261129T061905Z-4711-leaking", files, 1'700'000'000));
  const std::string listing = run("TZ=UTC tar -tvf " + path + " --full-time 2>&1");
  std::istringstream lines(listing);
  for (const EvidenceFile& file : files) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << listing;
    EXPECT_TRUE(line.starts_with("-rw-r--r-- 0/0")) << line;
    EXPECT_NE(line.find(" 2023-11-14 22:13:20 20261129T061905Z-4711-leaking/" + file.name),
              std::string::npos)
        << line;
    EXPECT_EQ(run("tar -xOf " + path + " 20261129T061905Z-4711-leaking/" + file.name + " 2>&1"),
              file.bytes);
  }
  std::string rest;
  EXPECT_FALSE(std::getline(lines, rest)) << rest;
  std::filesystem::remove_all(directory);
}

TEST(TarArchive, OfNothingIsAnEmptyArchive) {
  EXPECT_EQ(tar_archive("name", {}, 0), std::string(1024, '\0'));
}

}  // namespace
}  // namespace heapfloor
