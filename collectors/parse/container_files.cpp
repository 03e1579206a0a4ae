#include "collectors/parse/container_files.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace heapfloor {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostDepth = 64;
constexpr std::size_t kMostKey = 64;  // longer than any that is wanted
constexpr std::size_t kMostMetadata = 65536;
constexpr std::string_view kItem = "[]";  // the key of what is in an array

// A text that is wanted: the keys that lead to it, and where it goes. Of two that go to one place
// the first in the table counts, wherever they stand in the file.
using KeyPath = std::array<std::string_view, 3>;
struct Wanted {
  KeyPath keys;
  std::string ContainerFacts::*to = nullptr;
};

constexpr std::array kDocker = {
    Wanted{{"Config", "Labels", "io.kubernetes.container.name"}, &ContainerFacts::name},
    Wanted{{"Name"}, &ContainerFacts::name},
    Wanted{{"Config", "Image"}, &ContainerFacts::image},
    Wanted{{"Image"}, &ContainerFacts::image_id},
    Wanted{{"Config", "Labels", "io.kubernetes.pod.name"}, &ContainerFacts::pod},
    Wanted{{"Config", "Labels", "io.kubernetes.pod.namespace"}, &ContainerFacts::pod_namespace},
};
constexpr std::array kOci = {
    Wanted{{"annotations", "io.kubernetes.cri.container-name"}, &ContainerFacts::name},
    Wanted{{"annotations", "io.kubernetes.container.name"}, &ContainerFacts::name},
    Wanted{{"annotations", "nerdctl/name"}, &ContainerFacts::name},
    Wanted{{"annotations", "io.kubernetes.cri.image-name"}, &ContainerFacts::image},
    // CRI-O's Image is what the kubelet asked for, which is an id where it has resolved the name.
    Wanted{{"annotations", "io.kubernetes.cri-o.ImageName"}, &ContainerFacts::image},
    Wanted{{"annotations", "io.kubernetes.cri-o.Image"}, &ContainerFacts::image},
    Wanted{{"annotations", "io.kubernetes.cri.image-ref"}, &ContainerFacts::image_id},
    Wanted{{"annotations", "io.kubernetes.cri-o.ImageRef"}, &ContainerFacts::image_id},
    Wanted{{"annotations", "io.kubernetes.cri.sandbox-name"}, &ContainerFacts::pod},
    Wanted{{"annotations", "io.kubernetes.pod.name"}, &ContainerFacts::pod},
    Wanted{{"annotations", "io.kubernetes.cri.sandbox-namespace"}, &ContainerFacts::pod_namespace},
    Wanted{{"annotations", "io.kubernetes.pod.namespace"}, &ContainerFacts::pod_namespace},
};
constexpr std::array kMetadata = {
    Wanted{{"metadata-name"}, &ContainerFacts::name},
    Wanted{{"image-name"}, &ContainerFacts::image},
    Wanted{{"image-id"}, &ContainerFacts::image_id},
};

std::size_t length_of(const KeyPath& keys) {
  return static_cast<std::size_t>(std::ranges::find(keys, std::string_view()) - keys.begin());
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kMostContainerText &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

// Walks a document and shows each text with the keys that lead to it; nothing is built of it.
class TextWalk : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] bool walk(std::string_view json) { return Json::sax_parse(json, this); }

  bool null() override { return next(); }
  bool boolean(bool /*value*/) override { return next(); }
  bool number_integer(number_integer_t /*value*/) override { return next(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return next(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return next(); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool string(string_t& value) override {
    text(value);
    return next();
  }
  bool key(string_t& name) override {
    keys_.back() = name.size() <= kMostKey ? std::string(name) : std::string();
    return true;
  }
  bool start_object(std::size_t /*elements*/) override { return open({}); }
  bool start_array(std::size_t /*elements*/) override { return open(std::string(kItem)); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 protected:
  virtual void text(std::string_view value) = 0;
  virtual void item_ended() {}
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  [[nodiscard]] bool is_at(std::initializer_list<std::string_view> path) const {
    return std::ranges::equal(keys_, path);
  }

 private:
  static bool next() { return true; }
  bool open(std::string first) {
    keys_.push_back(std::move(first));
    return keys_.size() <= kMostDepth;
  }
  bool close() {
    keys_.pop_back();
    if (is_at({kItem})) item_ended();
    return true;
  }

  std::vector<std::string> keys_;
};

class FactsWalk final : public TextWalk {
 public:
  explicit FactsWalk(std::span<const Wanted> wanted) : wanted_(wanted), found_(wanted.size()) {}

  [[nodiscard]] ContainerFacts facts() const {
    ContainerFacts facts;
    for (std::size_t index = 0; index < wanted_.size(); ++index) {
      std::string& to = facts.*wanted_[index].to;
      if (to.empty()) to = found_[index];
    }
    return facts;
  }

 private:
  void text(std::string_view value) override {
    for (std::size_t index = 0; index < wanted_.size(); ++index) {
      const KeyPath& path = wanted_[index].keys;
      const std::span<const std::string_view> wanted(path.data(), length_of(path));
      if (std::ranges::equal(keys(), wanted) && is_plain(value)) found_[index] = value;
    }
  }

  std::span<const Wanted> wanted_;
  std::vector<std::string> found_;
};

Result<ContainerFacts> facts_in(std::string_view json, std::span<const Wanted> wanted) {
  FactsWalk walk(wanted);
  if (!walk.walk(json)) return failure(ErrorKind::malformed, {}, "not JSON as runtimes write it");
  return walk.facts();
}

class StorageWalk final : public TextWalk {
 public:
  [[nodiscard]] StoredContainers take() { return std::move(found_); }

 private:
  void text(std::string_view value) override {
    if (is_at({kItem, "id"})) {
      id_ = is_plain(value) ? value : std::string_view();
    } else if (is_at({kItem, "image"})) {
      image_id_ = is_plain(value) ? value : std::string_view();
    } else if (is_at({kItem, "names", kItem}) && name_.empty()) {
      name_ = is_plain(value) ? value : std::string_view();
    } else if (is_at({kItem, "metadata"}) && value.size() <= kMostMetadata) {
      facts_ = facts_in(value, kMetadata).value_or(ContainerFacts());
    }
  }

  void item_ended() override {
    ContainerFacts facts = std::exchange(facts_, {});
    std::string name = std::exchange(name_, {});
    std::string image_id = std::exchange(image_id_, {});
    std::string id = std::exchange(id_, {});
    if (id.empty() || found_.size() >= kMostStoredContainers) return;
    if (facts.name.empty()) facts.name = std::move(name);
    if (facts.image_id.empty()) facts.image_id = std::move(image_id);
    found_.insert_or_assign(std::move(id), std::move(facts));
  }

  std::string id_, name_, image_id_;
  ContainerFacts facts_;
  StoredContainers found_;
};

}  // namespace

// Docker's names begin with a slash: a container once could be named below another.
Result<ContainerFacts> parse_docker_config(std::string_view json) {
  Result<ContainerFacts> facts = facts_in(json, kDocker);
  if (facts && facts->name.starts_with('/')) facts->name.erase(0, 1);
  return facts;
}

Result<ContainerFacts> parse_oci_config(std::string_view json) { return facts_in(json, kOci); }

Result<StoredContainers> parse_stored_containers(std::string_view json) {
  StorageWalk walk;
  if (!walk.walk(json)) return failure(ErrorKind::malformed, {}, "not JSON as runtimes write it");
  return walk.take();
}

}  // namespace heapfloor
