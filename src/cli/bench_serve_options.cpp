#include "cli/bench_serve_options.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>

#include "common/file.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMostTokens = size_t{1} << 24;
constexpr size_t kMostRequests = 10'000'000;
constexpr size_t kMostConcurrency = 100'000;
constexpr size_t kMaxImageBytes = size_t{64} << 20;
const char* const kChatPath = "/v1/chat/completions";

void declare_server(CLI::App& command, BenchServeOptions& o) {
  const std::string group = "Server";
  ChatClientOptions& client = o.bench.client;
  command.add_option("--base-url", client.base_url, "Where the server listens")->capture_default_str()->group(group);
  command.add_option("--model", o.bench.workload.request.model, "Name of the model (default: the first of /v1/models)")
      ->group(group);
  command.add_option("--api-key", client.api_key, "Sent as a bearer token")->envname("SPYHOP_API_KEY")->group(group);
  command.add_option("--endpoint", client.path, "Route")
      ->check(CLI::IsMember({kChatPath, "/v1/completions"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--request-timeout", o.request_timeout, "Seconds for one whole answer")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str()
      ->group(group);
}

void declare_requests(CLI::App& command, BenchServeOptions& o) {
  const std::string group = "Requests";
  WorkloadOptions& workload = o.bench.workload;
  const CLI::Range tokens(size_t{1}, kMostTokens);
  command
      .add_option("--random-input-len", workload.text.input_tokens,
                  "Tokens of a prompt of random words (default: 1024; 64 with --interfere-image, 32 with --multi-turn)")
      ->check(tokens)
      ->group(group);
  command
      .add_option("--random-output-len", workload.text.output_tokens,
                  "Tokens of an answer (default: 128; 2048 with --interfere-image, 32 with --multi-turn)")
      ->check(tokens)
      ->group(group);
  command.add_option("--random-range-ratio", workload.text.range_ratio, "Both vary by this share of themselves")
      ->check(CLI::Range(0.0, 0.999))
      ->capture_default_str()
      ->group(group);
  command.add_option("--random-prefix-len", workload.text.prefix_tokens, "Tokens before each prompt, the same for all")
      ->check(CLI::Range(size_t{0}, kMostTokens))
      ->capture_default_str()
      ->group(group);
  command.add_flag("!--no-calibrate", o.bench.calibrate, "Takes a word for a token, and does not ask first how many it is")
      ->group(group);
  command
      .add_option("--dataset-path", o.bench.dataset_path,
                  "File of prompts in place of random words: a JSON object per line with \"prompt\" or \"messages\"")
      ->check(CLI::ExistingFile)
      ->group(group);
  command.add_option("--num-images", workload.images.num_images, "Images per prompt")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--image-size", o.image_size, "WIDTHxHEIGHT of the images that are drawn, another one for each prompt")
      ->capture_default_str()
      ->group(group);
  command.add_option("--image", o.image_files, "File to send in place of a drawn image; several are taken in turn")
      ->check(CLI::ExistingFile)
      ->group(group);
  command.add_option("--temperature", workload.request.temperature, "Sent with every request")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str()
      ->group(group);
  command
      .add_flag("--ignore-eos,!--no-ignore-eos", o.ignore_eos,
                "Answers go on until their length (default for random words, not for a file)")
      ->group(group);
  command.add_option("--extra-body", workload.request.extra_body, "JSON object whose members go into every request")
      ->group(group);
  command.add_option("--seed", workload.seed, "Seed of words, images and arrival times")->capture_default_str()->group(group);
}

void declare_load(CLI::App& command, BenchServeOptions& o) {
  const std::string group = "Load";
  LoadOptions& load = o.bench.load;
  command
      .add_option("--num-prompts", o.bench.workload.num_prompts,
                  "Requests (default: 100; of a file, every line), or chats (default: 5)")
      ->check(CLI::Range(size_t{1}, kMostRequests))
      ->group(group);
  command.add_option("--request-rate", o.request_rate, "Requests per second, as a Poisson process (default: inf, all at once)")
      ->group(group);
  command.add_option("--burstiness", load.arrivals.burstiness, "Below 1: in bursts; above 1: more even than Poisson")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str()
      ->group(group);
  command.add_option("--max-concurrency", load.max_concurrency, "Requests in flight at most (default: no limit)")
      ->check(CLI::Range(size_t{1}, kMostConcurrency))
      ->group(group);
  command.add_option("--num-warmups", o.bench.num_warmups, "Requests before, not measured")
      ->check(CLI::Range(size_t{0}, kMostRequests))
      ->capture_default_str()
      ->group(group);
  command.add_option("--duration", o.duration, "Seconds: sends the prompts again and again until then")
      ->check(CLI::Range(0.1, 1e7))
      ->group(group);
  command.add_flag("--verify", o.bench.verify, "Compares every answer with the one that its prompt got alone, before")
      ->group(group);
  command.add_option("--server-pid", o.server_pid, "Process of the server on this machine: reports how its memory grows")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->group(group);
  command
      .add_option("--memory-warmup", o.memory_warmup,
                  "Seconds until memory growth counts (default: a fifth of --duration, at most 60)")
      ->check(CLI::Range(0.0, 1e7))
      ->group(group);
}

void declare_modes(CLI::App& command, BenchServeOptions& o) {
  const std::string group = "Other measurements";
  command.add_option("--sweep-concurrency", o.bench.sweep_concurrency, "1,4,16: a run with each, and the ratio to the first")
      ->delimiter(',')
      ->check(CLI::Range(size_t{1}, kMostConcurrency))
      ->group(group);
  command.add_option("--sweep-rounds", o.bench.sweep_rounds, "Goes through them so many times; ratios are medians")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--interfere-image", o.interfere_image,
                  "WIDTHxHEIGHT: the longest gap between two tokens of running streams while such an image is taken in")
      ->group(group);
  command.add_option("--interfere-streams", o.bench.interference.num_streams, "Text streams that run beside it")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--interfere-rounds", o.bench.interfere_rounds, "Images, one after the other")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--interfere-quiet", o.interfere_quiet, "Seconds without an image, before each, to compare with")
      ->check(CLI::Range(0.1, 1e5))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--multi-turn", o.is_multi_turn, "Chats with an image and a second turn: the ratio of their TTFTs")
      ->group(group);
}

void declare_report(CLI::App& command, BenchServeOptions& o) {
  const std::string group = "Report";
  command.add_option("--json", o.json_path, "Writes the report to this file, too; - prints it in place of the table")
      ->group(group);
  command.add_flag("--save-detailed", o.bench.save_details, "Times and lengths of every answer in the JSON")->group(group);
  command.add_option("--metric-percentiles", o.bench.percents, "Percentiles to report (default: 95,99)")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
}

BenchMode choose_mode(const BenchServeOptions& o) {
  const bool sweeps = !o.bench.sweep_concurrency.empty(), interferes = !o.interfere_image.empty();
  if (int{sweeps} + int{interferes} + int{o.is_multi_turn} > 1) {
    throw Error(ErrorCode::kInvalidRequest, "--sweep-concurrency, --interfere-image and --multi-turn exclude each other");
  }
  if (sweeps) return BenchMode::kSweep;
  if (interferes) return BenchMode::kInterfere;
  return o.is_multi_turn ? BenchMode::kMultiTurn : BenchMode::kLoad;
}

/// What a mode sends unless flags say otherwise: short questions where they would only blur what is measured.
struct WorkloadDefaults {
  size_t input_tokens;
  size_t output_tokens;
  size_t num_prompts;
};

WorkloadDefaults defaults_of(BenchMode mode) {
  switch (mode) {
    case BenchMode::kInterfere:
      return {64, 2048, 100};
    case BenchMode::kMultiTurn:
      return {32, 32, 5};
    case BenchMode::kLoad:
    case BenchMode::kSweep:
      break;
  }
  return {1024, 128, 100};
}

double resolve_rate(const BenchServeOptions& o, bool is_given) {
  if (!is_given || (std::isinf(o.request_rate) && o.request_rate > 0)) return 0;
  if (std::isfinite(o.request_rate) && o.request_rate > 0) return o.request_rate;
  throw Error(ErrorCode::kInvalidRequest, "--request-rate = " + std::to_string(o.request_rate) + "; allowed: above 0, or inf",
              "--request-rate");
}

}  // namespace

