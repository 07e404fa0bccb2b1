// What the HTTP side counts.
#pragma once

#include "common/metrics.h"

namespace prometheus {
class Counter;
template <typename T>
class Family;
}  // namespace prometheus

namespace spyhop {

struct Exchange;

/// Counts answered requests. Thread safety: any thread.
class HttpMetrics {
 public:
  /// `metrics` outlives this object; null: nothing is counted.
  explicit HttpMetrics(Metrics* metrics);

  /// One request, answered. Methods and routes that are not ours share one label: a stranger must not make series at will.
  void note_answered(const Exchange& exchange) const;

 private:
  prometheus::Family<prometheus::Counter>* requests_ = nullptr;
  prometheus::Family<prometheus::Counter>* errors_ = nullptr;
};

}  // namespace spyhop
