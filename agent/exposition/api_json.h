// The JSON documents of /api/v1, made from a snapshot.
//
// Successful documents are {"status":"success","data":…}; errors are as Prometheus's API has them.
// Times are Unix seconds; what is not known is null. Names that target processes chose are written
// as on the metrics page (visible_name()), and a document is valid UTF-8 whatever they hold.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/silence_book.h"
#include "agent/evidence/evidence_store.h"
#include "agent/exposition/self_metrics.h"
#include "agent/exposition/snapshot.h"

namespace heapfloor {

struct ApiDocument {
  int status = 200;  // HTTP
  std::string json;
};

// The configuration in force.
struct ConfigView {
  struct Setting {
    std::string key, value;
    std::string initial;  // the default
    std::string help;
  };
  struct List {
    std::string path;
    std::size_t entries = 0;
    std::string help;
  };
  std::vector<Setting> settings;
  std::vector<List> lists;
};

// Decoded names and values of a query string. The first of a repeated name counts.
using ApiParameters = std::vector<std::pair<std::string, std::string>>;

// GET /api/v1/status.
ApiDocument status_document(const Snapshot& snapshot, const BuildInfo& build);

// GET /api/v1/config.
ApiDocument config_document(const ConfigView& config);

// GET /api/v1/subjects: every process, watched or not, and every watch of another scope.
// Parameters:
//   search   part of the name or group, the beginning of the pid, or a whole subject, all in any
//            case of ASCII letters
//   state    one leak state; scope: one scope
//   sort     value (default), growth, floor, name, exhaustion, pid; order: asc, desc. Without an
//            order, names, pids and times to exhaustion rise and sizes fall. What is not known is
//            last.
//   limit    1 to 1000, default 100; offset
// A parameter that is none of these values is a 400 bad_data.
ApiDocument subjects_document(const Snapshot& snapshot, const ApiParameters& parameters);

// GET /api/v1/suspects: leaking, then suspected, then recovering; those that die soonest first.
ApiDocument suspects_document(const Snapshot& snapshot);
// Of the heap of a Go program that is suspected which of its sites grow, and where its goroutines
// wait, in the sentences of that document, raw; empty where neither is known.
std::string say_go_growth(const Snapshot& snapshot, const WatchRow& watch);

// GET /api/v1/suspects/ID; 404 when there is no such suspect. ID is "subject/signal".
ApiDocument suspect_document(const Snapshot& snapshot, std::string_view id);

// GET /api/v1/series/ID?start=&end= (Unix seconds); 404 when it is not watched.
ApiDocument series_document(const Snapshot& snapshot, std::string_view id,
                            const SeriesReader& reader, const ApiParameters& parameters);

// GET /api/v1/cgroups: what each holds, against which limit, its pressure and the kills in it.
// Parameters:
//   search   part of the path or of a word of the identity, in any case of ASCII letters
//   sort     unreclaimable (default), current, working_set, limit_share, stalled, oom_kills, path;
//            order: asc, desc. Without an order, paths rise and amounts fall. What is not known is
//            last.
//   limit    1 to 1000, default 100; offset
// A parameter that is none of these values is a 400 bad_data.
ApiDocument cgroups_document(const Snapshot& snapshot, const ApiParameters& parameters);

// GET /api/v1/ooms: whom the OOM killer took, the last first, and how many of which workload.
ApiDocument ooms_document(const Snapshot& snapshot);

// One victim of them, the last with that pid since then: the kernel's own account. 404 where none
// is known.
ApiDocument oom_victim_document(const Snapshot& snapshot, std::int32_t pid, double since_seconds);

// GET /api/v1/evidence and /api/v1/evidence/ID: what was captured, the newest first.
ApiDocument evidence_document(std::span<const EvidenceRecord> records);
ApiDocument evidence_record_document(const EvidenceRecord& record);

// GET /api/v1/alerts, in the form of Prometheus's own endpoint, and whether each is silenced.
ApiDocument alerts_document(const Snapshot& snapshot);

// GET /api/v1/rules, in the form of Prometheus's own endpoint.
ApiDocument rules_document(const Snapshot& snapshot);

// GET /api/v1/silences; and the answer to a new or removed one.
ApiDocument silences_document(std::span<const Silence> silences, double now_unix_seconds);
ApiDocument silence_document(std::string_view id);

// POST /api/v1/subjects/ID/compact: the request was left for the probe of `id`.
ApiDocument compaction_document(std::string_view id);

// {"status":"error","errorType":…,"error":…} with the HTTP status that belongs to it.
ApiDocument error_document(int status, std::string_view error_type, std::string_view message);

// The texts of /-/healthy and /-/ready.
std::string healthy_text();
std::string ready_text(bool ready);

}  // namespace heapfloor
