// A program that looks to the agent as one with a probe: it samples its own allocations, all of
// them, into a segment of its own. Its commands come line by line on standard input:
//
//   leak N    allocates N users that nobody frees, by shop::register_users()
//   end       ends
//
// After each it says "done" on standard output, at first "ready".
#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/support/segment_writer.h"

namespace {

using heapfloor::testing::SegmentWriter;

SegmentWriter* segment = nullptr;
bool is_recording = false;
std::uint16_t structure_name = 0;
std::uint16_t phase_name = 0;

// Counts the allocation at the site of its stack.
void record(std::size_t size) {
  is_recording = false;
  std::array<void*, 40> frames;
  const int depth = backtrace(frames.data(), static_cast<int>(frames.size()));
  constexpr int kOwnFrames = 2;  // this one and operator new
  std::vector<std::uint64_t> stack;
  std::uint64_t hash = 14695981039346656037U;
  for (int i = kOwnFrames; i < depth; ++i) {
    stack.push_back(reinterpret_cast<std::uint64_t>(frames[static_cast<std::size_t>(i)]));
    hash = (hash ^ stack.back()) * 1099511628211U;
  }
  static std::unordered_map<std::uint64_t, std::uint32_t> sites;
  const auto known = sites.find(hash);
  const std::uint32_t index =
      known != sites.end() ? known->second : segment->add_site(hash, stack, 0);
  sites[hash] = index;
  heapfloor_site& site = segment->site(index);
  constexpr std::uint64_t kWeight = 1000;  // as if each stood for so many
  site.structure_name_index = structure_name;
  site.phase_name_index = phase_name;
  site.live_bytes += size * kWeight;
  site.allocated_bytes += size * kWeight;
  site.live_objects_q10 += kWeight * 1024;
  site.allocated_objects_q10 += kWeight * 1024;
  ++site.live_samples;
  ++site.samples;
  is_recording = true;
}

}  // namespace

__attribute__((noinline)) void* operator new(std::size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) std::abort();
  if (is_recording) record(size);
  return block;
}
__attribute__((noinline)) void operator delete(void* block) noexcept { std::free(block); }
__attribute__((noinline)) void operator delete(void* block, std::size_t /*size*/) noexcept {
  std::free(block);
}

namespace shop {

struct User {
  std::array<char, 200> name;
};

std::unordered_map<int, User>& users() {
  static std::unordered_map<int, User> all;
  return all;
}

__attribute__((noinline)) void register_users(int count) {
  for (int i = 0; i < count; ++i) users()[static_cast<int>(users().size())] = User();
  asm volatile("" ::: "memory");
}

}  // namespace shop

namespace {

void run() {
  SegmentWriter own(SegmentWriter::Where::memfd);
  segment = &own;
  own.header().pid = ::getpid();
  own.header().created_boottime_ns = 1;
  structure_name = own.add_name("user_cache");
  phase_name = own.add_name("grow");
  std::puts("ready");
  std::fflush(stdout);
  for (std::string command; std::getline(std::cin, command) && command != "end";) {
    const int count = std::stoi(command.substr(std::string("leak ").size()));
    is_recording = true;
    shop::register_users(count);
    is_recording = false;
    std::puts("done");
    std::fflush(stdout);
  }
}

}  // namespace

int main() {
  try {
    run();
    return 0;
  } catch (...) {
    return 1;
  }
}
