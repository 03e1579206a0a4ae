#include "collectors/host_root.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fixture_host.h"
#include "tests/support/live_child.h"

namespace heapfloor {
namespace {

using testing::LiveChild;
using testing::make_temporary_directory;
using testing::write_file;
using Tree = HostRoot::Tree;

class HostRootTest : public ::testing::Test {
 protected:
  HostRootTest()
      : directory_(make_temporary_directory()),
        root_(HostPaths{directory_ / "proc", directory_ / "sys", directory_ / "root"}) {
    std::filesystem::create_directories(directory_ / "proc");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  DirectoryHostRoot root_;
};

// Leaves the process without a free descriptor while it exists.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    struct rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  struct rlimit before_ = {};
};

// Leaves the process with exactly the descriptors that it has: one may be closed and opened again.
class DescriptorsExhausted {
 public:
  DescriptorsExhausted() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    struct rlimit few = before_;
    few.rlim_cur = std::min<rlim_t>(few.rlim_cur, 256);
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int opened = ::dup(0); opened >= 0; opened = ::dup(0)) opened_.push_back(opened);
  }
  DescriptorsExhausted(const DescriptorsExhausted&) = delete;
  DescriptorsExhausted& operator=(const DescriptorsExhausted&) = delete;
  ~DescriptorsExhausted() {
    for (const int opened : opened_) ::close(opened);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  struct rlimit before_ = {};
  std::vector<int> opened_;
};

TEST_F(HostRootTest, CountsTheLinesOfAFileThatNoBufferHolds) {
  std::string text;
  for (int line = 0; line < 100; ++line) text += "a line that is longer than the buffer\n";
  write_file(directory_ / "proc/7/maps", text + "cut");
  const auto process = root_.open_process(7);
  ASSERT_TRUE(process);
  std::array<char, 16> buffer = {};
  EXPECT_EQ(process->count_lines("maps", buffer).value(), 100U);
  EXPECT_FALSE(process->count_lines("nothing", buffer));
}

TEST_F(HostRootTest, ShowsTheLinesOfAFileThatNoBufferHoldsOneByOne) {
  write_file(directory_ / "proc/42/maps", "one\ntwo two\n\nthe last has no end");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  for (const std::size_t room : {std::size_t{48}, std::size_t{64}, std::size_t{4096}}) {
    std::vector<char> buffer(room);
    std::vector<std::string> lines;
    ASSERT_TRUE(process->read_lines("maps", buffer, [&lines](std::string_view line) {
      lines.emplace_back(line);
      return true;
    }));
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two two", "", "the last has no end"}))
        << room;
  }
}

TEST_F(HostRootTest, OfALineThatIsTooLongTheEndIsShownAndReadingStopsWhereItIsAskedTo) {
  const std::string tail = "0123456789abcdef";
  write_file(directory_ / "proc/42/maps", std::string(1000, 'x') + tail + "\nnext\nlast\n");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  std::vector<char> buffer(32);
  std::vector<std::string> lines;
  ASSERT_TRUE(process->read_lines("maps", buffer, [&lines](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 2;
  }));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].ends_with(tail)) << lines[0];
  EXPECT_EQ(lines[1], "next");
}

TEST_F(HostRootTest, ReadsThePartsOfAMappedFileAndNothingBehindIt) {
  write_file(directory_ / "proc/42/stat", "");
  write_file(directory_ / "proc/42/map_files/7f00-8f00", "0123456789");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  const auto mapped = process->open_mapped_file(0x7f00, 0x8f00);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->size(), 10U);
  EXPECT_TRUE(mapped->outlives_process());
  std::array<std::byte, 4> bytes = {};
  ASSERT_TRUE(mapped->read(6, bytes));
  EXPECT_EQ(bytes[3], std::byte{'9'});
  EXPECT_FALSE(mapped->read(7, bytes));
  EXPECT_FALSE(mapped->read(UINT64_MAX, bytes));
  EXPECT_EQ(process->open_mapped_file(1, 2).error().kind, ErrorKind::unavailable);
}

