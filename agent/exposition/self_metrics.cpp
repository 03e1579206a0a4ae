#include "agent/exposition/self_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace heapfloor {

// The names are rows of the table in metric_families.cpp, which also holds the HELP texts.
struct SelfMetrics::Registered {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Gauge>& build =
      prometheus::BuildGauge().Name("heapfloor_build_info").Register(registry);
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("heapfloor_http_requests_total").Register(registry);
  prometheus::Gauge& in_flight =
      prometheus::BuildGauge().Name("heapfloor_http_requests_in_flight").Register(registry).Add({});
  prometheus::Gauge& connections =
      prometheus::BuildGauge().Name("heapfloor_http_connections").Register(registry).Add({});
  prometheus::Family<prometheus::Counter>& refused =
      prometheus::BuildCounter()
          .Name("heapfloor_http_connections_refused_total")
          .Register(registry);
  prometheus::Gauge& insecure =
      prometheus::BuildGauge().Name("heapfloor_http_insecure").Register(registry).Add({});
  prometheus::Family<prometheus::Gauge>& sizes =
      prometheus::BuildGauge().Name("heapfloor_exposition_size_bytes").Register(registry);
};

SelfMetrics::SelfMetrics(const BuildInfo& build) : registered_(std::make_unique<Registered>()) {
  registered_->build
      .Add({{"version", build.version},
            {"revision", build.revision},
            {"branch", build.branch},
            {"compiler", build.compiler},
            {"standard", build.standard}})
      .Set(1);
}

SelfMetrics::~SelfMetrics() = default;

void SelfMetrics::request_started() { registered_->in_flight.Increment(); }

void SelfMetrics::request_finished(std::string_view handler, int code) {
  registered_->in_flight.Decrement();
  registered_->requests.Add({{"handler", std::string(handler)}, {"code", std::to_string(code)}})
      .Increment();
}

void SelfMetrics::connections_changed(std::size_t open) {
  registered_->connections.Set(static_cast<double>(open));
}

void SelfMetrics::connection_refused(std::string_view reason) {
  registered_->refused.Add({{"reason", std::string(reason)}}).Increment();
}

void SelfMetrics::insecure_known(bool insecure) { registered_->insecure.Set(insecure ? 1 : 0); }

void SelfMetrics::page_rendered(ExpositionFormat format, std::size_t bytes) {
  registered_->sizes
      .Add({{"format", format == ExpositionFormat::openmetrics ? "openmetrics" : "text"}})
      .Set(static_cast<double>(bytes));
}

const prometheus::Collectable& SelfMetrics::collectable() const { return registered_->registry; }

}  // namespace heapfloor
