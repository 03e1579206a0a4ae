#include "tests/support/fixture_host.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace heapfloor::testing {
namespace fs = std::filesystem;

fs::path make_temporary_directory() {
  std::string name = (fs::temp_directory_path() / "heapfloor-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  return name;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

FixtureHost::FixtureHost(std::string_view scenario)
    : scenario_(fs::path(HEAPFLOOR_SOURCE_DIR) / "tests/fixtures" / scenario),
      directory_(make_temporary_directory()),
      root_(HostPaths{
          .procfs = directory_ / "proc", .sysfs = directory_ / "sys", .rootfs = directory_}) {
  show(0);
}

FixtureHost::~FixtureHost() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void FixtureHost::show(int tick) {
  std::array<char, 16> folder = {};
  std::snprintf(folder.data(), folder.size(), "t%02d", tick);
  const fs::path source = scenario_ / folder.data();
  std::set<fs::path> wanted;
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    const fs::path relative = fs::relative(entry.path(), source);
    wanted.insert(relative);
    if (entry.is_directory()) {
      fs::create_directories(directory_ / relative);
    } else {
      write_file(directory_ / relative, read_file(entry.path()));
    }
  }
  std::set<fs::path> stale;
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    const fs::path relative = fs::relative(entry.path(), directory_);
    if (!wanted.contains(relative)) stale.insert(entry.path());
  }
  for (const fs::path& path : stale) fs::remove_all(path);
}

}  // namespace heapfloor::testing
