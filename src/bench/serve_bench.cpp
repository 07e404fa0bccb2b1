#include "bench/serve_bench.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

#include "bench/load_metrics.h"
#include "bench/mode_reports.h"
#include "bench/multi_turn.h"
#include "bench/process_memory.h"
#include "bench/solo_check.h"
#include "bench/word_cost.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr double kSecondsBetweenProgress = 10;

// Streams of random texts, so that no run meets what a server keeps of another.
constexpr uint64_t kWarmupStream = 1;
constexpr uint64_t kRunStream = 0x100;
constexpr uint64_t kInterfereStream = 0x2001;

void require(bool holds, const std::string& flag, const std::string& rule) {
  if (!holds) throw Error(ErrorCode::kInvalidRequest, flag + ": " + rule, flag);
}

void check_options(const ServeBenchOptions& o) {
  check_request_options(o.workload.request);
  const bool is_load = o.mode == BenchMode::kLoad, is_random = o.dataset_path.empty();
  require(!o.verify || is_load, "--verify", "goes with a plain run only, not with another mode");
  require(!o.verify || o.workload.request.temperature == 0, "--verify", "needs --temperature 0");
  require(!o.server_pid || is_load, "--server-pid", "goes with a plain run only, not with another mode");
  require(!o.server_pid || resident_bytes(*o.server_pid), "--server-pid", "there is no such process on this machine");
  require(o.load.duration.count() == 0 || is_load, "--duration", "goes with a plain run only, not with another mode");
  require(is_load || o.mode == BenchMode::kSweep || is_random, "--dataset-path", "goes with a plain run and a sweep only");
  require(o.workload.num_prompts > 0 || !is_random, "--num-prompts", "random prompts need a number of them");
  require(o.mode != BenchMode::kSweep || !o.sweep_concurrency.empty(), "--sweep-concurrency", "names no concurrency");
  const bool needs_chat =
      o.mode == BenchMode::kInterfere || o.mode == BenchMode::kMultiTurn || o.workload.images.num_images > 0;
  require(o.workload.request.is_chat || !needs_chat, "--endpoint", "images and turns need the chat route");
}

std::string date_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &parts);
  return text;
}

/// One benchmark: the client, and what it has found out about the server.
class ServeBench {
 public:
  ServeBench(ServeBenchOptions options, const BenchEnvironment& environment)
      : options_(std::move(options)), environment_(environment), client_(options_.client) {
    RequestOptions& request = options_.workload.request;
    if (request.model.empty()) request.model = client_.first_model();
    if (options_.calibrate && options_.dataset_path.empty()) calibrate();
    report_.json = {{"date", date_text()},
                    {"endpoint_type", request.is_chat ? "openai-chat" : "openai"},
                    {"base_url", client_.url()},
                    {"model_id", request.model},
                    {"seed", options_.workload.seed},
                    {"tokens_per_word", cost_.tokens_per_word}};
    report_.text = table_row("Server:", client_.url()) + table_row("Model:", request.model);
  }

  ServeBenchReport run() {
    switch (options_.mode) {
      case BenchMode::kLoad:
        run_load_mode();
        break;
      case BenchMode::kSweep:
        run_sweep();
        break;
      case BenchMode::kInterfere:
        run_interference();
        break;
      case BenchMode::kMultiTurn:
        run_multi_turn();
        break;
    }
    report_.was_stopped = environment_.should_stop();
    if (report_.was_stopped) report_.text += "Stopped early: the figures are of what had ended by then.\n";
    report_.json["interrupted"] = report_.was_stopped;
    return std::move(report_);
  }

 private:
  void calibrate() {
    const std::optional<WordCost> cost = measure_word_cost(client_, options_.workload, environment_.should_stop);
    if (cost) {
      cost_ = *cost;
    } else {
      environment_.tell("the server does not count tokens; a word is taken for one");
    }
  }

  Workload make_workload(uint64_t stream) const {
    if (!options_.dataset_path.empty()) return load_workload(options_.dataset_path, options_.workload);
    return make_random_workload(options_.workload, cost_, stream);
  }

  void warm_up(const LoadOptions& load) {
    if (options_.num_warmups == 0 || environment_.should_stop()) return;
    environment_.tell("warm-up: " + std::to_string(options_.num_warmups) + " requests");
    WorkloadOptions workload = options_.workload;
    workload.num_prompts = options_.num_warmups;
    LoadOptions warmup;
    warmup.max_concurrency = load.max_concurrency;
    const Workload requests = options_.dataset_path.empty() ? make_random_workload(workload, cost_, kWarmupStream)
                                                            : load_workload(options_.dataset_path, workload);
    run_load(client_, requests, warmup, {environment_.should_stop, {}, {}});
  }

  LoadHooks hooks() const {
    LoadHooks hooks;
    hooks.should_stop = environment_.should_stop;
    hooks.on_answer = [](size_t, StreamedAnswer& answer) { answer.text = std::string(); };  // long runs have many
    hooks.on_tick = [this, next = kSecondsBetweenProgress](const LoadProgress& progress) mutable {
      if (progress.seconds < next) return;
      next += kSecondsBetweenProgress;
      environment_.tell(std::to_string(std::lround(progress.seconds)) + " s: " + std::to_string(progress.num_completed) +
                        " answers, " + std::to_string(progress.num_failed) + " failed, " + std::to_string(progress.num_active) +
                        " running");
    };
    return hooks;
  }

