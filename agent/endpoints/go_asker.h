// GoAsker: asks one endpoint of a Go program for its figures and profiles, bounded in time and
// size.
//
// Never follows a redirect, never asks for compression, never asks for a collection. Thread rule:
// one thread at a time; askers are independent of one another.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/endpoints/go_endpoint.h"
#include "collectors/http_client.h"
#include "collectors/result.h"

namespace heapfloor {

class GoAsker {
 public:
  static constexpr double kDeadlineSeconds = 5;  // of a request, where nothing is configured
  static constexpr std::size_t kMostPageBytes = std::size_t{4} << 20;

  explicit GoAsker(const GoTargetSettings& target) : target_(target) {}

  struct Answer {
    GoFigures figures;
    GoPage page = GoPage::metrics;
  };
  // From the page that gave them before, else from the first that has them; malformed where an
  // answer is none of a Go program's, unavailable where no page is there.
  [[nodiscard]] Result<Answer> figures(std::optional<GoPage> known, const std::stop_token& stop);

  // A profile of net/http/pprof, "heap", "allocs" or "goroutine", as the program wrote it: gzipped,
  // hostile.
  [[nodiscard]] Result<std::string> profile(std::string_view name, const std::stop_token& stop);

  [[nodiscard]] std::size_t requests() const { return requests_; }

 private:
  [[nodiscard]] Result<GoFigures> figures_of(GoPage page, const std::stop_token& stop);
  [[nodiscard]] std::string path_of(GoPage page) const;
  [[nodiscard]] Result<std::string> get(const std::string& path, const std::stop_token& stop);

  const GoTargetSettings& target_;
  std::size_t requests_ = 0;
};

}  // namespace heapfloor