TEST_F(HostRootTest, LooksAtTheFileThatALinkLeadsTo) {
  write_file(directory_ / "proc/program", "12345");
  std::filesystem::create_directories(directory_ / "proc/7");
  std::filesystem::create_symlink("../program", directory_ / "proc/7/exe");
  std::filesystem::create_symlink("../nothing", directory_ / "proc/7/dangling");
  const auto process = root_.open_process(7);
  ASSERT_TRUE(process);
  const auto facts = process->look_at_file("exe");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->size_bytes, 5U);
  EXPECT_NE(facts->inode, 0U);
  EXPECT_EQ(process->look_at_file("exe").value(), *facts);
  EXPECT_FALSE(process->look_at_file("dangling"));
}

TEST_F(HostRootTest, EachTreeIsReadUnderItsOwnMountPoint) {
  write_file(directory_ / "proc/x", "of proc");
  write_file(directory_ / "sys/x", "of sys");
  write_file(directory_ / "root/x", "of root");
  std::array<char, 64> buffer = {};
  EXPECT_EQ(root_.read(Tree::proc, "x", buffer).value(), "of proc");
  EXPECT_EQ(root_.read(Tree::sys, "x", buffer).value(), "of sys");
  EXPECT_EQ(root_.read(Tree::root, "x", buffer).value(), "of root");
}

TEST_F(HostRootTest, AFileThatJustFitsIsReadAndOneByteMoreIsTooLarge) {
  std::array<char, 8> buffer = {};
  write_file(directory_ / "proc/x", "12345678");
  EXPECT_EQ(root_.read(Tree::proc, "x", buffer).value(), "12345678");
  write_file(directory_ / "proc/x", "123456789");
  const auto text = root_.read(Tree::proc, "x", buffer);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::malformed);
  EXPECT_NE(text.error().reason.find("too large"), std::string::npos);
  EXPECT_EQ(text.error().path, (directory_ / "proc/x").string());
}

TEST_F(HostRootTest, AShortReadIsNotTheEndOfAFile) {
  // A kernel file larger than a page answers page by page.
  const DirectoryHostRoot live;
  std::vector<char> buffer(1U << 20);
  const auto text = live.read(Tree::proc, "kallsyms", buffer);
  if (!text && text.error().kind == ErrorKind::malformed)
    return;  // more than fits: several reads were needed too
  if (!text) GTEST_SKIP() << text.error().reason;
  EXPECT_GT(text->size(), 4096U);
  EXPECT_EQ(text->back(), '\n');
}

TEST_F(HostRootTest, AMissingFileIsUnavailable) {
  std::array<char, 8> buffer = {};
  const auto text = root_.read(Tree::proc, "pressure/memory", buffer);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
}

TEST(ErrorKindOf, EveryRefusalOfTheKernelHasItsKind) {
  EXPECT_EQ(error_kind_of(ENOENT), ErrorKind::unavailable);
  EXPECT_EQ(error_kind_of(EOPNOTSUPP), ErrorKind::unavailable);
  EXPECT_EQ(error_kind_of(ENOTSUP), ErrorKind::unavailable);
  EXPECT_EQ(error_kind_of(ESRCH), ErrorKind::gone);
  EXPECT_EQ(error_kind_of(EACCES), ErrorKind::denied);
  EXPECT_EQ(error_kind_of(EPERM), ErrorKind::denied);
  EXPECT_EQ(error_kind_of(ETIMEDOUT), ErrorKind::timeout);
  EXPECT_EQ(error_kind_of(EFBIG), ErrorKind::malformed);
  EXPECT_EQ(error_kind_of(EIO), ErrorKind::io);
  EXPECT_EQ(error_kind_of(EMFILE), ErrorKind::io);
}

