#include "collectors/parse/cgroup_identity.h"

#include <algorithm>
#include <array>

namespace heapfloor {
namespace {

constexpr std::size_t kLeastIdDigits = 12;
constexpr std::size_t kWholeIdDigits = 64;

bool is_hexadecimal(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

bool is_id(std::string_view text) {
  return text.size() >= kLeastIdDigits && text.size() <= kWholeIdDigits &&
         std::ranges::all_of(text, is_hexadecimal);
}

bool is_uid(std::string_view text) {
  return text.size() >= 32 && text.size() <= 36 && std::ranges::all_of(text, [](char byte) {
           return is_hexadecimal(byte) || byte == '-' || byte == '_';
         });
}

std::string_view without(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

struct RuntimePrefix {
  std::string_view prefix;
  std::string_view runtime;
};
constexpr std::array kPrefixes = {
    RuntimePrefix{"docker-", "docker"},      RuntimePrefix{"cri-containerd-", "containerd"},
    RuntimePrefix{"nerdctl-", "containerd"}, RuntimePrefix{"crio-", "cri-o"},
    RuntimePrefix{"libpod-", "podman"},
};

// "cri-containerd-0123….scope", "crio-0123…", a bare id, or the driver's own
// "slice:cri-containerd:0123…". The monitors of containers (crio-conmon-…) have no id behind the
// prefix.
bool take_container(std::string_view name, std::string_view parent, CgroupIdentity& identity) {
  if (const std::size_t colon = name.rfind(":cri-containerd:"); colon != std::string_view::npos) {
    const std::string_view id = name.substr(colon + std::string_view(":cri-containerd:").size());
    if (!is_id(id)) return false;
    identity.runtime = "containerd";
    identity.container_id = std::string(id);
    return true;
  }
  const std::string_view plain = without(name, ".scope");
  for (const RuntimePrefix& known : kPrefixes) {
    if (!plain.starts_with(known.prefix)) continue;
    const std::string_view id = plain.substr(known.prefix.size());
    if (!is_id(id)) return false;
    identity.runtime = known.runtime;
    identity.container_id = std::string(id);
    return true;
  }
  if (name.size() != kWholeIdDigits || !is_id(name)) return false;
  identity.runtime = parent == "docker" ? std::string_view("docker") : std::string_view();
  identity.container_id = std::string(name);
  return true;
}

// "pod0123…" below kubepods, or "kubepods-burstable-pod0123_….slice".
void take_pod(std::string_view name, CgroupIdentity& identity) {
  const std::string_view plain = without(name.substr(0, name.find(':')), ".slice");
  const std::size_t at = plain.starts_with("pod") ? 0 : plain.rfind("-pod");
  if (at == std::string_view::npos) return;
  const std::string_view uid = plain.substr(at + (at == 0 ? 3 : 4));
  if (!is_uid(uid)) return;
  identity.pod_uid = std::string(uid);
  std::ranges::replace(identity.pod_uid, '_', '-');
  if (identity.qos.empty()) identity.qos = "guaranteed";
}

void take_qos(std::string_view name, CgroupIdentity& identity) {
  if (name == "burstable" || name.find("kubepods-burstable") != std::string_view::npos)
    identity.qos = "burstable";
  if (name == "besteffort" || name.find("kubepods-besteffort") != std::string_view::npos)
    identity.qos = "besteffort";
}

bool is_unit(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKinds = {".service", ".scope", ".socket", ".mount",
                                                      ".swap"};
  return std::ranges::any_of(kKinds, [name](std::string_view kind) {
    return name.size() > kind.size() && name.ends_with(kind);
  });
}

// systemd puts an underscore before names that the kernel or itself would take for something else.
std::string_view unescaped(std::string_view name) {
  return name.starts_with('_') ? name.substr(1) : name;
}

}  // namespace

CgroupIdentity cgroup_identity(std::string_view path) {
  CgroupIdentity identity;
  std::string_view parent;
  bool is_below_kubepods = false;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name.empty()) continue;
    is_below_kubepods = is_below_kubepods || name.find("kubepods") != std::string_view::npos;
    if (is_below_kubepods) {
      take_qos(name, identity);
      take_pod(name, identity);
    }
    (void)take_container(name, parent, identity);
    if (is_unit(unescaped(name))) identity.unit = std::string(unescaped(name));
    if (name.size() > std::string_view(".slice").size() && name.ends_with(".slice"))
      identity.slice = std::string(unescaped(name));
    parent = name;
  }
  if (identity.pod_uid.empty()) identity.qos = {};
  if (identity.runtime.empty() && identity.container_id.empty() &&
      (!identity.unit.empty() || !identity.slice.empty())) {
    identity.runtime = "systemd";
  }
  return identity;
}

}  // namespace heapfloor
