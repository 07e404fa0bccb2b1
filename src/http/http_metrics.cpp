#include "http/http_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "http/route.h"

namespace spyhop {
namespace {

std::string method_label(const std::string& method) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end() ? method : "other";
}

}  // namespace

HttpMetrics::HttpMetrics(Metrics* metrics) {
  if (metrics == nullptr) return;
  requests_ = &prometheus::BuildCounter()
                   .Name("http_requests_total")
                   .Help("Total number of requests by method, status and handler.")
                   .Register(metrics->registry());
  errors_ = &prometheus::BuildCounter()
                 .Name("spyhop:http_errors_total")
                 .Help("Requests answered with a status of 400 or more, by that status.")
                 .Register(metrics->registry());
}

void HttpMetrics::note_answered(const Exchange& exchange) const {
  if (requests_ == nullptr) return;
  const std::string status_class = std::to_string(exchange.status / 100) + "xx";
  requests_->Add({{"method", method_label(exchange.method)}, {"handler", exchange.handler}, {"status", status_class}})
      .Increment();
  if (exchange.status >= 400) errors_->Add({{"status", std::to_string(exchange.status)}}).Increment();
}

}  // namespace spyhop