void declare_bench_serve_options(CLI::App& command, BenchServeOptions& options) {
  declare_server(command, options);
  declare_requests(command, options);
  declare_load(command, options);
  declare_modes(command, options);
  declare_report(command, options);
}

ServeBenchOptions resolve(const CLI::App& command, const BenchServeOptions& options) {
  constexpr double kMilliseconds = 1000;
  ServeBenchOptions bench = options.bench;
  const bool is_random = bench.dataset_path.empty();
  bench.mode = choose_mode(options);
  bench.client.request_timeout = std::chrono::milliseconds(std::llround(options.request_timeout * kMilliseconds));
  const WorkloadDefaults defaults = defaults_of(bench.mode);
  if (command.count("--random-input-len") == 0) bench.workload.text.input_tokens = defaults.input_tokens;
  if (command.count("--random-output-len") == 0) bench.workload.text.output_tokens = defaults.output_tokens;
  if (command.count("--num-prompts") == 0 && is_random) bench.workload.num_prompts = defaults.num_prompts;
  bench.workload.request.is_chat = bench.client.path == kChatPath;
  bench.workload.request.ignore_eos = command.count("--ignore-eos") > 0 ? options.ignore_eos : is_random;
  bench.workload.images.size = parse_image_size(options.image_size, "--image-size");
  for (const std::string& path : options.image_files) {
    bench.workload.images.urls.push_back(
        image_data_url(read_text_file(path, kMaxImageBytes, ErrorCode::kInvalidRequest), path));
  }
  if (!options.image_files.empty() && command.count("--num-images") == 0) bench.workload.images.num_images = 1;
  bench.load.arrivals.request_rate = resolve_rate(options, command.count("--request-rate") > 0);
  bench.load.arrivals.seed = bench.workload.seed;
  bench.load.duration = std::chrono::duration<double>(options.duration);
  if (options.server_pid > 0) bench.server_pid = options.server_pid;
  if (options.memory_warmup >= 0) bench.memory_warmup_seconds = options.memory_warmup;
  bench.interference.quiet = std::chrono::duration<double>(options.interfere_quiet);
  if (!options.interfere_image.empty()) bench.interfere_size = parse_image_size(options.interfere_image, "--interfere-image");
  return bench;
}

}  // namespace spyhop
