// `spyhop bench kernels`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/bench_measure_options.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "measure/kernel_bench.h"
#include "measure/packed_format.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

constexpr int64_t kMostRows = 1 << 16;
constexpr int64_t kMebi = 1 << 20;

struct KernelsOptions {
  BenchMeasureOptions common;
  KernelBenchOptions bench;
  int64_t least_mebibytes = 512;
};

void bench(KernelsOptions& options) {
  resolve_bench_options(options.common);
  options.bench.pairs = options.common.pairs;
  options.bench.least_bytes = options.least_mebibytes * kMebi;
  ThreadPool pool(options.common.runtime.num_threads);
  const UsePool use_pool(pool);
  BenchReport report(options.common.prints_json);
  bench_kernels(options.bench, report.machine(), report.sink());
  report.finish();
}

}  // namespace

void add_bench_kernels_command(CLI::App& parent) {
  CLI::App* const command = parent.add_subcommand(
      "kernels", "Speed of each operation of the models, beside the limit of this machine that it meets first");
  const auto options = std::make_shared<KernelsOptions>();
  KernelBenchOptions& o = options->bench;
  std::vector<std::string> formats;
  for (const BenchFormat& format : bench_formats()) formats.push_back(format.name);
  command->add_option("--sizes", o.sizes, "Models whose shapes are taken, by name or billions")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--formats", o.formats, "Formats of the weights: bf16, f32, int8, int4")
      ->delimiter(',')
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
  command->add_option("--rows", o.rows, "Rows of activations that weights are multiplied with")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{1}, kMostRows))
      ->capture_default_str();
  command->add_option("--context", o.context, "Tokens that generation attends to")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--filter", o.filter, "Only operations whose name contains this");
  command->add_option("--least-mib", options->least_mebibytes, "Memory that weights are spread over: more than the caches hold")
      ->check(CLI::Range(1, 1 << 14))
      ->capture_default_str();
  declare_bench_options(*command, options->common);
  command->callback([options] { bench(*options); });
}

}  // namespace spyhop
