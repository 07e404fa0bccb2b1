#include "measure/vision_bench.h"

#include <ATen/ATen.h>

#include "measure/machine_limits.h"
#include "measure/model_cost.h"

namespace spyhop {
namespace {

constexpr double kGiga = 1e9;
constexpr uint64_t kSeed = 9;
constexpr int kFewTokens = 32;

}  // namespace

ModelConfig vision_only(ModelConfig config) {
  config.language.num_layers = 1;
  config.language.vocab_size = kFewTokens;
  config.language.num_routed_experts.reset();
  config.language.intermediate_size = kFewTokens;
  return config;
}

void bench_vision(Runner& runner, ComputeType compute, const VisionBenchOptions& options, const MeasurementSink& sink) {
  const ModelConfig& config = runner.config();
  const int64_t side = config.vision.image_size;
  at::manual_seed(kSeed);
  const at::Tensor pixels = at::rand({options.tiles, 3, side, side}, at::TensorOptions().dtype(at::kFloat)).mul_(2).sub_(1);
  const double operations = tile_operations(config);
  const Work work{operations * options.tiles, [&] { runner.encode_tiles(pixels); }};
  const Arithmetic arithmetic = compute == ComputeType::kF32 ? Arithmetic::kF32 : Arithmetic::kBf16;
  const Rated rated = rate_against(work, register_arithmetic(arithmetic), options.pairs);
  const std::string name = "vision x" + std::to_string(options.tiles);
  sink(in_unit(name, rated, "tiles/s", operations));
  sink(in_unit(name + " arithmetic", rated, "GFLOP/s", kGiga));
}

}  // namespace spyhop
