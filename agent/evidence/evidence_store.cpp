#include "agent/evidence/evidence_store.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

namespace heapfloor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRecordName = "record.json";
constexpr std::string_view kUnfinished = ".new-";
constexpr std::uint64_t kMostRecordBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kMostFileBytes = std::uint64_t{64} << 20;

Failure failed(std::string path) {
  return failure(ErrorKind::io, std::move(path), std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

Result<void> write_file(const std::string& path, std::string_view bytes) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return failed(path);
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return failed(path);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0) return failed(path);
  return {};
}

Result<std::string> read_file(const std::string& path, std::uint64_t most_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failed(path);
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) > most_bytes)
    return failure(ErrorKind::malformed, path, "not a file of a capture");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path);
    if (got == 0) return failure(ErrorKind::malformed, path, "it was cut while it was read");
    length += static_cast<std::size_t>(got);
  }
  return bytes;
}

// So that the names in it are on the disk as well.
Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed(path);
  return {};
}

void remove_directory(const std::string& path) {
  std::error_code ignored;  // what stays is counted as unfinished or damaged by the next start
  fs::remove_all(path, ignored);
}

// The capture in `path`, where it is whole and its own.
Result<EvidenceRecord> read_capture(const std::string& path, std::string_view id) {
  const auto text = read_file(path + "/" + std::string(kRecordName), kMostRecordBytes);
  if (!text) return Failure(text.error());
  auto record = parse_evidence_record(*text);
  if (!record) return record;
  if (record->id != id) return failure(ErrorKind::malformed, path, "the record is another one's");
  for (const EvidenceRecord::File& file : record->files) {
    struct stat status = {};
    const std::string name = path + "/" + file.name;
    const bool is_whole = ::lstat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                          static_cast<std::uint64_t>(status.st_size) == file.bytes;
    if (!is_whole) return failure(ErrorKind::malformed, name, "is not what the record says");
  }
  return record;
}

}  // namespace

Result<void> EvidenceStore::open(const std::string& directory, double now_wall_seconds) {
  const std::scoped_lock lock(mutex_);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return failed(directory);
  std::error_code error;
  for (const auto& found : fs::directory_iterator(directory, error)) {
    const std::string name = found.path().filename().string();
    if (name.starts_with(kUnfinished)) {
      remove_directory(found.path().string());
    } else if (auto record = read_capture(found.path().string(), name)) {
      entries_.insert_or_assign(name, Entry{std::move(*record), {}});
    } else {
      ++stats_.damaged;
    }
  }
  if (!error) directory_ = directory;
  make_room(now_wall_seconds);
  publish();
  if (error) return failure(ErrorKind::io, directory, error.message());
  return {};
}

// Of one second, one program and one occasion there may be several: the later ones get a number.
std::string EvidenceStore::new_id(const EvidenceDraft& draft) const {
  const auto seconds = static_cast<std::time_t>(draft.wall_seconds);
  const std::string first = fmt::format("{:%Y%m%dT%H%M%SZ}-{}-{}", fmt::gmtime(seconds),
                                        draft.process.pid, occasion_name(draft.occasion));
  std::string id = first;
  for (int number = 2; entries_.contains(id); ++number) id = fmt::format("{}-{}", first, number);
  return id;
}

std::string EvidenceStore::put(EvidenceDraft draft) {
  const std::scoped_lock lock(mutex_);
  Entry entry;
  entry.record = {new_id(draft),
                  draft.occasion,
                  draft.subject,
                  draft.name,
                  draft.process,
                  draft.wall_seconds,
                  {}};
  for (const EvidenceFile& file : draft.files)
    entry.record.files.push_back({file.name, file.bytes.size()});
  ++stats_.taken.at(static_cast<std::size_t>(draft.occasion));
  const Result<void> written =
      directory_.empty() ? Result<void>() : write(entry.record, draft.files);
  if (!written) ++stats_.failures;
  if (directory_.empty() || !written) entry.in_memory = std::move(draft.files);
  std::string id = entry.record.id;
  entries_.emplace(id, std::move(entry));
  make_room(draft.wall_seconds);
  publish();
  return id;
}