TEST_F(HostRootTest, PidsAreListedAscendingAndNothingElseIs) {
  for (const char* name : {"10", "9", "100", "self", "1x", "0", "-1", "99999999999", "acpi"}) {
    std::filesystem::create_directories(directory_ / "proc" / name);
  }
  std::vector<std::int32_t> pids = {7};
  ASSERT_TRUE(root_.list_pids(pids));
  EXPECT_EQ(pids, (std::vector<std::int32_t>{9, 10, 100}));
}

TEST_F(HostRootTest, AHostWithoutProcIsAnErrorThatNamesThePath) {
  std::filesystem::remove_all(directory_ / "proc");
  std::vector<std::int32_t> pids;
  const auto listed = root_.list_pids(pids);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().path, (directory_ / "proc").string());
}

TEST_F(HostRootTest, AProcessThatIsNotThereIsGone) {
  const auto process = root_.open_process(42);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().kind, ErrorKind::gone);
}

TEST_F(HostRootTest, AFileThatALiveProcessLacksIsUnavailable) {
  write_file(directory_ / "proc/42/stat", "42 (x) S\n");
  auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  std::array<char, 64> buffer = {};
  const auto text = process->read("smaps_rollup", buffer);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(process->keep_open("statm"), ProcessDir::Keeping::failed);
}

TEST_F(HostRootTest, AKeptLineIsReadAnewEachTime) {
  write_file(directory_ / "proc/42/statm", "1 2 3 4 5 6 7\n");
  auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  ASSERT_EQ(process->keep_open("statm"), ProcessDir::Keeping::kept);
  std::array<char, 64> buffer = {};
  EXPECT_EQ(process->read_kept_line("statm", buffer).value(), "1 2 3 4 5 6 7\n");
  write_file(directory_ / "proc/42/statm", "9 2 3 4 5 6 7\n");
  EXPECT_EQ(process->read_kept_line("statm", buffer).value(), "9 2 3 4 5 6 7\n");
}

TEST(HostRootLive, EverythingOpenOfAProcessSaysGoneOnceItWasReaped) {
  const DirectoryHostRoot root;
  LiveChild child;
  auto process = root.open_process(child.pid());
  ASSERT_TRUE(process);
  ASSERT_TRUE(process->pinned());
  ASSERT_EQ(process->keep_open("statm"), ProcessDir::Keeping::kept);
  std::array<char, 8192> buffer = {};
  ASSERT_TRUE(process->read("stat", buffer));
  ASSERT_TRUE(process->read_kept_line("statm", buffer));
  child.kill_and_reap();
  const auto stat = process->read("stat", buffer);
  ASSERT_FALSE(stat);
  EXPECT_EQ(stat.error().kind, ErrorKind::gone);
  const auto statm = process->read_kept_line("statm", buffer);
  ASSERT_FALSE(statm);
  EXPECT_EQ(statm.error().kind, ErrorKind::gone);
}

TEST_F(HostRootTest, WithoutAFreeDescriptorFilesAreReadThroughTheSpareOne) {
  write_file(directory_ / "proc/meminfo", "MemTotal: 1 kB\n");
  write_file(directory_ / "proc/42/stat", "42 (x) S\n");
  std::array<char, 64> buffer = {};
  std::vector<std::int32_t> pids;
  const DescriptorsExhausted exhausted;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(root_.read(Tree::proc, "meminfo", buffer).value_or(""), "MemTotal: 1 kB\n");
    EXPECT_TRUE(root_.list_pids(pids));
    EXPECT_EQ(pids, std::vector<std::int32_t>{42});
    auto process = root_.open_process(42);
    ASSERT_TRUE(process);
    EXPECT_FALSE(process->pinned());
    EXPECT_EQ(process->keep_open("stat"), ProcessDir::Keeping::no_descriptor);
    EXPECT_EQ(process->read("stat", buffer).value_or(""), "42 (x) S\n");
  }
}

TEST_F(HostRootTest, AProcessThatIsNotThereIsGoneByPathToo) {
  const DescriptorsExhausted exhausted;
  auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  std::array<char, 64> buffer = {};
  const auto text = process->read("stat", buffer);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::gone);
}

