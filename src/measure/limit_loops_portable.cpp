#include <cstring>

#include "measure/limit_loops.h"

namespace spyhop {
namespace {

constexpr int kLanes = 4;
constexpr int kSums = 8;
typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));

volatile float sink;
volatile float one = 1.0F;

uint64_t read(const char* data, int64_t num_bytes) {
  uint64_t seen[8] = {};
  for (int64_t i = 0; i + 64 <= num_bytes; i += 64) {
    uint64_t words[8];
    std::memcpy(words, data + i, sizeof words);
    for (int k = 0; k < 8; ++k) seen[k] |= words[k];
  }
  uint64_t all = 0;
  for (const uint64_t word : seen) all |= word;
  return all;
}

void multiply(int64_t num_rounds) {
  Floats sums[kSums] = {};
  const float number = one;
  const Floats x = {number, number, number, number};
  const Floats y = x;
  for (int64_t round = 0; round < num_rounds; ++round) {
    for (Floats& sum : sums) sum += x * y;
  }
  for (const Floats& sum : sums) sink = sum[0];
}

}  // namespace

LimitLoops limit_loops_portable() {
  const ArithmeticLoop loop{multiply, 2.0 * kSums * kLanes};
  return {read, loop, loop, loop};
}

}  // namespace spyhop
