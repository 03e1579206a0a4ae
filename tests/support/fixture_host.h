// A host as files under tests/fixtures/SCENARIO/tNN/proc, shown tick by tick through the product's
// own HostRoot.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "collectors/host_root.h"

namespace heapfloor::testing {

class FixtureHost {
 public:
  // Shows tick 0.
  explicit FixtureHost(std::string_view scenario);
  FixtureHost(const FixtureHost&) = delete;
  FixtureHost& operator=(const FixtureHost&) = delete;
  ~FixtureHost();

  // Shows another tick. Files that both ticks have are overwritten in place, so that descriptors
  // held open see the new text, as they do in procfs.
  void show(int tick);

  [[nodiscard]] const HostRoot& root() const { return root_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path scenario_;
  std::filesystem::path directory_;
  DirectoryHostRoot root_;
};

// A directory of its own under the system's temporary directory; the caller removes it.
std::filesystem::path make_temporary_directory();

// The bytes of a file, and a file of these bytes.
std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace heapfloor::testing
