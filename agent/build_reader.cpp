#include "agent/build_reader.h"

#include <array>
#include <string_view>
#include <utility>

#include "agent/series/default_group.h"
#include "agent/series/process_facts.h"
#include "collectors/parse/elf_build.h"
#include "collectors/process_identity.h"

namespace heapfloor {
namespace {

constexpr std::size_t kMostPath = 4096;
constexpr std::size_t kMostCommandLine = 4096;
constexpr std::string_view kDeleted = " (deleted)";
// Start times are of clock ticks, and the date may have been set since.
constexpr double kStartToleranceSeconds = 2;

std::string program_name(std::string_view path) {
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(base_name(path));
}

}  // namespace

void BuildReader::start() {
  thread_ = std::thread([this] { run(); });
}

void BuildReader::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BuildReader::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return is_stopping_ || is_wanted_; });
      if (is_stopping_) return;
      is_wanted_ = false;
    }
    look();
  }
}

void BuildReader::follow(std::vector<BuildQuery> wanted) {
  {
    const std::scoped_lock lock(mutex_);
    wanted_ = std::move(wanted);
    is_wanted_ = true;
  }
  wake_.notify_one();
}

std::shared_ptr<const BuildReader::Builds> BuildReader::builds() const {
  const std::scoped_lock lock(mutex_);
  return builds_;
}

void BuildReader::look() {
  const std::scoped_lock look_lock(look_mutex_);
  std::vector<BuildQuery> wanted;
  {
    const std::scoped_lock lock(mutex_);
    wanted = wanted_;
  }
  ++look_;
  std::size_t reads = 0;
  for (const BuildQuery& query : wanted) {
    Known& known = known_[query.id];
    known.look = look_;
    update(query, known, reads);
  }
  std::erase_if(known_, [this](const auto& item) { return item.second.look != look_; });
  Builds found;
  for (const auto& [id, known] : known_) {
    if (known.build) found.emplace_hint(found.end(), id, known.build);
  }
  auto shared = std::make_shared<const Builds>(std::move(found));
  const std::scoped_lock lock(mutex_);
  builds_ = std::move(shared);
}

// What is equal stays the same object, so that who compares need not look into it.
void BuildReader::update(const BuildQuery& query, Known& known, std::size_t& reads) {
  const SharedBuild before = known.program_build;
  update_program(query, known, reads);
  if (!known.program ||
      (known.program_build == before && known.image == query.image && known.build != nullptr)) {
    return;
  }
  known.image = query.image;
  SharedBuild build = with_image(known.program_build, known.image);
  if (!known.build || !build || *build != *known.build) known.build = std::move(build);
}

void BuildReader::update_program(const BuildQuery& query, Known& known, std::size_t& reads) {
  const bool is_renamed = known.comm != query.comm;
  const bool is_due =
      static_cast<std::uint64_t>(query.id.pid) % kLooksPerCheck == look_ % kLooksPerCheck;
  if (!is_renamed && !is_due) return;
  if (reads >= kReadsPerLook) return;  // a later look finds it as it is now
  const Result<ProcessDir> directory = root_.open_process(query.id.pid);
  if (!directory) return;
  const Result<FileFacts> program = directory->look_at_file("exe");
  if (!program) return;
  if (!is_renamed && known.program == *program) return;
  ++reads;
  SharedBuild build = read(*directory, query, *program);
  // Last: whatever was read before it is of this process.
  std::array<char, 1024> buffer{};
  if (!confirm_process(*directory, query.id, buffer)) return;
  // A process that has overwritten its arguments still runs what it was started with.
  if (build) known.program_build = std::move(build);
  known.comm = query.comm;
  known.program = *program;
}

SharedBuild BuildReader::read(const ProcessDir& directory, const BuildQuery& query,
                              const FileFacts& program) {
  std::array<char, kMostPath> path_buffer{};
  const Result<std::string_view> path = directory.read_link("exe", path_buffer);
  if (!path) return nullptr;
  const std::string name = program_name(*path);
  if (runs_other_programs(name)) return nullptr;
  std::array<char, kMostCommandLine> line_buffer{};
  const Result<std::string_view> line = directory.read_start("cmdline", line_buffer);
  const ScriptArgument script = script_argument(name, line.value_or(std::string_view()));
  if (!script.is_interpreter) return read_elf(directory, name, program);
  return script.is_file ? read_script(directory, query, script.argument) : nullptr;
}

SharedBuild BuildReader::read_script(const ProcessDir& directory, const BuildQuery& query,
                                     std::string_view argument) {
  const std::string_view name = script_base_name(argument);
  if (name.empty()) return nullptr;
  std::string path(argument);
  if (!path.starts_with('/')) {
    std::array<char, kMostPath> buffer{};
    const Result<std::string_view> folder = directory.read_link("cwd", buffer);
    if (!folder) return nullptr;
    path = std::string(*folder) + "/" + path;
  }
  const Result<FileFacts> file = directory.look_in_root(path.c_str());
  if (!file) return nullptr;
  constexpr double kNanosecond = 1e-9;
  const double changed_seconds = static_cast<double>(file->modified_nanoseconds) * kNanosecond;
  if (changed_seconds > query.start_unix_seconds + kStartToleranceSeconds) return nullptr;
  return build_of_file(name, *file);
}

SharedBuild BuildReader::read_elf(const ProcessDir& directory, const std::string& program,
                                  const FileFacts& facts) {
  // Without a device two file systems may have files alike in everything else.
  const bool is_unique = facts.device != 0;
  const FileKey key(facts.device, facts.inode, facts.size_bytes, facts.modified_nanoseconds,
                    program);
  if (is_unique) {
    if (const auto found = files_.find(key); found != files_.end()) return found->second;
  }
  const Result<HostFile> file = directory.open_file("exe");
  if (!file || file->facts() != facts) return nullptr;
  const Result<ElfBuild> elf = parse_elf_build([&file](std::uint64_t offset, std::span<char> to) {
    const Result<std::size_t> got = file->read_at(offset, to);
    return got && *got == to.size();
  });
  if (!elf) return nullptr;
  SharedBuild build = build_of_elf(*elf, program, facts);
  if (!is_unique) return build;
  if (files_.size() >= kMostFiles) files_.clear();
  files_.emplace(key, build);
  return build;
}

}  // namespace heapfloor