TEST_F(HostRootTest, WhenEvenTheSpareIsRefusedTheErrorIsReturned) {
  write_file(directory_ / "proc/meminfo", "MemTotal: 1 kB\n");
  std::array<char, 64> buffer = {};
  {
    const NoDescriptorsLeft none;
    const auto text = root_.read(Tree::proc, "meminfo", buffer);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().kind, ErrorKind::io);
  }
  EXPECT_TRUE(root_.read(Tree::proc, "meminfo", buffer));
}

TEST_F(HostRootTest, ADirectoryIsItsInodeAndKnowsWhetherItHasDirectories) {
  write_file(directory_ / "sys/fs/a/file", "x");
  const auto leaf = root_.look_at_directory(Tree::sys, "fs/a");
  ASSERT_TRUE(leaf);
  struct stat status = {};
  ASSERT_EQ(::stat((directory_ / "sys/fs/a").c_str(), &status), 0);
  EXPECT_EQ(leaf->inode, status.st_ino);
  EXPECT_TRUE(root_.look_at_directory(Tree::sys, "fs")->may_have_directories);
  for (const char* path : {"fs/none", "fs/a/file"}) {
    const auto refused = root_.look_at_directory(Tree::sys, path);
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
}

TEST_F(HostRootTest, DirectoriesAreListedInOrderWithoutFilesAndLinks) {
  for (const char* name : {"b", "a", ".hidden"})
    std::filesystem::create_directories(directory_ / "sys/fs" / name);
  write_file(directory_ / "sys/fs/file", "x");
  std::filesystem::create_directory_symlink("a", directory_ / "sys/fs/link");
  std::vector<std::string> names = {"stale"};
  ASSERT_TRUE(root_.list_directories(Tree::sys, "fs", 10, names));
  EXPECT_EQ(names, (std::vector<std::string>{".hidden", "a", "b"}));
  ASSERT_TRUE(root_.list_directories(Tree::sys, "fs", 2, names));
  EXPECT_EQ(names.size(), 2U);
  EXPECT_FALSE(root_.list_directories(Tree::sys, "fs/none", 2, names));
}

TEST_F(HostRootTest, DirectoriesAreListedWithTheLastDescriptor) {
  std::filesystem::create_directories(directory_ / "sys/fs/a");
  std::vector<std::string> names;
  const DescriptorsExhausted exhausted;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(root_.list_directories(Tree::sys, "fs", 10, names));
    EXPECT_EQ(names, (std::vector<std::string>{"a"}));
  }
}

TEST_F(HostRootTest, AFileOfAProcessIsReadAtAnyPlace) {
  write_file(directory_ / "proc/42/exe", "0123456789");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  const auto file = process->open_file("exe");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->facts().size_bytes, 10U);
  std::array<char, 4> buffer = {};
  ASSERT_EQ(file->read_at(3, buffer), 4U);
  EXPECT_EQ(std::string_view(buffer.data(), 4), "3456");
  EXPECT_EQ(file->read_at(8, buffer), 2U);
  EXPECT_EQ(file->read_at(10, buffer), 0U);
  EXPECT_EQ(file->read_at(std::uint64_t{1} << 62, buffer), 0U);
  EXPECT_FALSE(file->read_at(std::uint64_t{1} << 63, buffer));
}

TEST_F(HostRootTest, WhatIsNoRegularFileIsNotOpened) {
  std::filesystem::create_directories(directory_ / "proc/42/map_files");
  write_file(directory_ / "proc/42/stat", "alive");
  ASSERT_EQ(::mkfifo((directory_ / "proc/42/exe").c_str(), 0600), 0);
  const auto process = root_.open_process(42);
  for (const char* name : {"exe", "map_files", "none"}) {
    const auto file = process->open_file(name);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().kind, ErrorKind::unavailable);
  }
}