Result<void> EvidenceStore::write(const EvidenceRecord& record,
                                  const std::vector<EvidenceFile>& files) const {
  const std::string unfinished = fmt::format("{}/{}{}", directory_, kUnfinished, record.id);
  const std::string finished = fmt::format("{}/{}", directory_, record.id);
  Result<void> done;
  if (::mkdir(unfinished.c_str(), 0700) != 0) done = failed(unfinished);
  for (const EvidenceFile& file : files) {
    if (done) done = write_file(unfinished + "/" + file.name, file.bytes);
  }
  if (done)
    done = write_file(unfinished + "/" + std::string(kRecordName), evidence_record_text(record));
  if (done) done = sync_directory(unfinished);
  if (done && ::rename(unfinished.c_str(), finished.c_str()) != 0) done = failed(finished);
  if (!done) {
    remove_directory(unfinished);
    return done;
  }
  // Until the next one is written a loss of power may still take it.
  static_cast<void>(sync_directory(directory_));
  return {};
}

bool EvidenceStore::is_over(double now_wall_seconds) const {
  double bytes = 0;
  std::size_t in_memory = 0;
  for (const auto& [id, entry] : entries_) {
    bytes += static_cast<double>(entry.record.bytes());
    for (const EvidenceFile& file : entry.in_memory) in_memory += file.bytes.size();
  }
  const EvidenceRecord& oldest = entries_.begin()->second.record;
  return entries_.size() > limits_.captures || bytes > limits_.bytes ||
         in_memory > kMostBytesInMemory || now_wall_seconds - oldest.wall_seconds > limits_.seconds;
}

// Ids sort by time. The newest always stays.
void EvidenceStore::make_room(double now_wall_seconds) {
  while (entries_.size() > 1 && is_over(now_wall_seconds)) forget(entries_.begin()->first);
}

void EvidenceStore::forget(const std::string& id) {
  const auto found = entries_.find(id);
  if (found->second.in_memory.empty() && !directory_.empty())
    remove_directory(directory_ + "/" + id);
  entries_.erase(found);
}

std::shared_ptr<const EvidenceList> EvidenceStore::list() const {
  const std::scoped_lock lock(mutex_);
  return list_;
}

void EvidenceStore::publish() const {
  auto list = std::make_shared<EvidenceList>();
  for (const auto& [id, entry] : entries_) list->records.push_back(entry.record);
  std::ranges::reverse(list->records);
  list->stats = stats_;
  list->stats.captures = entries_.size();
  for (const EvidenceRecord& record : list->records) list->stats.bytes += record.bytes();
  list_ = std::move(list);
}

std::optional<EvidenceRecord> EvidenceStore::find(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.record);
}

std::optional<EvidenceRecord> EvidenceStore::find_last(const ProcessId& process,
                                                       std::string_view file) const {
  const std::scoped_lock lock(mutex_);
  const EvidenceRecord* last = nullptr;
  for (const auto& [id, entry] : entries_) {
    const EvidenceRecord& record = entry.record;
    const bool is_same =
        record.process.pid == process.pid &&
        (process.start_ticks == 0 || record.process.start_ticks == process.start_ticks);
    const auto named = std::ranges::find(record.files, file, &EvidenceRecord::File::name);
    if (is_same && named != record.files.end()) last = &record;
  }
  return last == nullptr ? std::nullopt : std::optional(*last);
}

Result<std::string> EvidenceStore::read(std::string_view id, std::string_view file) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end())
    return failure(ErrorKind::unavailable, std::string(id), "no such capture");
  const Entry& entry = found->second;
  const auto listed = std::ranges::find(entry.record.files, file, &EvidenceRecord::File::name);
  if (listed == entry.record.files.end())
    return failure(ErrorKind::unavailable, std::string(id), "no such file in the capture");
  for (const EvidenceFile& kept : entry.in_memory) {
    if (kept.name == file) return kept.bytes;
  }
  auto bytes = read_file(fmt::format("{}/{}/{}", directory_, id, file), kMostFileBytes);
  if (!bytes) {
    ++stats_.failures;
    publish();
  }
  return bytes;
}

}  // namespace heapfloor
