// How large the KV cache is to be.
#pragma once

#include <cstdint>

#include "registry/model_config.h"
#include "runtime/kv_cache.h"
#include "spyhop/config.h"

namespace spyhop {

/// Memory of the machine, in bytes; 0 where it is not known.
struct MemoryLeft {
  int64_t available = 0;  // can be had now
  int64_t spare = 0;      // of it, what the weights will not need: mapped files count as available
};

/// Bytes that the cache takes for each token, over all layers.
int64_t kv_bytes_per_token(const LanguageConfig& config, ComputeType compute);

/// Tokens that the cache is to hold on such a machine, in whole blocks: as the settings say or, by default, as half of what is
/// spare holds, at least RuntimeConfig::kv_least_tokens, at most kv_most_tokens. Whether they fit is another question.
int64_t kv_capacity(const LanguageConfig& config, const RuntimeConfig& runtime, const MemoryLeft& memory);

/// The blocks of kv_capacity. Throws Error{kModelLoad} naming the setting when that is less than kv_least_tokens or more than
/// what is available.
KvCacheShape plan_kv_cache(const LanguageConfig& config, const RuntimeConfig& runtime, const MemoryLeft& memory);

}  // namespace spyhop
