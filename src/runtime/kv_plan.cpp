#include "runtime/kv_plan.h"

#include <algorithm>
#include <limits>
#include <string>

#include "common/byte_size.h"
#include "runtime/attention.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// The rest is for images, for requests that wait, and for other programs.
constexpr int64_t kShareOfSpare = 2;

[[noreturn]] void refuse(const std::string& message, const char* param) {
  throw Error(ErrorCode::kModelLoad, message, param);
}

/// A number of tokens, and the setting that it comes from.
struct Capacity {
  int64_t num_tokens = 0;
  std::string setting;
  const char* param = "";
};

Capacity chosen_capacity(const LanguageConfig& config, const RuntimeConfig& runtime, const MemoryLeft& memory) {
  const int64_t bytes_per_token = kv_bytes_per_token(config, runtime.compute);
  const int64_t most = runtime.kv_most_tokens > 0 ? runtime.kv_most_tokens : int64_t{2} * config.max_position_embeddings;
  if (runtime.kv_cache_tokens > 0) {
    return {runtime.kv_cache_tokens, "kv_cache_tokens is " + std::to_string(runtime.kv_cache_tokens), "kv-cache-tokens"};
  }
  if (runtime.kv_cache_bytes > 0) {
    const int64_t block_bytes = bytes_per_token * runtime.kv_block_size;
    return {runtime.kv_cache_bytes / block_bytes * runtime.kv_block_size,
            "kv_cache_memory is " + std::to_string(runtime.kv_cache_bytes), "kv-cache-memory"};
  }
  const int64_t held = memory.available == 0 ? most : memory.spare / kShareOfSpare / bytes_per_token;
  return {std::max(runtime.kv_least_tokens, std::min(most, held)), "the smallest KV cache", "kv-cache-memory"};
}

}  // namespace

int64_t kv_bytes_per_token(const LanguageConfig& config, ComputeType compute) {
  int64_t numbers = 0;
  for (const kernels::RowKind& kind : kv_row_kinds(config)) numbers += kind.width() * config.num_layers;
  return numbers * (compute == ComputeType::kF32 ? 4 : 2);
}

int64_t kv_capacity(const LanguageConfig& config, const RuntimeConfig& runtime, const MemoryLeft& memory) {
  return ((chosen_capacity(config, runtime, memory).num_tokens - 1) / runtime.kv_block_size + 1) * runtime.kv_block_size;
}

KvCacheShape plan_kv_cache(const LanguageConfig& config, const RuntimeConfig& runtime, const MemoryLeft& memory) {
  const int64_t bytes_per_token = kv_bytes_per_token(config, runtime.compute);
  const Capacity capacity = chosen_capacity(config, runtime, memory);
  const std::string takes = capacity.setting + ": " + std::to_string(capacity.num_tokens) + " tokens";
  const int64_t least = std::max<int64_t>(1, runtime.kv_least_tokens);
  if (capacity.num_tokens < least) {
    refuse(takes + "; at least " + std::to_string(least) + " must fit, which take " + byte_size_text(least * bytes_per_token),
           capacity.param);
  }
  const int64_t num_blocks = (capacity.num_tokens - 1) / runtime.kv_block_size + 1;
  const double bytes = static_cast<double>(num_blocks) * runtime.kv_block_size * static_cast<double>(bytes_per_token);
  const bool too_large = memory.available > 0 && bytes > static_cast<double>(memory.available);
  if (num_blocks > std::numeric_limits<int32_t>::max() || too_large) {
    const double shown = std::min(bytes, static_cast<double>(int64_t{1} << 62));
    refuse(takes + " take " + byte_size_text(static_cast<int64_t>(shown)) + "; available: " + byte_size_text(memory.available),
           capacity.param);
  }
  return {config.num_layers, static_cast<int>(num_blocks), runtime.kv_block_size, kv_row_kinds(config)};
}

}  // namespace spyhop
