// What would make a plan fit.
#include <algorithm>
#include <functional>
#include <optional>

#include "common/byte_size.h"
#include "runtime/memory_plan.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kContextStep = 256;    // tokens: contexts are proposed in multiples of it
constexpr int kShortContext = 1024;  // tokens
constexpr int kSmallChunk = 64;      // tokens
constexpr int64_t kMebibyte = int64_t{1} << 20;

/// A change of settings; nothing where it would change nothing.
struct Change {
  std::string flags;
  EngineConfig config;
};
using Changes = std::vector<Change>;

class FitSearch {
 public:
  FitSearch(const ModelConfig& model, const EngineConfig& config, int64_t available)
      : model_(model), config_(config), available_(available) {}

  std::vector<FittingSetting> settings() const {
    std::vector<FittingSetting> found;
    const auto add = [&](const std::optional<Change>& change) {
      if (change && fits(change->config)) found.push_back({change->flags, needed(change->config)});
    };
    add(smaller_cache(config_));
    add(quantized(config_, Quantization::kInt8));
    add(quantized(config_, Quantization::kInt4));
    add(bf16(config_));
    add(longest_context());
    add(small_chunk(config_));
    add(one_sequence(config_));
    add(no_vision_cache(config_));
    if (!found.empty()) return found;
    return together();
  }

 private:
  int64_t needed(const EngineConfig& config) const { return plan_memory(model_, config, available_).total(); }
  bool fits(const EngineConfig& config) const { return needed(config) <= available_; }

  int context() const { return config_.max_context > 0 ? config_.max_context : model_.language.max_position_embeddings; }

  std::optional<Change> quantized(EngineConfig config, Quantization quantization) const {
    const bool is_stored_quantized = model_.quantization != Quantization::kNone;
    if (is_stored_quantized || config.runtime.quantization >= quantization) return std::nullopt;
    config.runtime.quantization = quantization;
    return Change{quantization == Quantization::kInt4 ? "--quantization int4" : "--quantization int8", config};
  }

  static std::optional<Change> bf16(EngineConfig config) {
    if (config.runtime.compute == ComputeType::kBf16) return std::nullopt;
    config.runtime.compute = ComputeType::kBf16;
    return Change{"--compute bf16", config};
  }

  static std::optional<Change> small_chunk(EngineConfig config) {
    if (config.prefill_chunk <= kSmallChunk) return std::nullopt;
    config.prefill_chunk = kSmallChunk;
    return Change{"--prefill-chunk " + std::to_string(kSmallChunk), config};
  }

  static std::optional<Change> one_sequence(EngineConfig config) {
    if (config.max_num_seqs == 1) return std::nullopt;
    config.max_num_seqs = 1;
    return Change{"--max-num-seqs 1", config};
  }

  static std::optional<Change> no_vision_cache(EngineConfig config) {
    if (config.vision_cache_bytes == 0) return std::nullopt;
    config.vision_cache_bytes = 0;
    return Change{"--vision-cache-bytes 0", config};
  }

  std::optional<Change> context_of(EngineConfig config, int max_context) const {
    if (max_context >= context()) return std::nullopt;
    config.max_context = max_context;
    return Change{"--max-model-len " + std::to_string(max_context), config};
  }

  /// Where the cache's size is set: the largest that fits.
  std::optional<Change> smaller_cache(EngineConfig config) const {
    if (config.runtime.kv_cache_tokens == 0 && config.runtime.kv_cache_bytes == 0) return std::nullopt;
    config.runtime.kv_cache_tokens = 0;
    config.runtime.kv_cache_bytes = 0;
    const MemoryPlan plan = plan_memory(model_, config, available_);
    const int64_t room = available_ - plan.weights.num_bytes() - plan.beside_weights_and_kv();
    const int64_t bytes = std::max(room, plan.kv_bytes_per_context() + kMebibyte) / kMebibyte * kMebibyte;
    config.runtime.kv_cache_bytes = bytes;
    return Change{"--kv-cache-memory " + std::to_string(bytes / kMebibyte) + "MiB", config};
  }

  std::optional<Change> longest_context() const {
    int fitting = 0;
    int refused = (context() - 1) / kContextStep + 1;
    while (fitting + 1 < refused) {
      const int middle = (fitting + refused) / 2;
      EngineConfig config = config_;
      config.max_context = middle * kContextStep;
      (fits(config) ? fitting : refused) = middle;
    }
    if (fitting == 0) return std::nullopt;
    return context_of(config_, fitting * kContextStep);
  }

  /// One change on top of the other until the plan fits.
  std::vector<FittingSetting> together() const {
    Change all{"", config_};
    const std::vector<std::function<std::optional<Change>(const EngineConfig&)>> changes = {
        [this](const EngineConfig& c) { return quantized(c, Quantization::kInt4); },
        [](const EngineConfig& c) { return bf16(c); },
        [this](const EngineConfig& c) { return context_of(c, kShortContext); },
        [](const EngineConfig& c) { return no_vision_cache(c); },
        [](const EngineConfig& c) { return small_chunk(c); },
        [](const EngineConfig& c) { return one_sequence(c); },
        [this](const EngineConfig& c) { return smaller_cache(c); },
    };
    for (const auto& change : changes) {
      const std::optional<Change> next = change(all.config);
      if (!next) continue;
      all = {all.flags + (all.flags.empty() ? "" : " ") + next->flags, next->config};
      if (fits(all.config)) return {{all.flags, needed(all.config)}};
    }
    return {};
  }

  const ModelConfig& model_;
  const EngineConfig& config_;
  int64_t available_;
};

}  // namespace

std::vector<FittingSetting> fitting_settings(const ModelConfig& model, const EngineConfig& config, int64_t available) {
  return FitSearch(model, config, available).settings();
}

void require_fit(const MemoryPlan& plan, const ModelConfig& model, const EngineConfig& config, int64_t available) {
  if (available == 0 || plan.total() <= available) return;
  std::string advice;
  for (const FittingSetting& setting : fitting_settings(model, config, available)) {
    advice += (advice.empty() ? "; what would do: " : ", or ") + setting.flags + " needs " + byte_size_text(setting.num_bytes);
  }
  if (advice.empty()) advice = "; no setting would do";
  const int64_t rest = plan.total() - plan.weights.num_bytes() - plan.kv_cache;
  throw Error(ErrorCode::kModelLoad, "the model needs " + byte_size_text(plan.total()) + " of memory (weights " +
                                         byte_size_text(plan.weights.num_bytes()) + ", KV cache " +
                                         byte_size_text(plan.kv_cache) + ", all else " + byte_size_text(rest) +
                                         "), available: " + byte_size_text(available) + advice);
}

}  // namespace spyhop