TEST_F(HostRootTest, ALinkInAProcessesRootDoesNotLeadOutOfIt) {
  write_file(directory_ / "proc/42/root/lib/real.so", "inside");
  write_file(directory_ / "secret", "outside");
  std::filesystem::create_symlink("/lib/real.so", directory_ / "proc/42/root/lib/absolute.so");
  std::filesystem::create_symlink(directory_ / "secret", directory_ / "proc/42/root/lib/out.so");
  std::filesystem::create_symlink("../../../../secret", directory_ / "proc/42/root/lib/up.so");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  for (const char* path : {"/lib/real.so", "/lib/absolute.so"}) {
    const auto file = process->open_in_root(path);
    ASSERT_TRUE(file) << path;
    EXPECT_EQ(file->facts().size_bytes, 6U);
  }
  EXPECT_FALSE(process->open_in_root("/lib/out.so"));
  EXPECT_FALSE(process->open_in_root("/lib/up.so"));
}

// A socket that listens below a directory.
class Listener {
 public:
  explicit Listener(const std::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    is_listening_ =
        ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(socket_, 1) == 0;
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(socket_); }
  [[nodiscard]] bool is_listening() const { return is_listening_; }

 private:
  int socket_;
  bool is_listening_ = false;
};

TEST_F(HostRootTest, AFolderConnectsToItsSocketsAndFollowsNoLink) {
  const std::filesystem::path folder = directory_ / "proc/42/root/tmp";
  std::filesystem::create_directories(folder);
  const Listener listener(folder / "there");
  ASSERT_TRUE(listener.is_listening());
  std::filesystem::create_symlink("there", folder / "link");
  write_file(directory_ / "proc/42/root/tmp/file", "x");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  const auto tmp = process->open_folder_in_root("/tmp");
  ASSERT_TRUE(tmp) << tmp.error().reason;
  const auto connected = tmp->connect("there");
  ASSERT_TRUE(connected) << connected.error().reason;
  ::close(*connected);
  EXPECT_FALSE(tmp->connect("link"));
  EXPECT_FALSE(tmp->connect("file"));
  EXPECT_EQ(tmp->connect("none").error().kind, ErrorKind::unavailable);
}

TEST_F(HostRootTest, AFolderMakesAFileOnlyWhereThereIsNone) {
  const std::filesystem::path folder = directory_ / "proc/42/root/tmp";
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink("made", folder / "link");
  const auto tmp = root_.open_process(42)->open_folder_in_root("/tmp");
  ASSERT_TRUE(tmp);
  EXPECT_TRUE(tmp->make_file("new"));
  EXPECT_FALSE(tmp->make_file("new"));
  EXPECT_FALSE(tmp->make_file("link")) << "it would make what the link leads to";
  EXPECT_FALSE(std::filesystem::exists(folder / "made"));
  tmp->remove_file("new");
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

TEST_F(HostRootTest, AFolderBehindALinkIsNotOpened) {
  std::filesystem::create_directories(directory_ / "proc/42/root/var/tmp");
  std::filesystem::create_symlink("var/tmp", directory_ / "proc/42/root/tmp");
  EXPECT_FALSE(root_.open_process(42)->open_folder_in_root("/tmp"));
}

TEST_F(HostRootTest, AFileInAProcessesRootIsLookedAtWithoutBeingOpened) {
  write_file(directory_ / "proc/42/stat", "alive");
  write_file(directory_ / "proc/42/root/app/main.py", "inside");
  ASSERT_EQ(::chmod((directory_ / "proc/42/root/app/main.py").c_str(), 0), 0);
  ASSERT_EQ(::mkfifo((directory_ / "proc/42/root/app/pipe").c_str(), 0600), 0);
  write_file(directory_ / "secret", "outside");
  std::filesystem::create_symlink(directory_ / "secret", directory_ / "proc/42/root/app/out.py");
  const auto process = root_.open_process(42);
  ASSERT_TRUE(process);
  const auto facts = process->look_in_root("/app/main.py");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->size_bytes, 6U);
  EXPECT_GT(facts->modified_nanoseconds, 0);
  for (const char* path : {"/app", "/app/pipe", "/app/out.py", "/app/none.py", ""}) {
    const auto refused = process->look_in_root(path);
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable) << path;
  }
}

