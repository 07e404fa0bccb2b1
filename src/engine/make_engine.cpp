// Composition of an engine from a checkpoint.
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "common/available_memory.h"
#include "common/sha256.h"
#include "engine/engine_impl.h"
#include "prompt/byte_tokenizer.h"
#include "registry/registry.h"
#include "runtime/kernels/instruction_set.h"
#include "runtime/kv_plan.h"
#include "runtime/memory_plan.h"
#include "runtime/threads.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

ModelConfig read_config(const EngineConfig& config) {
  if (!config.model_path.empty()) return load_model_config(config.model_path);
  if (config.runtime.load_format == LoadFormat::kDummy && !config.model_size.empty())
    return registered_model_config("deepseek-vl2", config.model_size);
  throw Error(ErrorCode::kModelLoad, "no checkpoint: give --model-path, or --load-format dummy with --size-in-billions",
              "model-path");
}

std::shared_ptr<const Tokenizer> read_tokenizer(const EngineConfig& config) {
  const bool has_files =
      fs::exists(fs::path(config.model_path) / "tokenizer.json") || fs::exists(fs::path(config.model_path) / "tokenizer.model");
  if (config.runtime.load_format == LoadFormat::kDummy && (config.model_path.empty() || !has_files)) {
    spdlog::warn("event=byte_tokenizer reason=\"dummy weights without tokenizer files: one token per byte\"");
    return make_byte_tokenizer();
  }
  return load_tokenizer(config.model_path);
}

std::string served_name(const EngineConfig& config) {
  if (!config.model_name.empty()) return config.model_name;
  if (config.model_path.empty()) return "deepseek-vl2";
  const fs::path path = fs::weakly_canonical(config.model_path);
  return path.filename() == "checkpoint" ? path.parent_path().filename().string() : path.filename().string();
}

/// Of the build and of what tells weights apart without reading all of them: names and sizes of the checkpoint's files, and its
/// config.
std::string fingerprint(const EngineConfig& config) {
  std::vector<std::string> files;
  if (!config.model_path.empty()) {
    for (const fs::directory_entry& entry : fs::directory_iterator(config.model_path)) {
      if (entry.is_regular_file()) files.push_back(fmt::format("{}:{}", entry.path().filename().string(), entry.file_size()));
    }
  }
  std::sort(files.begin(), files.end());
  return "spyhop-" SPYHOP_VERSION "-" +
         sha256_hex(fmt::format("{}|{}|{}|{}", fmt::join(files, ","), config.model_size,
                                static_cast<int>(config.runtime.compute), static_cast<int>(config.runtime.load_format)))
             .substr(0, 12);
}

int resolve_context(const EngineConfig& config, const ModelConfig& model) {
  const int largest = model.language.max_position_embeddings;
  if (config.max_context < 0 || config.max_context > largest) {
    throw Error(
        ErrorCode::kModelLoad,
        fmt::format("max-model-len is {}; this checkpoint allows 1 to {} (0 = {})", config.max_context, largest, largest),
        "max-model-len");
  }
  return config.max_context == 0 ? largest : config.max_context;
}

/// The plan's parts in MiB, by kind of weight first.
void log_memory_plan(const MemoryPlan& plan, int64_t available) {
  const auto mib = [](int64_t bytes) { return (bytes + (int64_t{1} << 20) - 1) >> 20; };
  std::string kinds;
  for (const WeightPart& part : plan.weights.parts)
    kinds += fmt::format(" {}={}", weight_kind_name(part.kind), mib(part.num_bytes));
  spdlog::info(
      "event=memory_plan unit=MiB weights={} kv_cache={} kv_tokens={} activations={} images={} vision_cache={} program={} "
      "total={} available={}",
      mib(plan.weights.num_bytes()), mib(plan.kv_cache), plan.kv_tokens,
      mib(plan.language_activations + plan.logits + plan.vision_activations), mib(plan.image_decoding + plan.image_features),
      mib(plan.vision_cache), mib(plan.program), mib(plan.total()), mib(available));
  spdlog::info("event=memory_plan_weights unit=MiB{}", kinds);
}

/// Logs what is planned, and refuses what this machine cannot hold before anything large is read. Returns the settings for the
/// runtime.
RuntimeConfig plan_runtime(const EngineConfig& config, const ModelConfig& model, int max_context) {
  EngineConfig planned = config;
  planned.max_context = max_context;
  planned.runtime.num_threads = config.runtime.num_threads > 0 ? config.runtime.num_threads : physical_cores();
  RuntimeConfig runtime = config.runtime;
  runtime.kv_least_tokens = max_context;
  runtime.kv_most_tokens = int64_t{config.max_num_seqs} * max_context;
  if (config.runtime.device != DeviceType::kCpu) return runtime;
  const int64_t available = available_memory_bytes();
  const MemoryPlan plan = plan_memory(model, planned, available);
  log_memory_plan(plan, available);
  require_fit(plan, model, planned, available);
  runtime.kv_spared_bytes = plan.beside_weights_and_kv();
  return runtime;
}

void log_kv_cache(const Runner& runner, ComputeType compute, int max_context) {
  const int64_t num_tokens = int64_t{runner.num_kv_blocks()} * runner.kv_block_size();
  spdlog::info("event=kv_cache bytes={} tokens={} contexts={:.1f}",
               num_tokens * kv_bytes_per_token(runner.config().language, compute), num_tokens,
               static_cast<double>(num_tokens) / max_context);
}

}  // namespace

std::unique_ptr<Engine> make_engine(const EngineConfig& config, const LoadProgress& progress, Metrics* metrics) {
  const ModelConfig model = read_config(config);
  const int max_context = resolve_context(config, model);

  EngineConfig resolved = config;
  resolved.runtime = plan_runtime(config, model, max_context);

  PrepareContext prepare;
  prepare.tokenizer = read_tokenizer(config);
  prepare.processor = model.processor;
  prepare.images = config.images;
  prepare.fetch = config.fetch;
  prepare.max_context = max_context;
  prepare.vocab_size = model.language.vocab_size;
  prepare.special = config.trust_special_tokens ? SpecialTokens::kAll : SpecialTokens::kGrounding;
  if (prepare.tokenizer->size() > model.language.vocab_size) {
    throw Error(ErrorCode::kModelLoad,
                fmt::format("the tokenizer has {} tokens, config.json's vocab_size is {}: they do not belong together",
                            prepare.tokenizer->size(), model.language.vocab_size));
  }

  ModelInfo info;
  info.id = served_name(config);
  info.created = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  info.max_context = max_context;
  info.fingerprint = fingerprint(config);
  info.vocab_size = model.language.vocab_size;
  info.sampling = config.sampling;
  spdlog::info("event=kernels instruction_set={} threads={}", kernels::instruction_set_name(kernels::instruction_set()),
               config.runtime.num_threads > 0 ? config.runtime.num_threads : physical_cores());
  auto runner = make_runner(config.model_path, model, resolved.runtime, progress);
  log_kv_cache(*runner, resolved.runtime.compute, max_context);
  return std::make_unique<EngineImpl>(resolved, std::move(info), std::move(runner), std::move(prepare), metrics);
}

}  // namespace spyhop
