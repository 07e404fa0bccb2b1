#include "runtime/runner.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "common/available_memory.h"
#include "runtime/buffer_pool.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/instruction_set.h"
#include "runtime/kv_plan.h"
#include "runtime/thread_pool.h"
#include "runtime/threads.h"
#include "runtime/vl_model.h"
#include "runtime/weight_plan.h"
#include "runtime/weights.h"

namespace spyhop {
namespace {

/// Runs `f` in inference mode on the pool's threads; whatever the libraries throw becomes Error{code}.
template <typename F>
auto guarded(ErrorCode code, ThreadPool& pool, const F& f) -> decltype(f()) {
  try {
    const UsePool use_pool(pool);
    keep_aten_serial();
    const c10::InferenceMode inference_mode;
    return f();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    throw Error(code, std::string("libtorch: ") + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw Error(code, "out of memory");
  } catch (const std::exception& error) {
    throw Error(code, error.what());
  }
}

void check_runtime(const RuntimeConfig& runtime) {
  const auto refuse = [](const std::string& what, int64_t value, const std::string& allowed) {
    throw Error(ErrorCode::kModelLoad, what + " is " + std::to_string(value) + "; allowed: " + allowed);
  };
  if (runtime.kv_block_size < 1 || runtime.kv_block_size % kernels::kGroupTokens != 0) {
    refuse("kv_block_size", runtime.kv_block_size, "multiples of " + std::to_string(kernels::kGroupTokens));
  }
  if (runtime.kv_cache_tokens < 0) refuse("kv_cache_tokens", runtime.kv_cache_tokens, "0 or more");
  if (runtime.kv_cache_bytes < 0) refuse("kv_cache_memory", runtime.kv_cache_bytes, "0 or more");
  if (runtime.kv_cache_tokens > 0 && runtime.kv_cache_bytes > 0) {
    throw Error(ErrorCode::kModelLoad,
                "kv_cache_tokens is " + std::to_string(runtime.kv_cache_tokens) + " and kv_cache_memory " +
                    std::to_string(runtime.kv_cache_bytes) + "; allowed: one of the two",
                "kv-cache-memory");
  }
  if (runtime.num_threads < 0) refuse("num_threads", runtime.num_threads, "0 or more");
  if (runtime.vision_batch < 1) refuse("vision_batch", runtime.vision_batch, "1 or more");
  if (runtime.device == DeviceType::kCpu) return;
#ifdef SPYHOP_CUDA
  if (at::hasCUDA()) return;
  throw Error(ErrorCode::kModelLoad, "device is cuda, but libtorch finds no CUDA device; allowed: cpu");
#else
  throw Error(ErrorCode::kModelLoad, "device is cuda, but this build has no CUDA; allowed: cpu");
#endif
}

at::TensorOptions compute_options(const RuntimeConfig& runtime) {
  return at::TensorOptions()
      .dtype(runtime.compute == ComputeType::kBf16 ? at::kBFloat16 : at::kFloat)
      .device(runtime.device == DeviceType::kCuda ? at::kCUDA : at::kCPU);
}

/// The checkpoint's tensors on the device that computes.
Weights weights_on(const at::Device& device, Weights weights, const ModelConfig& config) {
  if (device.is_cpu()) return weights;
  Weights::Map moved;
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (spec.used) moved.emplace(spec.name, weights.at(spec.name).to(device));
  }
  return Weights(moved);
}

VlModel load_model(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                   const std::function<void(double share)>& progress) {
  Weights weights = load_weights(dir, config, runtime, progress);
  return VlModel(weights_on(compute_options(runtime).device(), std::move(weights), config), config);
}

class ModelRunner : public Runner {
 public:
  ModelRunner(std::unique_ptr<ThreadPool> pool, VlModel model, const ModelConfig& config, const RuntimeConfig& runtime,
              const KvCacheShape& shape)
      : pool_(std::move(pool)),
        config_(config),
        runtime_(runtime),
        options_(compute_options(runtime)),
        model_(std::move(model)),
        shape_(shape),
        cache_(shape, options_) {}

  const ModelConfig& config() const override { return config_; }
  int num_kv_blocks() const override { return shape_.num_blocks; }
  int kv_block_size() const override { return shape_.block_size; }

