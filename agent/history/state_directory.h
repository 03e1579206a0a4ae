// StateDirectory: the directory that holds the history, locked for one agent.
//
// Made with mode 0700 where it is missing (its parent must exist). Refused when it belongs to
// another user or others may write in it: what is read back from there is believed. The lock is
// flock(2) on the file `lock`: the kernel releases it with the process, however that ends.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "collectors/result.h"

namespace heapfloor {

class StateDirectory {
 public:
  // ErrorKind::denied: refused for good (another agent, another owner, a mode that lets others
  // write), with the reason; anything else may be better at the next attempt.
  [[nodiscard]] static Result<StateDirectory> open(const std::string& path);

  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&& other) noexcept;
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;
  ~StateDirectory();

  [[nodiscard]] std::string database_path() const { return path_ + "/history.db"; }

  // Random text that no other directory has, made when the directory was new.
  [[nodiscard]] Result<std::string> identity() const;

  // Renames the database with everything beside it to history.db.aside-N and returns the new name.
  // At most kKeptAside are kept, the oldest goes first.
  [[nodiscard]] Result<std::string> move_aside() const;
  static constexpr int kKeptAside = 3;

  // Room that is set aside while there is room, so that a full disk still lets old rows be deleted.
  void make_reserve(std::uint64_t bytes) const;  // without effect where there is no room
  void free_reserve() const;

 private:
  StateDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

}  // namespace heapfloor