  void run_load_mode() {
    const Workload workload = make_workload(kRunStream);
    report_.json.update(load_settings_json(options_.load, workload.size()));
    std::optional<SoloCheck> check;
    if (options_.verify) {
      environment_.tell("each of " + std::to_string(workload.size()) + " prompts alone");
      check.emplace(client_, workload, SoloCheck::Hooks{environment_.should_stop, [](size_t) {}});
    }
    warm_up(options_.load);
    if (environment_.should_stop()) return;
    std::optional<MemoryWatch> memory;
    if (options_.server_pid) memory.emplace(*options_.server_pid, memory_warmup_seconds());

    LoadHooks load_hooks = hooks();
    load_hooks.on_answer = [&](size_t prompt, StreamedAnswer& answer) {
      if (check) check->compare(prompt, answer);
      answer.text = std::string();
    };
    load_hooks.on_tick = [&, tell = load_hooks.on_tick, next = 0.0](const LoadProgress& progress) mutable {
      tell(progress);
      if (!memory || progress.seconds < next) return;
      next = progress.seconds + 1;
      memory->sample(progress.seconds);
    };
    environment_.tell("run: " + std::to_string(workload.size()) + " prompts");
    const LoadResult result = run_load(client_, workload, options_.load, load_hooks);
    if (memory) memory->sample(result.duration_seconds);
    add_load(result);
    if (check) add_check(*check);
    if (memory) add_memory(*memory);
  }

  double memory_warmup_seconds() const {
    constexpr double kShare = 5, kMost = 60;
    return options_.memory_warmup_seconds.value_or(std::min(options_.load.duration.count() / kShare, kMost));
  }

  void add_load(const LoadResult& result) {
    const LoadMetrics metrics = compute_metrics(result, options_.percents);
    report_.json.update(metrics_json(metrics));
    if (options_.save_details) report_.json.update(details_json(result));
    report_.text += metrics_table(metrics, "Serving benchmark result");
    if (result.was_given_up) report_.text += "Given up after very many failures in a row.\n";
    report_.has_failures |= metrics.num_failed > 0;
  }

  void add_check(const SoloCheck& check) {
    report_.json["verify"] = check_json(check);
    report_.text += check_table(check);
    report_.has_failures |= check.num_mismatches() > 0;
  }

  void add_memory(const MemoryWatch& memory) {
    report_.json["server_memory"] = memory_json(memory);
    report_.text += memory_table(memory);
  }

  void run_sweep() {
    std::vector<SweepRun> runs;
    uint64_t stream = kRunStream;
    for (size_t round = 0; round < options_.sweep_rounds; ++round) {
      for (const size_t concurrency : options_.sweep_concurrency) {
        if (environment_.should_stop()) break;
        LoadOptions load = options_.load;
        load.max_concurrency = concurrency;
        if (round == 0) warm_up(load);
        environment_.tell("round " + std::to_string(round + 1) + ", concurrency " + std::to_string(concurrency));
        const LoadResult result = run_load(client_, make_workload(stream++), load, hooks());
        runs.push_back({round, concurrency, compute_metrics(result, options_.percents)});
        report_.has_failures |= runs.back().metrics.num_failed > 0;
        if (result.was_stopped) runs.pop_back();  // half a run gives no ratio
      }
    }
    report_.json["sweep"] = sweep_json(runs);
    report_.text += sweep_table(runs, options_.percents);
  }

  void run_interference() {
    WorkloadOptions images = options_.workload;
    images.num_prompts = options_.interfere_rounds;
    images.images.num_images = std::max<size_t>(1, images.images.num_images);
    images.images.size = options_.interfere_size;
    images.text = RandomTextOptions();
    constexpr size_t kQuestionTokens = 16, kAnswerTokens = 4;
    images.text.input_tokens = kQuestionTokens;
    images.text.output_tokens = kAnswerTokens;
    WorkloadOptions texts = options_.workload;
    texts.images.num_images = 0;
    environment_.tell(std::to_string(images.num_prompts) + " images beside " +
                      std::to_string(options_.interference.num_streams) + " streams");
    const InterferenceResult result = measure_interference(client_, make_random_workload(texts, cost_, kRunStream),
                                                           make_random_workload(images, cost_, kInterfereStream),
                                                           options_.interference, environment_.should_stop);
    report_.json["interference"] = interference_json(result, options_.interference.num_streams, options_.interfere_size);
    report_.text += interference_table(result);
    report_.has_failures |= !result.faults.empty();
  }

  void run_multi_turn() {
    WorkloadOptions chats = options_.workload;
    chats.images.num_images = std::max<size_t>(1, chats.images.num_images);
    warm_up({});
    environment_.tell(std::to_string(chats.num_prompts) + " chats of two turns");
    const MultiTurnResult result = measure_multi_turn(client_, chats, cost_, environment_.should_stop);
    report_.json["multi_turn"] = multi_turn_json(result);
    report_.text += multi_turn_table(result);
    report_.has_failures |= !result.faults.empty();
  }

  ServeBenchOptions options_;
  const BenchEnvironment& environment_;
  ChatClient client_;
  WordCost cost_;
  ServeBenchReport report_;
};

}  // namespace

ServeBenchReport run_serve_bench(const ServeBenchOptions& options, const BenchEnvironment& environment) {
  check_options(options);
  return ServeBench(options, environment).run();
}

}  // namespace spyhop