  void copy_kv_block(int32_t from, int32_t to) override {
    require(from >= 0 && from < shape_.num_blocks && to >= 0 && to < shape_.num_blocks, "a KV block that does not exist");
    guarded(ErrorCode::kInternal, *pool_, [&] { cache_.copy_block(from, to); });
  }

  TileEncoding begin_tiles(const at::Tensor& pixels) override {
    check_pixels(pixels);
    return guarded(ErrorCode::kInternal, *pool_, [&] { return model_.begin_tiles(pixels); });
  }

  void advance_tiles(TileEncoding& tiles, int max_layers, VisionTrace* trace) override {
    guarded(ErrorCode::kInternal, *pool_, [&] {
      for (int i = 0; i < max_layers && !tiles.done(); ++i) model_.advance_tiles(tiles, trace);
    });
  }

  at::Tensor encode_tiles(const at::Tensor& pixels, VisionTrace* trace) override {
    check_pixels(pixels);
    return guarded(ErrorCode::kInternal, *pool_, [&] { return encode_in_batches(pixels, trace); });
  }

  at::Tensor arrange_image(const at::Tensor& tile_features, int cols, int rows) override {
    return guarded(ErrorCode::kInternal, *pool_, [&] { return model_.arrange_image(tile_features, cols, rows); });
  }

  std::vector<std::optional<SampledToken>> run(const std::vector<SequenceChunk>& chunks, ForwardTrace* trace) override {
    for (const SequenceChunk& chunk : chunks) check_chunk(chunk);
    if (chunks.empty()) return {};
    return guarded(ErrorCode::kInternal, *pool_, [&] { return step(chunks, trace); });
  }

 private:
  at::Tensor encode_in_batches(const at::Tensor& pixels, VisionTrace* trace) const;
  at::Tensor embed(const std::vector<SequenceChunk>& chunks) const;
  std::vector<std::optional<SampledToken>> step(const std::vector<SequenceChunk>& chunks, ForwardTrace* trace);
  void check_pixels(const at::Tensor& pixels) const;
  void check_chunk(const SequenceChunk& chunk) const;

