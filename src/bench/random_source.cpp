#include "bench/random_source.h"

namespace spyhop {
namespace {

std::mt19937_64 make_engine(uint64_t seed, uint64_t stream) {
  std::seed_seq seeds{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(stream),
                      static_cast<uint32_t>(stream >> 32)};
  return std::mt19937_64(seeds);
}

}  // namespace

RandomSource::RandomSource(uint64_t seed, uint64_t stream) : engine_(make_engine(seed, stream)) {}

uint64_t RandomSource::below(uint64_t count) {
  return std::uniform_int_distribution<uint64_t>(0, count - 1)(engine_);
}

double RandomSource::gamma(double shape) {
  return std::gamma_distribution<double>(shape, 1 / shape)(engine_);
}

}  // namespace spyhop
