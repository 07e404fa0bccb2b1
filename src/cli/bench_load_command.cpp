// `spyhop bench load`.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/chat_client.h"
#include "bench/process_memory.h"
#include "bench/request_body.h"
#include "bench/server_process.h"
#include "cli/bench_measure_options.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "runtime/kv_plan.h"
#include "runtime/thread_pool.h"
#include "runtime/weight_plan.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr double kGiga = 1e9;
constexpr double kProbeSeconds = 0.2;
constexpr size_t kAnswerTokens = 16;
constexpr std::chrono::minutes kPatience{20};
constexpr int kDefaultStarts = 3;

std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (size <= 0) throw Error(ErrorCode::kInternal, "/proc/self/exe cannot be read: where this program lies is not known");
  return {path.data(), static_cast<size_t>(size)};
}

std::vector<std::string> launch_arguments(const BenchMeasureOptions& o) {
  static const std::array<const char*, 3> kQuantizations{"none", "int8", "int4"};
  std::vector<std::string> arguments{own_program(),    "launch",
                                     "--port",         "0",
                                     "--threads",      std::to_string(o.runtime.num_threads),
                                     "--compute",      o.runtime.compute == ComputeType::kF32 ? "f32" : "bf16",
                                     "--quantization", kQuantizations[static_cast<size_t>(o.runtime.quantization)],
                                     "--dummy-seed",   std::to_string(o.runtime.dummy_seed),
                                     "--max-num-seqs", "1"};
  const auto add = [&](const char* flag, const std::string& value) { arguments.insert(arguments.end(), {flag, value}); };
  if (o.runtime.load_format == LoadFormat::kDummy) add("--load-format", "dummy");
  if (o.runtime.instruction_set != "auto") add("--instruction-set", o.runtime.instruction_set);
  if (o.model_path.empty()) {
    add("--size-in-billions", o.model_size);
  } else {
    add("--model-path", o.model_path);
  }
  return arguments;
}

/// One start of a server, up to its first answer. Bytes.
struct Start {
  double seconds = 0;  // from its process's start until it listens with the model in place
  double ready = 0;
  double answered = 0;  // resident after an answer
  double peak = 0;
  double cached_tokens = 0;  // that the answer put into the KV cache
};

/// The number of tokens that prompt and answer took.
double ask(const std::string& url) {
  ChatClientOptions options;
  options.base_url = url;
  ChatClient client(options);
  RequestOptions request;
  request.model = client.first_model();
  request.ignore_eos = true;
  const auto body = make_body(request, nlohmann::json::array({user_message("What is a spyhop?")}), kAnswerTokens);
  const StreamedAnswer answer = client.ask(body, [] { return false; });
  if (answer.fault) throw Error(ErrorCode::kUnavailable, "the server does not answer: " + answer.fault->message);
  return static_cast<double>(answer.prompt_tokens.value_or(0) + static_cast<int>(answer.num_output_tokens()));
}

Start start_server(const BenchMeasureOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  ServerProcess server(launch_arguments(options));
  const std::string url = server.wait_until_ready(kPatience);
  Start start;
  start.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  start.ready = static_cast<double>(resident_bytes(server.pid()).value_or(0));
  start.cached_tokens = ask(url);
  start.answered = static_cast<double>(resident_bytes(server.pid()).value_or(0));
  start.peak = static_cast<double>(peak_resident_bytes(server.pid()).value_or(0));
  return start;
}

/// Starts servers one after the other, with the speed of copying memory before each.
void measure(const BenchMeasureOptions& options, const BenchReport& report, const MeasurementSink& sink) {
  const ModelConfig config = bench_model_config(options);
  const auto weights = static_cast<double>(plan_weights(config, options.runtime).num_bytes());
  const auto kv_bytes = static_cast<double>(kv_bytes_per_token(config.language, options.runtime.compute));
  RatePairs seconds, ready, answered, peak;
  const auto add = [](RatePairs& pairs, double value, double limit) {
    pairs.measured.push_back(value);
    pairs.limit.push_back(limit);
  };
  for (int i = 0; i < options.pairs.num_pairs; ++i) {
    const double copied_per_second = rate_of(report.probe().copy(), kProbeSeconds);
    const Start start = start_server(options);
    const double needed = weights + kv_bytes * start.cached_tokens;
    add(seconds, start.seconds, weights / copied_per_second);
    add(ready, start.ready, weights);
    add(answered, start.answered, needed);
    add(peak, start.peak, needed);
  }
  sink(in_unit("time to ready / a copy of the weights", summarize(seconds), "s", 1));
  sink(in_unit("resident when ready / weights", summarize(ready), "GB", kGiga));
  sink(in_unit("resident after an answer / weights and KV", summarize(answered), "GB", kGiga));
  sink(in_unit("peak resident / weights and KV", summarize(peak), "GB", kGiga));
}

void bench(BenchMeasureOptions& options) {
  resolve_bench_options(options);
  ThreadPool pool(options.runtime.num_threads);
  const UsePool use_pool(pool);
  BenchReport report(options.prints_json);
  measure(options, report, report.sink());
  report.finish();
}

}  // namespace

void add_bench_load_command(CLI::App& parent) {
  CLI::App* const command = parent.add_subcommand(
      "load", "Starts servers: time until one is ready, and its memory before and after an answer, beside that of the weights");
  const auto options = std::make_shared<BenchMeasureOptions>();
  options->pairs.num_pairs = kDefaultStarts;
  declare_bench_model_options(*command, *options);
  declare_bench_options(*command, *options);
  command->callback([options] { bench(*options); });
}

}  // namespace spyhop
