#include "watched_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX

namespace heapfloor::testing {
namespace {

constexpr int kMostWaitMilliseconds = 60'000;

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(WatchedProgram::Environment wanted) {
  wanted.try_emplace("LD_PRELOAD", HEAPFLOOR_PROBE_LIBRARY);
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!wanted.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : wanted) result.push_back(name + "=" + value);
  return result;
}

}  // namespace

const heapfloor_section& SegmentCopy::section(heapfloor_section_type type) const {
  for (const heapfloor_section& section : header().sections) {
    if (section.type == type) return section;
  }
  throw std::runtime_error("the segment lacks a section");
}

std::vector<heapfloor_arena> SegmentCopy::arenas() const {
  std::vector<heapfloor_arena> result;
  for (std::uint64_t i = 0; i < section(HEAPFLOOR_SECTION_ARENAS).used; ++i) {
    result.push_back(record<heapfloor_arena>(HEAPFLOOR_SECTION_ARENAS, i));
  }
  return result;
}

std::vector<heapfloor_site> SegmentCopy::sites() const {
  std::vector<heapfloor_site> result;
  for (std::uint64_t i = 0; i < section(HEAPFLOOR_SECTION_SITES).used; ++i) {
    result.push_back(record<heapfloor_site>(HEAPFLOOR_SECTION_SITES, i));
  }
  return result;
}

std::vector<std::uint64_t> SegmentCopy::frames_of(const heapfloor_site& site) const {
  std::vector<std::uint64_t> result;
  for (std::uint64_t i = 0; i < site.depth; ++i) {
    result.push_back(record<std::uint64_t>(HEAPFLOOR_SECTION_FRAMES, site.first_frame + i));
  }
  return result;
}

std::vector<heapfloor_live> SegmentCopy::live() const {
  std::vector<heapfloor_live> result;
  for (std::uint64_t i = 0; i < section(HEAPFLOOR_SECTION_LIVE).used; ++i) {
    const auto& sample = record<heapfloor_live>(HEAPFLOOR_SECTION_LIVE, i);
    if (HEAPFLOOR_LIVE_IS_ALIVE(sample.word)) result.push_back(sample);
  }
  return result;
}

double SegmentCopy::live_bytes_through(std::uint64_t begin, std::uint64_t end) const {
  double sum = 0;
  for (const heapfloor_site& site : sites()) {
    bool is_through = false;
    for (const std::uint64_t frame : frames_of(site))
      is_through = is_through || (frame >= begin && frame < end);
    if (is_through) sum += static_cast<double>(static_cast<std::int64_t>(site.live_bytes));
  }
  return sum;
}

WatchedProgram::WatchedProgram(std::vector<std::string> arguments, Environment environment) {
  std::array<int, 2> to_child = {};
  std::array<int, 2> from_child = {};
  if (pipe2(to_child.data(), O_CLOEXEC) != 0 || pipe2(from_child.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
  std::vector<std::string> variables = environment_with(std::move(environment));
  const int error = posix_spawnp(&pid_, arguments.front().c_str(), &actions, nullptr,
                                 pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
  if (error != 0) throw std::runtime_error(arguments.front() + ": " + std::strerror(error));
}

WatchedProgram::~WatchedProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (input_ >= 0) close(input_);
  close(output_);
}

std::optional<std::string> WatchedProgram::read_line() {
  for (;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kMostWaitMilliseconds) <= 0)
      throw std::runtime_error("the program says nothing");
    std::array<char, 4096> bytes = {};
    const ssize_t got = read(output_, bytes.data(), bytes.size());
    if (got <= 0) return std::nullopt;
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

bool WatchedProgram::becomes_ready() {
  while (const std::optional<std::string> line = read_line()) {
    std::istringstream words(*line);
    std::string first;
    words >> first;
    if (first == "ready") {
      words >> std::hex >> leaking_begin_ >> leaking_end_;
      return true;
    }
  }
  return false;
}

void WatchedProgram::send(char byte) {
  if (write(input_, &byte, 1) != 1) throw std::runtime_error("the program does not listen");
}

int WatchedProgram::finish() {
  close(std::exchange(input_, -1));
  while (read_line()) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<SegmentCopy> segment_of(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:" HEAPFLOOR_SEGMENT_NAME) == std::string::npos) continue;
    std::ifstream file(folder + "/map_files/" + line.substr(0, line.find(' ')), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    if (bytes.str().size() < sizeof(heapfloor_header)) return std::nullopt;
    return SegmentCopy(bytes.str());
  }
  return std::nullopt;
}

}  // namespace heapfloor::testing
