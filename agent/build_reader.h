// BuildReader: which build the watched processes run, by their program files.
//
// A program is read when its process is first met, when its name changed, and when one look in
// kLooksPerCheck finds that it has another file by now (exec). At most kReadsPerLook files are
// opened a look, and a file that is known by its device, inode, size and time of change is not read
// again. A file may lie on a server that does not answer: start() reads on a thread of its own, and
// only that one waits. Of a script or a jar the file that its command line names is looked at, not
// opened; one that is newer than its process is not what the process runs. The image of its
// container is told by who asks. Thread rule: every
// member may be called by any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "agent/series/build_identity.h"
#include "collectors/host_root.h"
#include "collectors/sample.h"

namespace heapfloor {

// A process whose build is wanted.
struct BuildQuery {
  ProcessId id;
  std::string comm;
  double start_unix_seconds = 0;
  ContainerImage image = {};  // empty where it is in no container, or not known
};

class BuildReader {
 public:
  using Builds = std::map<ProcessId, SharedBuild>;  // those that are known

  // `root` outlives it.
  explicit BuildReader(const HostRoot& root) : root_(root) {}
  BuildReader(const BuildReader&) = delete;
  BuildReader& operator=(const BuildReader&) = delete;
  ~BuildReader() { stop(); }

  // From now on follow() is followed by a look, on a thread of its own.
  void start();
  void stop();

  // All processes whose build is wanted now: the others are forgotten.
  void follow(std::vector<BuildQuery> wanted);
  // One look at them; what start() does.
  void look();
  // As of the last look; never null.
  [[nodiscard]] std::shared_ptr<const Builds> builds() const;

  static constexpr std::size_t kReadsPerLook = 256;
  static constexpr std::uint64_t kLooksPerCheck = 8;
  static constexpr std::size_t kMostFiles = 1024;  // that are remembered

 private:
  struct Known {
    std::string comm;
    std::optional<FileFacts> program;  // the file that was last looked at
    SharedBuild program_build;         // without the image
    ContainerImage image;
    SharedBuild build;
    std::uint64_t look = 0;  // the last one that it was wanted in
  };

  void run();
  void update(const BuildQuery& query, Known& known, std::size_t& reads);
  void update_program(const BuildQuery& query, Known& known, std::size_t& reads);
  [[nodiscard]] SharedBuild read(const ProcessDir& directory, const BuildQuery& query,
                                 const FileFacts& program);
  [[nodiscard]] static SharedBuild read_script(const ProcessDir& directory, const BuildQuery& query,
                                               std::string_view argument);
  [[nodiscard]] SharedBuild read_elf(const ProcessDir& directory, const std::string& program,
                                     const FileFacts& facts);

  const HostRoot& root_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<BuildQuery> wanted_;
  bool is_wanted_ = false, is_stopping_ = false;
  std::shared_ptr<const Builds> builds_ = std::make_shared<const Builds>();

  std::mutex look_mutex_;  // what follows
  std::map<ProcessId, Known> known_;
  using FileKey =
      std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::int64_t, std::string>;
  std::map<FileKey, SharedBuild> files_;
  std::uint64_t look_ = 0;
  std::thread thread_;
};

}  // namespace heapfloor
