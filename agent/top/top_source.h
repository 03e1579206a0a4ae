// Asks an agent again and again, in a thread of its own, so that no key waits for the network.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/top/top_view.h"
#include "collectors/http_client.h"

namespace heapfloor {

// One round of questions. Of what fails, `before` is kept beside the reason.
[[nodiscard]] TopData ask_agent(HttpClient& client, const std::string& url, const TopQuery& query,
                                const TopData& before, const std::stop_token& stop);

// Thread rule: every member may be called by any thread.
class TopSource {
 public:
  // `url` is the agent's, without a slash at its end.
  TopSource(std::string url, HttpClientOptions options, double interval_seconds);
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;
  ~TopSource();

  // Asks for that from now on, at once where it is another query than before.
  void want(const TopQuery& query);
  // The newest answers; never null.
  [[nodiscard]] std::shared_ptr<const TopData> latest() const;

 private:
  void run(const std::stop_token& stop);

  const std::string url_;
  const HttpClientOptions options_;
  const double interval_seconds_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  TopQuery query_;
  std::shared_ptr<const TopData> latest_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace heapfloor
