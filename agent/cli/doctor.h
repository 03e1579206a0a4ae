// What `heapfloor doctor` looks at, and how it says what it found. It reads what the agent reads,
// as gently, and changes nothing.
//
// Texts of findings may hold what others wrote (paths, addresses, answers of servers): the report
// writes them as visible_name() does, on one line.
// Thread rule: examine_* may block for the deadlines of network requests; the rest is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/privileges.h"
#include "agent/config.h"
#include "agent/exposition/snapshot.h"
#include "collectors/host_root.h"
#include "collectors/task_source.h"

namespace heapfloor {

enum class Health : std::uint8_t {
  works,
  partly,
  lost,
  note,  // nothing is lost by it
};
[[nodiscard]] std::string_view health_name(Health health);

// One thing that is lost.
struct Loss {
  std::string what;   // "exe of 12 of 230 processes: …"
  std::string needs;  // what would help; empty where nothing is known
};

struct Finding {
  std::string_view area;  // static text: "collectors", "kernel", "agent", "network"
  std::string name;
  Health health = Health::works;
  std::string summary;
  std::vector<Loss> losses;
};

struct DoctorReport {
  std::string version;  // of this program
  std::string kernel;   // "Linux 6.1.0"
  Privileges privileges;
  std::vector<Finding> findings;  // those of one area together

  [[nodiscard]] bool loses_something() const;
};

// What the collectors reached in the one tick that `snapshot` is of. `config` says which of them
// are switched off.
[[nodiscard]] std::vector<Finding> examine_collectors(const Snapshot& snapshot,
                                                      const Config& config,
                                                      const Privileges& privileges);

// What the kernel offers of what they use. `tasks` is asked once; null where the configuration
// switches it off.
[[nodiscard]] std::vector<Finding> examine_kernel(const HostRoot& root,
                                                  const Privileges& privileges, TaskSource* tasks);

// Where the history is to be kept: whether it can be written there. Nothing is made.
[[nodiscard]] Finding examine_storage(const Config& config);

// The addresses that the agent listens on: an agent that answers there and what it says that it
// may not read, or whether they are free.
[[nodiscard]] std::vector<Finding> examine_addresses(const Config& config);

// The servers that the configuration names, all at once: whether they answer, each within
// kMostRequestSeconds. Webhooks are not asked, since every request to one is a message.
[[nodiscard]] std::vector<Finding> examine_receivers(const Config& config);
inline constexpr double kMostRequestSeconds = 5;

// What an agent's /api/v1/status says: its version, and the sources that are closed to it. Total:
// any bytes give a finding.
[[nodiscard]] Finding agent_finding(std::string_view address, std::string_view status_document);

// For a person, and for a program.
[[nodiscard]] std::string doctor_text(const DoctorReport& report);
[[nodiscard]] std::string doctor_json(const DoctorReport& report);

}  // namespace heapfloor
