#include "runtime/tensor_fill.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int64_t kLanes = 4;  // random values drawn from one 64-bit word
static_assert(kFillChunk % kLanes == 0, "a word of random bits must not be cut by a chunk");

template <typename Source, typename Target>
void convert(const uint8_t* source, Target* target, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    Source value;  // copied byte by byte: the file promises no alignment
    std::memcpy(&value, source + i * static_cast<int64_t>(sizeof(Source)), sizeof(Source));
    target[i] = static_cast<Target>(static_cast<float>(value));
  }
}

template <typename Source>
FillJob convert_from(const StoredTensor& source, const at::Tensor& target) {
  const uint8_t* from = source.data;
  const int64_t count = target.numel();
  if (target.scalar_type() == at::kFloat) {
    return {count, [from, target](int64_t begin, int64_t end) { convert<Source>(from, target.data_ptr<float>(), begin, end); }};
  }
  return {count,
          [from, target](int64_t begin, int64_t end) { convert<Source>(from, target.data_ptr<at::BFloat16>(), begin, end); }};
}

/// Finaliser of splitmix64: a bijection whose output bits all depend on all input bits.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// The bits of a finite float rounded to bf16.
uint32_t round_to_bf16(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
}

/// Calls store(i, bf16 bits) for every position.
template <typename Store>
void draw(const RandomFill& random, int64_t begin, int64_t end, Store store) {
  const float step = random.amplitude / 32768.0F;
  for (int64_t i = begin; i < end; i += kLanes) {
    const uint64_t word = mix(random.seed + 0x9E3779B97F4A7C15ULL * static_cast<uint64_t>(i / kLanes + 1));
    const int64_t lanes = std::min(kLanes, end - i);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const auto drawn = static_cast<int16_t>(static_cast<uint16_t>(word >> (16 * lane)));
      store(i + lane, round_to_bf16(random.centre + (static_cast<float>(drawn) + 0.5F) * step));
    }
  }
}

}  // namespace

void run_fill_job(const FillJob& job) {
  parallel_for((job.num_elements + kFillChunk - 1) / kFillChunk,
               [&job](int64_t chunk) { job.fill(chunk * kFillChunk, std::min((chunk + 1) * kFillChunk, job.num_elements)); });
}

FillJob convert_job(const StoredTensor& source, const at::Tensor& target) {
  switch (source.type) {
    case StoredType::kBF16:
      return convert_from<at::BFloat16>(source, target);
    case StoredType::kF16:
      return convert_from<at::Half>(source, target);
    case StoredType::kF32:
      return convert_from<float>(source, target);
    default:
      throw Error(ErrorCode::kInternal, "no conversion from " + std::string(stored_type_name(source.type)));
  }
}

FillJob random_job(const RandomFill& random, const at::Tensor& target) {
  if (target.scalar_type() == at::kFloat) {
    return {target.numel(), [random, target](int64_t begin, int64_t end) {
              float* values = target.data_ptr<float>();
              draw(random, begin, end, [values](int64_t i, uint32_t bits) {
                const uint32_t wide = bits << 16;
                std::memcpy(&values[i], &wide, sizeof wide);
              });
            }};
  }
  return {target.numel(), [random, target](int64_t begin, int64_t end) {
            auto* values = reinterpret_cast<uint16_t*>(target.data_ptr<at::BFloat16>());
            draw(random, begin, end, [values](int64_t i, uint32_t bits) { values[i] = static_cast<uint16_t>(bits); });
          }};
}

uint64_t seed_of(const std::string& name, uint64_t seed) {
  uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  return mix(hash + mix(seed + 1));
}

}  // namespace spyhop
