// `spyhop plan`: how much memory a model takes, before anything is loaded.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/option_tools.h"
#include "cli/plan_report.h"
#include "common/available_memory.h"
#include "common/byte_size.h"
#include "registry/registry.h"
#include "runtime/threads.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

struct PlanFlags {
  std::string model_name = "deepseek-vl2";
  std::string model_format = "pytorch";
  std::string kv_cache_dtype;   // empty = the compute type
  std::string kv_cache_memory;  // empty = by default
  std::string memory;           // empty = this machine's
  EngineConfig config;
  bool prints_json = false;
};

constexpr const char* kFooter =
    "The exit status is 0 if the model fits, 1 if not.\n"
    "Example: spyhop plan --size-in-billions 27 --quantization int4 --memory 24GiB";

void add_model_options(CLI::App& command, PlanFlags& flags) {
  static const std::map<std::string, ComputeType> kCompute{{"bf16", ComputeType::kBf16}, {"f32", ComputeType::kF32}};
  const std::string group = "Model";
  EngineConfig& config = flags.config;
  auto* path = command.add_option("--model-path", config.model_path, "Folder of a checkpoint; only its config.json is read");
  path->check(CLI::ExistingDirectory)->group(group);
  auto* name = command.add_option("-n,--model-name", flags.model_name, "A model that the program knows")->capture_default_str();
  name->group(group);
  command.add_option("-s,--size-in-billions", config.model_size, "Its size: 3, 16 or 27")->excludes(path)->group(group);
  command.add_option("-f,--model-format", flags.model_format, "Format of the weights")
      ->check(CLI::IsMember({"pytorch", "safetensors"}, CLI::ignore_case))
      ->capture_default_str()
      ->group(group);
  command.add_option("-q,--quantization", config.runtime.quantization, "none, int8 or int4 (default: none)")
      ->transform(CLI::CheckedTransformer(quantization_values(), CLI::ignore_case))
      ->group(group);
  command.add_option("--compute", config.runtime.compute, "bf16 or f32 (default: bf16)")
      ->transform(CLI::CheckedTransformer(kCompute, CLI::ignore_case))
      ->group(group);
}

void add_engine_options(CLI::App& command, PlanFlags& flags) {
  const std::string group = "Engine";
  EngineConfig& config = flags.config;
  command.add_option("-c,--context-length,--max-model-len", config.max_context, "Context in tokens; 0 = the model's")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str()
      ->group(group);
  command.add_option("--max-num-seqs", config.max_num_seqs, "Answers generated at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  command.add_option("--prefill-chunk", config.prefill_chunk, "Prompt tokens computed per step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  command.add_option("--kv-cache-dtype", flags.kv_cache_dtype, "Bits of keys and values: 16, or 32 with --compute f32")
      ->check(CLI::IsMember({"16", "32"}))
      ->group(group);
  auto* memory = command.add_option("--kv-cache-memory", flags.kv_cache_memory, "Memory for keys and values, such as 4GiB");
  memory->check(byte_size())->group(group);
  command.add_option("--kv-cache-tokens", config.runtime.kv_cache_tokens, "The same in tokens; 0 = as --kv-cache-memory says")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 32))
      ->excludes(memory)
      ->group(group);
  command.add_option("--vision-cache-bytes", config.vision_cache_bytes, "Encoded images kept for later requests")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str()
      ->group(group);
  command.add_option("--max-image-pixels", config.images.max_pixels, "Width times height of an image")
      ->check(CLI::Range(int64_t{1}, int64_t{178956970}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--threads", config.runtime.num_threads, "Compute threads; 0 = physical cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
}

/// Keys and values are kept in the compute type.
void check_kv_cache_dtype(const PlanFlags& flags) {
  const bool is_f32 = flags.config.runtime.compute == ComputeType::kF32;
  if (flags.kv_cache_dtype.empty() || flags.kv_cache_dtype == (is_f32 ? "32" : "16")) return;
  throw Error(ErrorCode::kInvalidRequest,
              "--kv-cache-dtype is " + flags.kv_cache_dtype +
                  "; keys and values are kept in the type of the arithmetic: with --compute " +
                  (is_f32 ? "f32 allowed: 32" : "bf16 allowed: 16"),
              "kv-cache-dtype");
}

ModelConfig model_of(const PlanFlags& flags) {
  const EngineConfig& config = flags.config;
  if (!config.model_path.empty()) return load_model_config(config.model_path);
  if (!config.model_size.empty()) return registered_model_config(flags.model_name, config.model_size);
  throw Error(ErrorCode::kInvalidRequest, "plan needs --size-in-billions 3, 16 or 27, or the --model-path of a checkpoint",
              "size-in-billions");
}

PlanReport report_of(const PlanFlags& flags) {
  check_kv_cache_dtype(flags);
  const ModelConfig model = model_of(flags);
  EngineConfig config = flags.config;
  const int largest = model.language.max_position_embeddings;
  if (config.max_context > largest) {
    throw Error(
        ErrorCode::kInvalidRequest,
        "--max-model-len is " + std::to_string(config.max_context) + "; this model allows 1 to " + std::to_string(largest),
        "max-model-len");
  }
  if (config.runtime.num_threads == 0) config.runtime.num_threads = physical_cores();
  if (!flags.kv_cache_memory.empty()) config.runtime.kv_cache_bytes = parse_byte_size(flags.kv_cache_memory);
  const std::string name = config.model_path.empty() ? flags.model_name + " " + config.model_size : config.model_path;
  return make_plan_report(name, model, config, flags.memory.empty() ? available_memory_bytes() : parse_byte_size(flags.memory));
}

}  // namespace

void add_plan_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("plan", "Tell how much memory a model takes, and whether it fits this machine");
  command->alias("cal-model-mem");
  command->footer(kFooter);
  auto flags = std::make_shared<PlanFlags>();
  add_model_options(*command, *flags);
  add_engine_options(*command, *flags);
  command->add_option("--memory", flags->memory, "Memory to fit into, such as 24GiB (default: what this machine has left)")
      ->check(byte_size());
  command->add_flag("--json", flags->prints_json, "Print JSON in place of a table");
  command->callback([flags] {
    const PlanReport report = report_of(*flags);
    std::printf("%s", flags->prints_json ? (to_json(report).dump(2) + "\n").c_str() : plan_text(report).c_str());
    if (!report.fits()) throw CLI::RuntimeError(1);
  });
}

}  // namespace spyhop
