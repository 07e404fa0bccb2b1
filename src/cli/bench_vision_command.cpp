// `spyhop bench vision`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/bench_measure_options.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "measure/vision_bench.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

constexpr int kMostTiles = 64;

struct Options {
  BenchMeasureOptions common;
  VisionBenchOptions bench;
};

void bench(Options& options) {
  BenchMeasureOptions& common = options.common;
  resolve_bench_options(common);
  options.bench.pairs = common.pairs;
  common.runtime.vision_batch = options.bench.tiles;
  common.runtime.kv_cache_tokens = common.runtime.kv_block_size;
  ModelConfig config = bench_model_config(common);
  if (common.runtime.load_format == LoadFormat::kDummy) config = vision_only(config);
  ThreadPool pool(common.runtime.num_threads);
  const UsePool use_pool(pool);
  BenchReport report(common.prints_json);
  const std::unique_ptr<Runner> runner = make_runner(common.model_path, config, common.runtime);
  bench_vision(*runner, common.runtime.compute, options.bench, report.sink());
  report.finish();
}

}  // namespace

void add_bench_vision_command(CLI::App& parent) {
  CLI::App* const command =
      parent.add_subcommand("vision", "Speed of the image tower and projector, beside the arithmetic of this machine");
  const auto options = std::make_shared<Options>();
  command->add_option("--tiles", options->bench.tiles, "Tiles per call")
      ->check(CLI::Range(1, kMostTiles))
      ->capture_default_str();
  declare_bench_model_options(*command, options->common);
  declare_bench_options(*command, options->common);
  command->callback([options] { bench(*options); });
}

}  // namespace spyhop