  std::unique_ptr<ThreadPool> pool_;
  ModelConfig config_;
  RuntimeConfig runtime_;
  at::TensorOptions options_;
  VlModel model_;
  KvCacheShape shape_;
  KvCache cache_;
};

void ModelRunner::check_pixels(const at::Tensor& pixels) const {
  const int64_t side = config_.vision.image_size;
  require(pixels.dim() == 4 && pixels.size(0) > 0 && pixels.size(1) == 3 && pixels.size(2) == side && pixels.size(3) == side,
          "pixels that are not [tiles, 3, S, S]");
}

at::Tensor ModelRunner::encode_in_batches(const at::Tensor& pixels, VisionTrace* trace) const {
  std::vector<at::Tensor> features;
  std::vector<VisionTrace> traces;
  for (int64_t first = 0; first < pixels.size(0); first += runtime_.vision_batch) {
    const int64_t count = std::min<int64_t>(runtime_.vision_batch, pixels.size(0) - first);
    if (trace != nullptr) traces.emplace_back();
    TileEncoding tiles = model_.begin_tiles(pixels.narrow(0, first, count));
    while (!tiles.done()) model_.advance_tiles(tiles, trace == nullptr ? nullptr : &traces.back());
    features.push_back(tiles.features);
  }
  if (trace != nullptr) {
    const auto joined = [&traces](at::Tensor VisionTrace::*member) {
      std::vector<at::Tensor> parts;
      for (const VisionTrace& part : traces) parts.push_back(part.*member);
      return at::cat(parts);
    };
    *trace = {joined(&VisionTrace::patch_embed), joined(&VisionTrace::vision_out), joined(&VisionTrace::projector_out)};
  }
  return features.size() == 1 ? features.front() : at::cat(features);
}

void ModelRunner::check_chunk(const SequenceChunk& chunk) const {
  require(!chunk.token_ids.empty(), "a chunk without tokens");
  require(chunk.first_position >= 0, "a chunk before position 0");
  const int64_t end = int64_t{chunk.first_position} + static_cast<int64_t>(chunk.token_ids.size());
  require(end <= static_cast<int64_t>(chunk.block_table.size()) * shape_.block_size, "a block table shorter than its sequence");
  for (const int32_t block : chunk.block_table)
    require(block >= 0 && block < shape_.num_blocks, "a KV block that does not exist");
  for (const int32_t id : chunk.token_ids) {
    require(id >= 0 && id < config_.language.vocab_size, "a token that is not in the vocabulary");
  }
  for (const FeatureSpan& span : chunk.features) {
    require(span.features.defined() && span.features.dim() == 2 && span.features.size(1) == config_.language.hidden_size,
            "features that are not [rows, hidden]");
    require(span.offset >= 0 && span.offset + span.features.size(0) <= static_cast<int64_t>(chunk.token_ids.size()),
            "features outside their chunk");
  }
}

/// The embeddings of all chunks, image rows in place: [num_tokens, hidden].
at::Tensor ModelRunner::embed(const std::vector<SequenceChunk>& chunks) const {
  std::vector<int32_t> ids;
  for (const SequenceChunk& chunk : chunks) ids.insert(ids.end(), chunk.token_ids.begin(), chunk.token_ids.end());
  at::Tensor embeddings = model_.language().embed(ids);
  int64_t first = 0;
  for (const SequenceChunk& chunk : chunks) {
    for (const FeatureSpan& span : chunk.features) {
      embeddings.narrow(0, first + span.offset, span.features.size(0)).copy_(span.features);
    }
    first += static_cast<int64_t>(chunk.token_ids.size());
  }
  return embeddings;
}

std::vector<std::optional<SampledToken>> ModelRunner::step(const std::vector<SequenceChunk>& chunks, ForwardTrace* trace) {
  std::vector<SequenceSpan> spans;
  std::vector<int64_t> wanted;   // last rows of the chunks that have a sampler
  std::vector<size_t> sampling;  // these chunks
  int64_t row = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const SequenceChunk& chunk = chunks[i];
    const int64_t num_tokens = static_cast<int64_t>(chunk.token_ids.size());
    spans.push_back({row, num_tokens, chunk.first_position, &chunk.block_table});
    row += num_tokens;
    if (chunk.sampler == nullptr) continue;
    wanted.push_back(row - 1);
    sampling.push_back(i);
  }
  const at::Tensor logits = model_.language().forward(embed(chunks), spans, wanted, cache_, trace).to(at::kCPU).contiguous();
  std::vector<std::optional<SampledToken>> tokens(chunks.size());
  const float* const rows = logits.data_ptr<float>();
  const int64_t width = config_.language.vocab_size;
  parallel_for(static_cast<int64_t>(sampling.size()), [&](int64_t i) {
    const size_t chunk = sampling[static_cast<size_t>(i)];
    try {
      TokenFilter* const filter = chunks[chunk].filter;
      tokens[chunk] = chunks[chunk].sampler->sample(rows + i * width, filter == nullptr ? nullptr : filter->allowed());
    } catch (const std::exception&) {
      // The others' samplers go on: none of them may count a token twice.
    }
  });
  return tokens;
}

}  // namespace

std::unique_ptr<Runner> make_runner(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                                    const std::function<void(double share)>& progress) {
  check_runtime(runtime);
  pool_tensor_memory();
  kernels::force_instruction_set(runtime.instruction_set);
  const int64_t before = available_memory_bytes();
  const int64_t taken = plan_weights(config, runtime).num_bytes() + runtime.kv_spared_bytes;
  const int64_t spare = std::max<int64_t>(0, before - taken);
  plan_kv_cache(config.language, runtime, {before, spare});  // refuses before the weights take their time
  auto pool = std::make_unique<ThreadPool>(runtime.num_threads > 0 ? runtime.num_threads : physical_cores());
  ThreadPool& threads = *pool;
  return guarded(ErrorCode::kModelLoad, threads, [&]() -> std::unique_ptr<Runner> {
    VlModel model = load_model(dir, config, runtime, progress);
    const int64_t left = available_memory_bytes();
    const KvCacheShape shape = plan_kv_cache(config.language, runtime, {left, std::min(left, spare)});
    return std::make_unique<ModelRunner>(std::move(pool), std::move(model), config, runtime, shape);
  });
}

}  // namespace spyhop
