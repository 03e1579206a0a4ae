#include "agent/http/gate.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <future>
#include <list>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "agent/http/gate_session.h"
#include "agent/http/limits.h"
#include "agent/log.h"

namespace heapfloor {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int kBacklog = 1024;
constexpr std::size_t kMostUpstream = 64;  // requests handed on at once
constexpr std::size_t kMostHashing = 32;   // logins that wait for their hash
constexpr double kHashesPerSecond = 5;     // for one address
constexpr std::size_t kMostHashingAddresses = 4096;
constexpr std::chrono::seconds kReloadPeriod(1);
constexpr std::chrono::seconds kGrace(1);
constexpr std::chrono::milliseconds kAcceptPause(50);

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A client's address without the disguise of IPv4 in IPv6.
asio::ip::address plain_address(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

// What limits are counted by: one who has an IPv6 address has its whole /64.
std::string limit_key(const asio::ip::address& address) {
  constexpr unsigned short kPrefix = 64;
  if (address.is_v4()) return address.to_string();
  if (address.is_loopback()) return address.to_string();
  return asio::ip::network_v6(asio::ip::make_address_v6(address.to_v6().to_bytes()), kPrefix)
      .canonical()
      .to_string();
}

// "-0.0.0.0/0,+127.0.0.0/8": the last rule that fits an address decides; where there are rules
// and none fits, it may not come.
class AccessList {
 public:
  explicit AccessList(std::string_view text) {
    while (!text.empty()) {
      const std::size_t comma = std::min(text.find(','), text.size());
      add(text.substr(0, comma));
      text.remove_prefix(std::min(comma + 1, text.size()));
    }
  }

  [[nodiscard]] bool allows(const asio::ip::address& address) const {
    bool allowed = rules_.empty();
    for (const Rule& rule : rules_) {
      if (covers(rule, address)) allowed = rule.allow;
    }
    return allowed;
  }

 private:
  struct Rule {
    bool allow = false;
    std::optional<asio::ip::network_v4> v4;
    std::optional<asio::ip::network_v6> v6;
  };

  void add(std::string_view text) {
    const std::string network(text.substr(std::min<std::size_t>(1, text.size())));
    Rule rule;
    rule.allow = text.starts_with('+');
    ErrorCode error;
    if (const auto v4 = asio::ip::make_network_v4(network, error); !error) rule.v4 = v4;
    if (const auto v6 = asio::ip::make_network_v6(network, error); !error) rule.v6 = v6;
    if ((!rule.allow && !text.starts_with('-')) || (!rule.v4 && !rule.v6)) {
      throw std::runtime_error("\"" + std::string(text.substr(0, 80)) +
                               "\" is not an access rule such as +127.0.0.0/8");
    }
    rules_.push_back(rule);
  }

  static bool covers(const Rule& rule, const asio::ip::address& address) {
    if (rule.v4 && address.is_v4()) {
      return rule.v4->prefix_length() == 0 ||
             asio::ip::network_v4(address.to_v4(), rule.v4->prefix_length()).canonical() ==
                 rule.v4->canonical();
    }
    return rule.v6 && address.is_v6() &&
           asio::ip::network_v6(address.to_v6(), rule.v6->prefix_length()).canonical() ==
               rule.v6->canonical();
  }

  std::vector<Rule> rules_;
};

std::shared_ptr<const GateSecurity> prepared(std::shared_ptr<const Security> rules) {
  auto security = std::make_shared<GateSecurity>();
  if (rules && rules->tls) {
    SSL_CTX_up_ref(rules->tls->get());  // the context takes one
    security->context = std::make_unique<asio::ssl::context>(rules->tls->get());
  }
  security->rules = std::move(rules);
  return security;
}

std::optional<TokenBucket> bucket_of(const Security* rules) {
  if (rules == nullptr || !rules->rate || rules->rate->interval_seconds <= 0) return std::nullopt;
  return TokenBucket(1 / rules->rate->interval_seconds, rules->rate->burst);
}

void log_notes(const Security* rules) {
  if (rules == nullptr) return;
  for (const std::string& note : rules->notes) {
    log_line(LogLevel::warning, "web configuration", {{"note", note}});
  }
}

}  // namespace

class Gate::Core final : public GateHost {
 public:
  explicit Core(GateOptions options)
      : options_(std::move(options)),
        access_(options_.access_control_list),
        security_(prepared(options_.security)),
        requests_(bucket_of(options_.security.get())),
        hashes_(kHashesPerSecond, kHashesPerSecond, kMostHashingAddresses),
        reload_timer_(io_) {
    log_notes(options_.security.get());
    for (const ListenAddress& address : options_.addresses) listen(address);
    for (Listener& listener : listeners_) accept(listener);
    watch_files();
    thread_ = std::thread([this] { io_.run(); });
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() override {
    asio::post(io_, [this] { finish(); });
    thread_.join();
    is_finishing_ = false;
    hashing_.stop();
    hashing_.join();
  }

  void stop_accepting() {
    std::promise<void> stopped;
    asio::post(io_, [this, &stopped] {
      is_stopping_ = true;
      for (Listener& listener : listeners_) {
        ErrorCode ignored;
        listener.acceptor.close(ignored);
      }
      while (!waiting_.empty()) waiting_.front()->close();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

  [[nodiscard]] const std::vector<std::uint16_t>& ports() const { return ports_; }

  // --- for sessions

  [[nodiscard]] const GateOptions& options() const override { return options_; }
  [[nodiscard]] asio::io_context& io() override { return io_; }
  [[nodiscard]] std::shared_ptr<const GateSecurity> security() const override { return security_; }
  [[nodiscard]] bool is_stopping() const override { return is_stopping_; }

  std::list<GateSession*>::iterator enter_waiting(GateSession* session) override {
    return waiting_.insert(waiting_.end(), session);
  }
  void leave_waiting(std::list<GateSession*>::iterator place) override { waiting_.erase(place); }

  void session_closed(const GateSession& session) override {
    --open_;
    const auto found = by_address_.find(session.address_key());
    if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
    tell_connections();
    if (is_finishing_ && open_ == 0) io_.stop();
  }

  bool take_request_token() override { return !requests_ || requests_->take(steady_seconds()); }

  bool take_upstream_place() override {
    if (upstream_ >= kMostUpstream) return false;
    ++upstream_;
    return true;
  }
  void leave_upstream_place() override { --upstream_; }

  void check_password(const std::string& address, Credentials credentials,
                      std::function<void(PasswordVerdict)> then) override {
    const auto rules = security_->rules;
    const CredentialCache::Key key =
        known_.key_of(credentials, rules->users.hash_of(credentials.user));
    if (rules->users.knows(credentials.user) && known_.contains(key)) {
      return then(PasswordVerdict::right);
    }
    if (!hashes_.take(address, steady_seconds())) return then(PasswordVerdict::too_many);
    if (hashing_now_ >= kMostHashing) return then(PasswordVerdict::overloaded);
    ++hashing_now_;
    asio::post(hashing_, [this, rules, key, address, credentials = std::move(credentials),
                          then = std::move(then)]() mutable {
      const bool right = rules->users.accepts(credentials);
      asio::post(io_, [this, key, right, address, then = std::move(then)] {
        --hashing_now_;
        if (right) known_.add(key);
        if (!right) log_wrong_password(address);
        then(right ? PasswordVerdict::right : PasswordVerdict::wrong);
      });
    });
  }

  void count_refusal(std::string_view reason) override {
    if (options_.observer != nullptr) options_.observer->connection_refused(reason);
  }

 private:
  struct Listener {
    Tcp::acceptor acceptor;
    bool is_loopback = false;
    asio::steady_timer pause;
  };

  void listen(const ListenAddress& address) {
    const asio::ip::address host = address.host.empty()
                                       ? asio::ip::address(asio::ip::address_v4::any())
                                       : asio::ip::make_address(address.host);
    Tcp::endpoint endpoint(host, address.port);
    Tcp::acceptor acceptor(io_);
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error && host.is_v6()) {
      acceptor.set_option(asio::ip::v6_only(!host.is_unspecified()), error);
    }
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (error) {
      throw std::runtime_error("cannot listen on " + address.text() + ": " + error.message());
    }
    ports_.push_back(acceptor.local_endpoint().port());
    listeners_.push_back({std::move(acceptor), address.is_loopback(), asio::steady_timer(io_)});
  }

  void accept(Listener& listener) {
    listener.acceptor.async_accept([this, &listener](ErrorCode error, Tcp::socket socket) {
      if (is_stopping_ || error == asio::error::operation_aborted) return;
      if (!error) {
        admit(std::move(socket), listener.is_loopback);
        return accept(listener);
      }
      // Mostly no descriptor is left: somebody who waits gives one back.
      make_room(nullptr);
      listener.pause.expires_after(kAcceptPause);
      listener.pause.async_wait([this, &listener](ErrorCode) {
        if (!is_stopping_) accept(listener);
      });
    });
  }

  void admit(Tcp::socket socket, bool is_loopback) {
    ErrorCode error;
    const Tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // it is gone already
    const asio::ip::address address = plain_address(remote.address());
    if (!access_.allows(address)) return count_refusal("access_list");
    const std::string key = limit_key(address);
    const auto same = by_address_.find(key);
    if (same != by_address_.end() && same->second >= options_.max_connections_per_address &&
        !make_room(&key)) {
      return count_refusal("address_limit");
    }
    if (open_ >= options_.max_connections && !make_room(nullptr)) {
      return count_refusal("total_limit");
    }
    ++open_;
    ++by_address_[key];
    tell_connections();
    std::make_shared<GateSession>(*this, std::move(socket), address.to_string(), key, is_loopback)
        ->start();
  }

  // Closes the connection that has waited longest, of this address or of all.
  bool make_room(const std::string* key) {
    const auto oldest = std::ranges::find_if(waiting_, [key](const GateSession* session) {
      return key == nullptr || session->address_key() == *key;
    });
    if (oldest == waiting_.end()) return false;
    GateSession* const session = *oldest;
    if (!session->was_answered()) count_refusal("replaced");
    session->close();
    return true;
  }

  void tell_connections() {
    if (options_.observer != nullptr) options_.observer->connections_changed(open_);
  }

  void log_wrong_password(const std::string& address) {
    if (!login_log_.take(steady_seconds())) return;
    log_line(LogLevel::warning, "a login to the web server failed", {{"address", address}});
  }

  // A bad file leaves in force what was there; it is told when the reason changes, and tried again.
  void watch_files() {
    if (!options_.reload || !options_.security) return;
    reload_timer_.expires_after(kReloadPeriod);
    reload_timer_.async_wait([this](ErrorCode error) {
      if (error || is_stopping_) return;
      asio::post(hashing_, [this, rules = security_->rules] {
        auto loaded = std::make_shared<std::optional<Result<std::shared_ptr<const Security>>>>();
        if (rules->is_outdated()) *loaded = options_.reload();
        asio::post(io_, [this, loaded] {
          if (*loaded) take_over(**loaded);
          watch_files();
        });
      });
    });
  }

  void take_over(const Result<std::shared_ptr<const Security>>& loaded) {
    if (!loaded) {
      const std::string problem = loaded.error().path + ": " + loaded.error().reason;
      if (problem != last_problem_) {
        log_line(LogLevel::error, "the web configuration is bad; the old one stays in force",
                 {{"path", loaded.error().path}, {"error", loaded.error().reason}});
      }
      last_problem_ = problem;
      return;
    }
    last_problem_.clear();
    security_ = prepared(*loaded);
    requests_ = bucket_of(loaded->get());
    log_line(LogLevel::info, "web configuration reloaded");
    log_notes(loaded->get());
  }

  void finish() {
    is_stopping_ = true;
    is_finishing_ = true;
    reload_timer_.cancel();
    for (Listener& listener : listeners_) {
      ErrorCode ignored;
      listener.acceptor.close(ignored);
      listener.pause.cancel();
    }
    while (!waiting_.empty()) waiting_.front()->close();
    if (open_ == 0) return io_.stop();
    reload_timer_.expires_after(kGrace);
    reload_timer_.async_wait([this](ErrorCode) { io_.stop(); });
  }

  const GateOptions options_;
  const AccessList access_;
  std::shared_ptr<const GateSecurity> security_;
  std::optional<TokenBucket> requests_;
  AddressBuckets hashes_;
  CredentialCache known_;
  TokenBucket login_log_{1, 5};
  std::string last_problem_;
  std::size_t hashing_now_ = 0;
  std::size_t upstream_ = 0;
  std::size_t open_ = 0;
  std::map<std::string, std::size_t> by_address_;
  std::list<GateSession*> waiting_;  // the oldest first
  bool is_stopping_ = false;
  bool is_finishing_ = false;
  std::vector<std::uint16_t> ports_;
  asio::io_context io_{1};  // below what the sessions that it holds refer to
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::list<Listener> listeners_;
  asio::steady_timer reload_timer_;
  asio::thread_pool hashing_{1};
  std::thread thread_;
};

Gate::Gate(GateOptions options) : core_(std::make_unique<Core>(std::move(options))) {}

Gate::~Gate() = default;

void Gate::stop_accepting() { core_->stop_accepting(); }

const std::vector<std::uint16_t>& Gate::ports() const { return core_->ports(); }

}  // namespace heapfloor