// A memfd of that name and its mappings, one a page.
class SharedFile {
 public:
  SharedFile(const char* name, int flags, std::size_t mappings = 1)
      : file_(::memfd_create(name, MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(file_, kBytes), 0);
    for (std::size_t i = 0; i < mappings; ++i)
      places_.push_back(::mmap(nullptr, kBytes, PROT_READ, flags, file_, 0));
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ~SharedFile() {
    for (void* const place : places_) ::munmap(place, kBytes);
    ::close(file_);
  }

 private:
  static constexpr std::size_t kBytes = 4096;
  int file_;
  std::vector<void*> places_;
};

// What the kernel says of this test's own mappings; nothing where it is older than Linux 6.11.
std::optional<bool> shares(std::string_view path) {
  const DirectoryHostRoot root;
  const auto own = root.open_process(::getpid());
  const auto shared = own->maps_shared(path);
  EXPECT_TRUE(shared);
  return shared ? *shared : std::nullopt;
}

TEST(MapsShared, TheKernelTellsASharedFileByItsName) {
  if (!shares("/memfd:none (deleted)")) GTEST_SKIP() << "Linux 6.11 can be asked";
  EXPECT_EQ(shares("/memfd:heapfloor_share (deleted)"), false);
  {
    const SharedFile file("heapfloor_share", MAP_SHARED);
    EXPECT_EQ(shares("/memfd:heapfloor_share (deleted)"), true);
    EXPECT_EQ(shares("/memfd:heapfloor_shar (deleted)"), false);
  }
  const SharedFile file("heapfloor_share", MAP_PRIVATE);
  EXPECT_EQ(shares("/memfd:heapfloor_share (deleted)"), false);
}

TEST(MapsShared, AfterSoManySharedFilesOnlyMapsCanTell) {
  if (!shares("/memfd:none (deleted)")) GTEST_SKIP() << "Linux 6.11 can be asked";
  // Every second mapping is another file's: neighbours of one file would be one mapping.
  std::vector<std::unique_ptr<SharedFile>> files;
  for (std::size_t i = 0; i < ProcessDir::kMostSharedAsked; ++i)
    files.push_back(std::make_unique<SharedFile>(i % 2 == 0 ? "even" : "odd", MAP_SHARED));
  EXPECT_EQ(shares("/memfd:none (deleted)"), std::nullopt);
}

TEST(MapsShared, AProcessThatHasEndedIsGone) {
  LiveChild child;
  const DirectoryHostRoot root;
  const auto opened = root.open_process(child.pid());
  child.kill_and_reap();
  const auto shared = opened->maps_shared("/memfd:none (deleted)");
  if (shared && !shared->has_value()) GTEST_SKIP() << "Linux 6.11 can be asked";
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().kind, ErrorKind::gone);
}

TEST_F(HostRootTest, AFixturesMappingsCanOnlyBeRead) {
  write_file(directory_ / "proc/42/maps", "");
  const auto shared = root_.open_process(42)->maps_shared("/memfd:none (deleted)");
  ASSERT_TRUE(shared);
  EXPECT_EQ(*shared, std::nullopt);
}

TEST_F(HostRootTest, TheKernelsLogIsReadFromItsEndOn) {
  EXPECT_EQ(root_.open_kernel_log().error().kind, ErrorKind::unavailable);
  write_file(directory_ / "root/dev/kmsg", "6,1,2,-;before\n");
  std::array<char, 128> buffer = {};
  const auto log = root_.open_kernel_log();
  ASSERT_TRUE(log);
  EXPECT_EQ(log->next(buffer).value(), std::nullopt);
  write_file(directory_ / "root/dev/kmsg", "6,1,2,-;before\n6,2,3,-;after\n");
  EXPECT_EQ(log->next(buffer).value(), "6,2,3,-;after\n");
  EXPECT_EQ(log->next(buffer).value(), std::nullopt);
}

}  // namespace
}  // namespace heapfloor
