// When requests are sent.
#pragma once

#include <cstdint>

#include "bench/exchange_loop.h"
#include "bench/random_source.h"

namespace spyhop {

struct ArrivalOptions {
  double request_rate = 0;  // per second; 0 = all at once
  double burstiness = 1;    // 1 = a Poisson process; below 1 in bursts, above 1 more even (gamma distributed intervals)
  uint64_t seed = 0;
};

/// The times of one run, ascending; the first one is the run's begin.
class Arrivals {
 public:
  Arrivals(const ArrivalOptions& options, TimePoint begin);

  TimePoint next() const { return next_; }
  void advance();

 private:
  const ArrivalOptions options_;
  RandomSource random_;
  TimePoint next_;
};

}  // namespace spyhop
