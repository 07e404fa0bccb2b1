#include "cli/bench_measure_options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "registry/registry.h"
#include "runtime/kernels/instruction_set.h"
#include "runtime/threads.h"

namespace spyhop {
namespace {

constexpr double kMillisecond = 1e-3;
constexpr const char* kFamily = "deepseek-vl2";

}  // namespace

void declare_bench_options(CLI::App& command, BenchMeasureOptions& o) {
  command.add_option("--threads", o.runtime.num_threads, "Compute threads; 0 = physical cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command.add_option("--instruction-set", o.runtime.instruction_set, "auto, or one that this machine has")
      ->capture_default_str();
  command.add_option("--pairs", o.pairs.num_pairs, "Turns of what is measured and its limit; ratios are medians over them")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--min-ms", o.min_milliseconds, "Milliseconds that each half of a pair takes at least")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_flag("--json", o.prints_json, "Prints JSON in place of a table");
}

void declare_bench_model_options(CLI::App& command, BenchMeasureOptions& o) {
  static const std::map<std::string, ComputeType> kCompute{{"bf16", ComputeType::kBf16}, {"f32", ComputeType::kF32}};
  static const std::map<std::string, LoadFormat> kFormats{{"safetensors", LoadFormat::kSafetensors},
                                                          {"dummy", LoadFormat::kDummy}};
  static const std::map<std::string, Quantization> kQuantizations{
      {"none", Quantization::kNone}, {"int8", Quantization::kInt8}, {"int4", Quantization::kInt4}};
  command.add_option("--model-path", o.model_path, "Folder of a checkpoint; without it, dummy weights")
      ->check(CLI::ExistingDirectory);
  command.add_option("-s,--size-in-billions", o.model_size, "3, 16 or 27: dimensions of dummy weights without a folder")
      ->check(CLI::IsMember({"3", "16", "27"}))
      ->capture_default_str();
  command.add_option("--load-format", o.runtime.load_format, "safetensors, or dummy (the default without --model-path)")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case));
  command.add_option("--dummy-seed", o.runtime.dummy_seed, "Seed of the dummy weights")->capture_default_str();
  command
      .add_option("-q,--quantization", o.runtime.quantization, "Precision of the weights: none, int8 or int4 (default: none)")
      ->transform(CLI::CheckedTransformer(kQuantizations, CLI::ignore_case));
  command.add_option("--compute", o.runtime.compute, "Arithmetic: bf16 or f32 (default: bf16)")
      ->transform(CLI::CheckedTransformer(kCompute, CLI::ignore_case));
}

void resolve_bench_options(BenchMeasureOptions& o) {
  o.pairs.min_seconds = o.min_milliseconds * kMillisecond;
  if (o.runtime.num_threads == 0) o.runtime.num_threads = physical_cores();
  if (o.model_path.empty()) o.runtime.load_format = LoadFormat::kDummy;
  kernels::force_instruction_set(o.runtime.instruction_set);
}

ModelConfig bench_model_config(const BenchMeasureOptions& o) {
  return o.model_path.empty() ? registered_model_config(kFamily, o.model_size) : load_model_config(o.model_path);
}

}  // namespace spyhop
