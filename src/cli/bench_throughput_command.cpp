// `spyhop bench throughput`.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "cli/bench_disturbances.h"
#include "cli/bench_measure_options.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "measure/rival.h"
#include "measure/throughput_bench.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

constexpr int kMostTokens = 1 << 20;
constexpr int kMostSequences = 4096;

constexpr const char* kBusyCore = "core";
constexpr const char* kPreparation = "parse";

struct Options {
  BenchMeasureOptions common;
  ThroughputOptions bench;
  std::vector<std::string> disturbances;
  std::string rival;
};

std::vector<std::unique_ptr<Disturbance>> make_disturbances(const Options& options) {
  std::vector<std::unique_ptr<Disturbance>> made;
  for (const std::string& kind : options.disturbances) {
    if (kind == kBusyCore) made.insert(made.begin(), make_busy_process());  // before there are threads
  }
  for (const std::string& kind : options.disturbances) {
    if (kind == kBusyCore) continue;
    made.push_back(make_request_preparation(options.common.model_path, bench_model_config(options.common).processor));
  }
  return made;
}

void bench(Options& options) {
  resolve_bench_options(options.common);
  options.bench.pairs = options.common.pairs;
  const std::vector<std::unique_ptr<Disturbance>> disturbances = make_disturbances(options);
  RuntimeConfig& runtime = options.common.runtime;
  runtime.kv_cache_tokens = throughput_cache_tokens(options.bench, runtime.kv_block_size);
  ThreadPool pool(runtime.num_threads);
  const UsePool use_pool(pool);
  BenchReport report(options.common.prints_json);
  const std::unique_ptr<Runner> runner = make_runner(options.common.model_path, bench_model_config(options.common), runtime);
  std::optional<Rival> rival;
  if (!options.rival.empty()) rival.emplace(options.rival);
  const ThroughputSubject subject{*runner, runtime, report.probe()};
  if (rival) {
    bench_rival(subject, options.bench, *rival, report.rival_sinks());
  } else if (disturbances.empty()) {
    bench_throughput(subject, options.bench, report.sink());
  }
  for (const auto& disturbance : disturbances) bench_disturbed(subject, options.bench, *disturbance, report.sink());
  report.finish();
}

}  // namespace

void add_bench_throughput_command(CLI::App& parent) {
  CLI::App* const command = parent.add_subcommand(
      "throughput", "Speed of prompts and of generation, without a server, beside the limits of this machine");
  const auto options = std::make_shared<Options>();
  ThroughputOptions& o = options->bench;
  command->add_option("-p,--prefill", o.prefill, "Tokens of a prompt, several lengths in turn; 0 = none")
      ->delimiter(',')
      ->check(CLI::Range(0, kMostTokens))
      ->capture_default_str();
  command->add_option("-n,--decode", o.num_steps, "Tokens generated in each half of a pair; 0 = none")
      ->check(CLI::Range(0, kMostTokens))
      ->capture_default_str();
  command->add_option("-b,--batch", o.batches, "Sequences that generate together, several numbers in turn")
      ->delimiter(',')
      ->check(CLI::Range(1, kMostSequences))
      ->capture_default_str();
  command->add_option("-d,--depth", o.depth, "Tokens in the cache before the generation")
      ->check(CLI::Range(0, kMostTokens))
      ->capture_default_str();
  command
      ->add_option("--disturb", options->disturbances,
                   "Generation only, with and without a foreign busy process (core), or two requests being prepared (parse)")
      ->delimiter(',')
      ->check(CLI::IsMember({kBusyCore, kPreparation}));
  command
      ->add_option("--rival", options->rival,
                   "Command of a program that is measured in turns with this one, in place of the limits; see "
                   "scripts/compare_llama_cpp.sh")
      ->excludes("--disturb");
  declare_bench_model_options(*command, options->common);
  declare_bench_options(*command, options->common);
  command->callback([options] { bench(*options); });
}

}  // namespace spyhop
