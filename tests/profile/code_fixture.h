// Programs and files whose code tests look into.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "agent/profile/code_files.h"
#include "collectors/host_root.h"

namespace heapfloor::testing {

// A file opened through a HostRoot, as the product opens it: a directory that looks like a process
// whose exe is that file.
class OpenedFile {
 public:
  explicit OpenedFile(const std::filesystem::path& path)
      : directory_(std::filesystem::temp_directory_path() /
                   ("heapfloor-code-" + std::to_string(::getpid()) + "-" + std::to_string(next()))),
        root_(HostPaths{directory_ / "proc", directory_ / "sys", directory_}) {
    std::filesystem::create_directories(directory_ / "proc/1");
    std::filesystem::create_symlink(std::filesystem::absolute(path), directory_ / "proc/1/exe");
    auto process = root_.open_process(1);
    if (process) file_ = process->open_file("exe").value();
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  ~OpenedFile() {
    file_ = {};
    std::filesystem::remove_all(directory_);
  }
  [[nodiscard]] const HostFile& file() const { return file_; }

 private:
  static int next() {
    static int number = 0;
    return ++number;
  }

  std::filesystem::path directory_;
  DirectoryHostRoot root_;
  HostFile file_;
};

// What a program prints, line by line.
inline std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(::popen(command.c_str(), "r"),
                                                            ::pclose);
  std::string line;
  for (int byte = 0; out && (byte = std::fgetc(out.get())) != EOF;) {
    if (byte != '\n') {
      line.push_back(static_cast<char>(byte));
      continue;
    }
    lines.push_back(std::exchange(line, {}));
  }
  return lines;
}

// A call that programs/lines.cpp tells of.
struct ToldCall {
  std::uint64_t address = 0;
  std::int64_t line = 0;
};

inline std::map<std::string, ToldCall> told_calls(const std::string& program) {
  std::map<std::string, ToldCall> calls;
  for (const std::string& line : lines_of(program)) {
    std::istringstream words(line);
    std::string name;
    ToldCall call;
    if (words >> name >> std::hex >> call.address >> std::dec >> call.line) calls[name] = call;
  }
  return calls;
}

}  // namespace heapfloor::testing
