#include "agent/series/build_identity.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "agent/series/process_facts.h"

namespace heapfloor {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::size_t kMostProgram = 64;
constexpr std::string_view kDevelopment = "(devel)";

bool is_plain(std::string_view text, std::size_t most) {
  return text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string two_digits(unsigned number) {
  return {static_cast<char>('0' + number / 10 % 10), static_cast<char>('0' + number % 10)};
}

// "20261128T140211Z"; years beyond four digits are their last four.
std::string date_text(std::int64_t nanoseconds) {
  using std::chrono::days;
  using std::chrono::floor;
  // To seconds first: a day before the first nanosecond would be beyond all of them.
  const auto moment = floor<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::nanoseconds>{std::chrono::nanoseconds(nanoseconds)});
  const auto day = floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  return two_digits(year / 100) + two_digits(year) +
         two_digits(static_cast<unsigned>(date.month())) +
         two_digits(static_cast<unsigned>(date.day())) + "T" +
         two_digits(static_cast<unsigned>(time.hours().count())) +
         two_digits(static_cast<unsigned>(time.minutes().count())) +
         two_digits(static_cast<unsigned>(time.seconds().count())) + "Z";
}

// The main module's version; of a program that was built from a checkout its revision.
std::string version_of(const GoBuild& go) {
  std::string version = go.module_version;
  const bool is_named = !version.empty() && version != kDevelopment;
  if (!is_named) version = go.revision.substr(0, kShortId);
  // Go 1.24 says so itself.
  if (!version.empty() && go.is_modified == true && !version.ends_with("+dirty"))
    version += "+dirty";
  return version;
}

// "payments:1.8.2" of "registry.example:5000/shop/payments:1.8.2@sha256:0123…": what is behind the
// last slash of the name, and the digest behind it.
struct ImageParts {
  std::string_view repository, tag, digest;
};

ImageParts parts_of_image(std::string_view name) {
  ImageParts parts;
  const std::size_t at = name.find('@');
  if (at != std::string_view::npos) parts.digest = name.substr(at + 1);
  name = base_name(name.substr(0, at));
  const std::size_t colon = name.find(':');
  parts.repository = name.substr(0, colon);
  if (colon != std::string_view::npos) parts.tag = name.substr(colon + 1);
  // "sha256:0123…" has no repository.
  if (parts.repository == "sha256") parts = {{}, {}, name};
  return parts;
}

std::string_view short_digest(std::string_view digest) {
  return digest.substr(digest.find(':') + 1).substr(0, kShortId);
}

}  // namespace

std::string_view build_kind_name(BuildKind kind) {
  constexpr std::array<std::string_view, kBuildKinds> kNames = {"gnu_build_id", "go_build_id",
                                                                "file", "image"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::string BuildIdentity::short_name() const {
  if (!version.empty()) return version;
  if (kind == BuildKind::image) return image_name();
  if (kind == BuildKind::file) return id.substr(0, id.rfind('+'));
  // The last part of Go's is of what came out, those before it of what went in.
  const std::size_t slash = kind == BuildKind::go ? id.rfind('/') : std::string::npos;
  return id.substr(slash == std::string::npos ? 0 : slash + 1, kShortId);
}

std::string BuildIdentity::image_name() const {
  const ImageParts parts = parts_of_image(image.name);
  std::string text(parts.repository);
  if (!parts.tag.empty()) return text.append(1, ':').append(parts.tag);
  const std::string_view digest = parts.digest.empty() ? std::string_view(image.id) : parts.digest;
  if (digest.empty()) return text;
  if (!text.empty()) text += '@';
  return text.append(short_digest(digest));
}

std::string BuildIdentity::whole_id() const {
  const std::string& of_image = image.id.empty() ? image.name : image.id;
  return kind == BuildKind::image || of_image.empty() ? id : id + " " + of_image;
}

SharedBuild with_image(const SharedBuild& build, const ContainerImage& image) {
  const bool has_name = !image.name.empty() && is_plain(image.name, BuildIdentity::kMostText);
  const bool has_id = !image.id.empty() && is_plain(image.id, BuildIdentity::kMostText);
  if (!has_name && !has_id) return build;
  BuildIdentity with = build ? *build : BuildIdentity();
  if (has_name) with.image.name = image.name;
  if (has_id) with.image.id = image.id;
  if (!build) {
    const ImageParts parts = parts_of_image(with.image.name);
    if (parts.repository.empty() || parts.repository.size() > kMostProgram) return nullptr;
    with.kind = BuildKind::image;
    with.program = std::string(parts.repository);
    with.id = has_id ? with.image.id : with.image.name;
  }
  return std::make_shared<const BuildIdentity>(std::move(with));
}

SharedBuild build_of_file(std::string_view program, const FileFacts& file) {
  if (program.empty() || !is_plain(program, kMostProgram)) return nullptr;
  BuildIdentity build;
  build.kind = BuildKind::file;
  build.program = std::string(program);
  build.id = build.program + "@" + date_text(file.modified_nanoseconds) + "+" +
             std::to_string(file.size_bytes);
  return std::make_shared<const BuildIdentity>(std::move(build));
}

SharedBuild build_of_elf(const ElfBuild& elf, std::string_view program, const FileFacts& file) {
  const std::string& id = elf.build_id.empty() ? elf.go_build_id : elf.build_id;
  if (id.empty()) return build_of_file(program, file);
  if (program.empty() || !is_plain(program, kMostProgram)) return nullptr;
  BuildIdentity build;
  build.kind = elf.build_id.empty() ? BuildKind::go : BuildKind::gnu;
  build.program = std::string(program);
  build.id = id;
  if (elf.go) build.version = version_of(*elf.go);
  return std::make_shared<const BuildIdentity>(std::move(build));
}

bool runs_other_programs(std::string_view program) {
  constexpr std::array<std::string_view, 13> kHosts = {
      "R",     "Rscript", "beam.smp", "busybox", "dotnet", "erl", "guile",
      "julia", "mono",    "php-fpm",  "tclsh",   "uwsgi",  "wish"};
  const std::size_t end = program.find_last_not_of("0123456789.-");
  const std::string_view name = program.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return std::ranges::find(kHosts, name) != kHosts.end();
}

void save_build(ByteWriter& out, const SharedBuild& build) {
  out.put(build != nullptr);
  if (!build) return;
  out.put(build->kind);
  out.put_text(build->program);
  out.put_text(build->id);
  out.put_text(build->version);
  out.put_text(build->image.name);
  out.put_text(build->image.id);
}

SharedBuild take_build(ByteReader& in, bool has_image) {
  if (!in.take_flag()) return nullptr;
  BuildIdentity build;
  build.kind = in.take_enum<BuildKind>(kBuildKinds);
  for (std::string* const text :
       {&build.program, &build.id, &build.version, &build.image.name, &build.image.id}) {
    if (!has_image && text == &build.image.name) break;
    *text = in.take_text(BuildIdentity::kMostText);
    in.require(is_plain(*text, BuildIdentity::kMostText));
  }
  if (!in.require(!build.program.empty() && !build.id.empty())) return nullptr;
  return std::make_shared<const BuildIdentity>(std::move(build));
}

}  // namespace heapfloor
