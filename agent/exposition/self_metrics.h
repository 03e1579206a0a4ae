// SelfMetrics: what the agent counts about its own pages and its web server.
//
// Kept in a prometheus-cpp registry; the page is written by our own writer from what it collects.
// Thread rule: any thread may call any member at any time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "agent/exposition/page_writer.h"

namespace prometheus {
class Collectable;
}

namespace heapfloor {

// Labels of heapfloor_build_info.
struct BuildInfo {
  std::string version;
  std::string revision;
  std::string branch;
  std::string compiler;
  std::string standard;  // "C++20"
};

class SelfMetrics {
 public:
  explicit SelfMetrics(const BuildInfo& build);
  SelfMetrics(const SelfMetrics&) = delete;
  SelfMetrics& operator=(const SelfMetrics&) = delete;
  ~SelfMetrics();

  // Calls come in pairs. `handler` is a route's name, never text that a client chose.
  void request_started();
  void request_finished(std::string_view handler, int code);

  void connections_changed(std::size_t open);
  // `reason` is one of the web server's own words.
  void connection_refused(std::string_view reason);
  // Whether others reach the web server without TLS and authentication.
  void insecure_known(bool insecure);

  void page_rendered(ExpositionFormat format, std::size_t bytes);

  // For MetricsPage; lives as long as this object.
  [[nodiscard]] const prometheus::Collectable& collectable() const;

 private:
  struct Registered;
  std::unique_ptr<Registered> registered_;
};

}  // namespace heapfloor
