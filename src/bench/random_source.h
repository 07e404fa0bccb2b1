// Seeded random numbers.
#pragma once

#include <cstdint>
#include <random>

namespace spyhop {

/// The same numbers for the same seed and stream, on every machine with the same standard library. Streams of one seed are
/// independent of each other.
class RandomSource {
 public:
  RandomSource(uint64_t seed, uint64_t stream);

  /// From 0 to `count` - 1; `count` > 0.
  uint64_t below(uint64_t count);
  /// From `low` to `high`, both included.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  /// Gamma distributed with the mean 1; `shape` 1 is the exponential distribution.
  double gamma(double shape);

 private:
  std::mt19937_64 engine_;
};

}  // namespace spyhop
