#include <algorithm>
#include <array>
#include <map>
#include <variant>

#include "agent/exposition/api_json.h"
#include "agent/exposition/api_parts.h"
#include "agent/exposition/text_format.h"
#include "agent/series/cgroup_table.h"
#include "collectors/parse/ascii.h"

namespace heapfloor {
namespace {

using Amount = std::optional<double>;

// One line of the list: a cgroup, and of its metrics those that are shown; absent as there.
struct CgroupView {
  const CgroupRow* row = nullptr;
  Amount current, unreclaimable, working_set, anon, file, shmem, swap, peak, limit, high, effective;
  Amount waiting_seconds, stalled_seconds, kills, local_kills, processes;
};

struct Field {
  std::string_view metric;
  std::string_view label;
  Amount CgroupView::*value;
};
constexpr std::array kFields = {
    Field{"heapfloor_cgroup_memory_current_bytes", "", &CgroupView::current},
    Field{"heapfloor_cgroup_unreclaimable_memory_bytes", "", &CgroupView::unreclaimable},
    Field{"heapfloor_cgroup_working_set_bytes", "", &CgroupView::working_set},
    Field{"heapfloor_cgroup_memory_component_bytes", "anon", &CgroupView::anon},
    Field{"heapfloor_cgroup_memory_component_bytes", "file", &CgroupView::file},
    Field{"heapfloor_cgroup_memory_component_bytes", "shmem", &CgroupView::shmem},
    Field{"heapfloor_cgroup_swap_current_bytes", "", &CgroupView::swap},
    Field{"heapfloor_cgroup_memory_peak_bytes", "", &CgroupView::peak},
    Field{"heapfloor_cgroup_memory_limit_bytes", "", &CgroupView::limit},
    Field{"heapfloor_cgroup_memory_high_bytes", "", &CgroupView::high},
    Field{"heapfloor_cgroup_memory_effective_limit_bytes", "", &CgroupView::effective},
    Field{"heapfloor_cgroup_memory_pressure_waiting_seconds_total", "",
          &CgroupView::waiting_seconds},
    Field{"heapfloor_cgroup_memory_pressure_stalled_seconds_total", "",
          &CgroupView::stalled_seconds},
    Field{"heapfloor_cgroup_memory_events_total", "oom_kill", &CgroupView::kills},
    Field{"heapfloor_cgroup_memory_events_local_total", "oom_kill", &CgroupView::local_kills},
    Field{"heapfloor_cgroup_processes", "", &CgroupView::processes},
};

// Every cgroup of the snapshot. Names are compared once for each metric, not for each value.
std::vector<CgroupView> views_of(const Snapshot& snapshot) {
  std::map<const MetricDesc*, Amount CgroupView::*> members;
  const auto member_of = [&members](const MetricDesc* desc) {
    const auto [place, is_new] = members.try_emplace(desc, nullptr);
    if (is_new) {
      const auto* const field = std::ranges::find_if(kFields, [desc](const Field& known) {
        return known.metric == desc->name && known.label == desc->label_value;
      });
      if (field != kFields.end()) place->second = field->value;
    }
    return place->second;
  };
  std::vector<CgroupView> views;
  views.reserve(snapshot.cgroups.size());
  for (const CgroupRow& row : snapshot.cgroups) {
    CgroupView& view = views.emplace_back();
    view.row = &row;
    for (const MetricValue& value : row.values) {
      if (Amount CgroupView::*const member = member_of(value.desc); member != nullptr)
        view.*member = value.value;
    }
  }
  return views;
}

using WatchesByCgroup = std::multimap<std::string_view, const WatchRow*>;

WatchesByCgroup watches_by_cgroup(const Snapshot& snapshot) {
  WatchesByCgroup watches;
  for (const WatchRow& watch : snapshot.watches) {
    if (watch.scope == "cgroup") watches.emplace(watch.cgroup, &watch);
  }
  return watches;
}

// The part of its limit that memory holds which cannot be reclaimed.
Amount share_of_limit(const CgroupView& view) {
  if (!view.unreclaimable || !view.effective || *view.effective <= 0) return std::nullopt;
  return *view.unreclaimable / *view.effective;
}

struct CgroupSort {
  std::string_view name;
  Amount (*amount)(const CgroupView& view);
};
constexpr std::array kSorts = {
    CgroupSort{"unreclaimable", [](const CgroupView& view) { return view.unreclaimable; }},
    CgroupSort{"current", [](const CgroupView& view) { return view.current; }},
    CgroupSort{"working_set", [](const CgroupView& view) { return view.working_set; }},
    CgroupSort{"limit_share", share_of_limit},
    CgroupSort{"stalled", [](const CgroupView& view) { return view.stalled_seconds; }},
    CgroupSort{"oom_kills",
               [](const CgroupView& view) { return view.kills ? view.kills : view.local_kills; }},
    CgroupSort{"path", nullptr},
};

struct CgroupsQuery {
  std::string search;  // lower case
  const CgroupSort* sort = kSorts.data();
  Listing listing;
};

std::variant<CgroupsQuery, std::string_view> parse_query(const ApiParameters& parameters) {
  CgroupsQuery query;
  query.search = lower_case(api_parameter(parameters, "search").value_or(""));
  if (const auto sort = api_parameter(parameters, "sort")) {
    query.sort = std::ranges::find(kSorts, *sort, &CgroupSort::name);
    if (query.sort == kSorts.end())
      return "sort must be unreclaimable, current, working_set, limit_share, stalled, oom_kills "
             "or path";
  }
  query.listing.is_descending = query.sort->amount != nullptr;
  if (const auto problem = read_listing(parameters, query.listing)) return *problem;
  return query;
}

bool matches(const CgroupView& view, const CgroupsQuery& query) {
  const auto contains = [&query](std::string_view raw) {
    return lower_case(visible_name(raw)).find(query.search) != std::string::npos;
  };
  return query.search.empty() || contains(view.row->path) ||
         std::ranges::any_of(view.row->words,
                             [&contains](const auto& word) { return contains(word.second); });
}

// What is not known is last, in either order; equals keep the order of their paths.
void sort_views(std::vector<CgroupView>& views, const CgroupsQuery& query) {
  if (query.sort->amount == nullptr) {
    if (query.listing.is_descending) std::ranges::reverse(views);
    return;
  }
  std::ranges::stable_sort(views, [&query](const CgroupView& left, const CgroupView& right) {
    const Amount a = query.sort->amount(left);
    const Amount b = query.sort->amount(right);
    if (!a || !b) return a.has_value() && !b.has_value();
    return query.listing.is_descending ? *b < *a : *a < *b;
  });
}

// The smallest limit, and the cgroup at or above `view` that has it; null for that of the host, and
// for one that the agent cannot see.
Json effective_limit_json(const CgroupView& view, const Snapshot& snapshot,
                          const std::map<std::string_view, Amount>& limits) {
  if (!view.effective) return nullptr;
  Json json = {{"bytes", json_number(*view.effective)}, {"source", "cgroup"}, {"cgroup", nullptr}};
  for (std::string_view path = view.row->path; !path.empty(); path = parent_path(path)) {
    const auto owner = limits.find(path);
    if (owner == limits.end() || !owner->second || *owner->second > *view.effective) continue;
    json["cgroup"] = visible_name(path);
    return json;
  }
  const auto capacity = std::ranges::find_if(snapshot.host, [](const MetricValue& value) {
    return value.desc->name == "heapfloor_host_memory_capacity_bytes";
  });
  if (capacity != snapshot.host.end() && *view.effective >= capacity->value)
    json["source"] = "host";
  return json;
}

Json identity_json(const CgroupRow& row) {
  Json json;
  for (const Attribute attribute :
       {Attribute::runtime, Attribute::container_id, Attribute::container, Attribute::image,
        Attribute::image_id, Attribute::pod, Attribute::pod_uid, Attribute::kubernetes_namespace,
        Attribute::qos, Attribute::unit, Attribute::slice}) {
    const std::string_view label = cgroup_label(attribute);
    const auto word = std::ranges::find_if(
        row.words, [label](const auto& known) { return known.first == label; });
    json[std::string(label)] =
        word == row.words.end() ? Json(nullptr) : Json(visible_name(word->second));
  }
  return json;
}

Json watches_json(const CgroupView& view, const WatchesByCgroup& watches) {
  Json json = Json::array();
  const auto [begin, end] = watches.equal_range(view.row->path);
  for (auto place = begin; place != end; ++place) {
    const WatchRow& watch = *place->second;
    json.push_back({{"id", watch_id(watch)},
                    {"signal", watch.signal},
                    {"state", leak_state_name(watch.state)}});
  }
  return json;
}

Json cgroup_json(const CgroupView& view) {
  Json json;
  json["cgroup"] = visible_name(view.row->path);
  json["name"] = visible_name(view.row->name);
  json["identity"] = identity_json(*view.row);
  json["processes"] = json_number_or_null(view.processes);
  json["current_bytes"] = json_number_or_null(view.current);
  json["unreclaimable_bytes"] = json_number_or_null(view.unreclaimable);
  json["working_set_bytes"] = json_number_or_null(view.working_set);
  json["anon_bytes"] = json_number_or_null(view.anon);
  json["file_bytes"] = json_number_or_null(view.file);
  json["shmem_bytes"] = json_number_or_null(view.shmem);
  json["swap_bytes"] = json_number_or_null(view.swap);
  json["peak_bytes"] = json_number_or_null(view.peak);
  json["limit_bytes"] = json_number_or_null(view.limit);
  json["high_bytes"] = json_number_or_null(view.high);
  json["limit_share"] = json_number_or_null(share_of_limit(view));
  json["pressure"]["waiting_seconds"] = json_number_or_null(view.waiting_seconds);
  json["pressure"]["stalled_seconds"] = json_number_or_null(view.stalled_seconds);
  // Version 1 has the cgroup's own alone; a file that counts those below it says more.
  json["oom_kills"] = json_number_or_null(view.kills ? view.kills : view.local_kills);
  return json;
}

}  // namespace

ApiDocument cgroups_document(const Snapshot& snapshot, const ApiParameters& parameters) {
  const auto parsed = parse_query(parameters);
  if (const auto* const problem = std::get_if<std::string_view>(&parsed))
    return error_document(400, "bad_data", *problem);
  const auto& query = std::get<CgroupsQuery>(parsed);
  std::vector<CgroupView> views = views_of(snapshot);
  std::map<std::string_view, Amount> limits;
  for (const CgroupView& view : views) limits.emplace(view.row->path, view.limit);
  std::erase_if(views, [&query](const CgroupView& view) { return !matches(view, query); });
  sort_views(views, query);
  const WatchesByCgroup watches = watches_by_cgroup(snapshot);
  const std::size_t begin = std::min(query.listing.offset, views.size());
  const std::size_t end = begin + std::min(query.listing.limit, views.size() - begin);
  Json data;
  data["total"] = views.size();
  data["offset"] = query.listing.offset;
  data["now"] = ApiRows(snapshot).wall(snapshot.time_seconds);
  data["cgroups"] = Json::array();
  for (std::size_t index = begin; index < end; ++index) {
    Json row = cgroup_json(views[index]);
    row["effective_limit"] = effective_limit_json(views[index], snapshot, limits);
    row["watches"] = watches_json(views[index], watches);
    data["cgroups"].push_back(std::move(row));
  }
  return success_document(std::move(data));
}

}  // namespace heapfloor
