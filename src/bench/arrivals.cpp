#include "bench/arrivals.h"

namespace spyhop {
namespace {

constexpr uint64_t kArrivalStream = 0xA221;  // apart from the streams that texts are drawn from

}  // namespace

Arrivals::Arrivals(const ArrivalOptions& options, TimePoint begin)
    : options_(options), random_(options.seed, kArrivalStream), next_(begin) {}

void Arrivals::advance() {
  if (options_.request_rate <= 0) return;
  const std::chrono::duration<double> interval(random_.gamma(options_.burstiness) / options_.request_rate);
  next_ += std::chrono::duration_cast<BenchClock::duration>(interval);
}

}  // namespace spyhop
