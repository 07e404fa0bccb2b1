#include "engine/engine_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <utility>

#include "engine/sequence.h"

namespace spyhop {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using Buckets = Histogram::BucketBoundaries;

const Buckets kStepTokens = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
const Buckets kAnswersAsked = {1, 2, 5, 10, 20};
const Buckets kFirstTokenSeconds = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                    1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
const Buckets kTokenSeconds = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80};
const Buckets kRequestSeconds = {0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};

/// 1, 2, 5, 10, 20, 50, ... up to `largest`.
Buckets token_buckets(int largest) {
  Buckets buckets;
  for (int64_t power = 1; power <= largest; power *= 10) {
    for (const int64_t step : {1, 2, 5}) {
      if (step * power <= largest) buckets.push_back(static_cast<double>(step * power));
    }
  }
  return buckets;
}

double seconds_between(EngineMetrics::Clock::time_point begin, EngineMetrics::Clock::time_point end) {
  return std::max(0.0, std::chrono::duration<double>(end - begin).count());
}

/// Makes series that share the engine's labels.
class SeriesMaker {
 public:
  SeriesMaker(prometheus::Registry& registry, Labels labels) : registry_(registry), labels_(std::move(labels)) {}

  Gauge& gauge(const std::string& name, const std::string& help, const Labels& more = {}) const {
    return prometheus::BuildGauge().Name("spyhop:" + name).Help(help).Register(registry_).Add(with(more));
  }
  Counter& counter(const std::string& name, const std::string& help, const Labels& more = {}) const {
    return prometheus::BuildCounter().Name("spyhop:" + name).Help(help).Register(registry_).Add(with(more));
  }
  Histogram& histogram(const std::string& name, const std::string& help, const Buckets& buckets) const {
    return prometheus::BuildHistogram().Name("spyhop:" + name).Help(help).Register(registry_).Add(labels_, buckets);
  }

 private:
  Labels with(Labels more) const {
    more.insert(labels_.begin(), labels_.end());
    return more;
  }

  prometheus::Registry& registry_;
  const Labels labels_;
};

}  // namespace

struct EngineMetrics::Series {
  Series(const SeriesMaker& make, const EngineFacts& facts)
      : prefix_caching(facts.prefix_caching),
        running(make.gauge("num_requests_running", "Number of requests in model execution batches.")),
        waiting(make.gauge("num_requests_waiting", "Number of requests waiting to be processed.")),
        kv_usage(make.gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")),
        prefix_queries(
            make.counter("prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.")),
        prefix_hits(make.counter("prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.")),
        image_queries(
            make.counter("mm_cache_queries_total", "Multi-modal cache queries, in terms of number of queried items.")),
        image_hits(make.counter("mm_cache_hits_total", "Multi-modal cache hits, in terms of number of cached items.")),
        preemptions(make.counter("num_preemptions_total", "Cumulative number of preemption from the engine.")),
        prompt_tokens(make.counter("prompt_tokens_total", "Number of prefill tokens processed.")),
        generation_tokens(make.counter("generation_tokens_total", "Number of generation tokens processed.")),
        stopped(ended(make, "stop")),
        cut(ended(make, "length")),
        aborted(ended(make, "abort")),
        failed(ended(make, "error")),
        step_tokens(make.histogram("iteration_tokens_total", "Histogram of number of tokens per engine_step.", kStepTokens)),
        request_prompt(
            make.histogram("request_prompt_tokens", "Number of prefill tokens processed.", token_buckets(facts.max_context))),
        request_generation(make.histogram("request_generation_tokens", "Number of generation tokens processed.",
                                          token_buckets(facts.max_context))),
        request_longest(make.histogram("request_max_num_generation_tokens",
                                       "Histogram of maximum number of requested generation tokens.",
                                       token_buckets(facts.max_context))),
        params_n(make.histogram("request_params_n", "Histogram of the n request parameter.", kAnswersAsked)),
        params_max_tokens(make.histogram("request_params_max_tokens", "Histogram of the max_tokens request parameter.",
                                         token_buckets(facts.max_context))),
        first_token(
            make.histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.", kFirstTokenSeconds)),
        token_gap(make.histogram("inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", kTokenSeconds)),
        whole(make.histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", kRequestSeconds)),
        queue(make.histogram("request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.",
                             kRequestSeconds)),
        prefill(make.histogram("request_prefill_time_seconds", "Histogram of time spent in PREFILL phase for request.",
                               kRequestSeconds)),
        decode(make.histogram("request_decode_time_seconds", "Histogram of time spent in DECODE phase for request.",
                              kRequestSeconds)),
        inference(make.histogram("request_inference_time_seconds", "Histogram of time spent in RUNNING phase for request.",
                                 kRequestSeconds)) {
    make.gauge("cache_config_info", "Information of the LLMEngine CacheConfig",
               {{"block_size", std::to_string(facts.block_size)},
                {"num_gpu_blocks", std::to_string(facts.num_blocks)},
                {"enable_prefix_caching", facts.prefix_caching ? "True" : "False"}})
        .Set(1);
  }

  static Counter& ended(const SeriesMaker& make, const char* reason) {
    return make.counter("request_success_total", "Count of successfully processed requests.", {{"finished_reason", reason}});
  }

  const bool prefix_caching;
  Gauge &running, &waiting, &kv_usage;
  Counter &prefix_queries, &prefix_hits, &image_queries, &image_hits, &preemptions, &prompt_tokens, &generation_tokens;
  Counter &stopped, &cut, &aborted, &failed;
  Histogram &step_tokens, &request_prompt, &request_generation, &request_longest, &params_n, &params_max_tokens;
  Histogram &first_token, &token_gap, &whole, &queue, &prefill, &decode, &inference;
  int64_t num_preemptions_counted = 0;
};

EngineMetrics::EngineMetrics(Metrics* metrics, const EngineFacts& facts) {
  if (metrics == nullptr) return;
  const SeriesMaker make(metrics->registry(), {{"model_name", facts.model_name}, {"engine", "0"}});
  series_ = std::make_unique<Series>(make, facts);
}

EngineMetrics::~EngineMetrics() = default;

void EngineMetrics::note_arrival(const Request& request) {
  if (!series_) return;
  const auto num_known = std::count(request.image_encoded.begin(), request.image_encoded.end(), true);
  series_->image_queries.Increment(static_cast<double>(request.image_encoded.size()));
  series_->image_hits.Increment(static_cast<double>(num_known));
}

void EngineMetrics::note_step(const Step& step, int64_t num_preemptions) {
  if (!series_) return;
  series_->preemptions.Increment(static_cast<double>(num_preemptions - series_->num_preemptions_counted));
  series_->num_preemptions_counted = num_preemptions;
  if (step.sequences.empty()) return;
  int num_tokens = 0;
  for (const ScheduledSequence& scheduled : step.sequences) num_tokens += scheduled.num_tokens;
  series_->step_tokens.Observe(num_tokens);
}

void EngineMetrics::note_token(const Sequence& sequence, Clock::time_point now) {
  if (!series_) return;
  const Request& request = sequence.request();
  series_->generation_tokens.Increment();
  if (sequence.num_generated() > 1) {
    series_->token_gap.Observe(seconds_between(sequence.last_token_at, now));
    return;
  }
  series_->first_token.Observe(seconds_between(request.submitted_at, now));
  if (request.num_generated > 1) return;  // the prompt has been counted with an earlier answer
  series_->prompt_tokens.Increment(sequence.num_prompt());
  if (!series_->prefix_caching) return;
  series_->prefix_queries.Increment(sequence.num_prompt());
  series_->prefix_hits.Increment(request.num_cached);
}

void EngineMetrics::note_answer(const Sequence& sequence, FinishReason reason) {
  if (!series_) return;
  const Request& request = sequence.request();
  (reason == FinishReason::kLength ? series_->cut : series_->stopped).Increment();
  series_->request_prompt.Observe(sequence.num_prompt());
  series_->request_generation.Observe(sequence.num_generated());
  series_->params_max_tokens.Observe(request.max_tokens);
  series_->whole.Observe(seconds_between(request.submitted_at, sequence.last_token_at));
  series_->queue.Observe(seconds_between(request.queued_at, request.admitted_at));
  series_->prefill.Observe(seconds_between(request.admitted_at, sequence.first_token_at));
  series_->decode.Observe(seconds_between(sequence.first_token_at, sequence.last_token_at));
  series_->inference.Observe(seconds_between(request.admitted_at, sequence.last_token_at));
}

void EngineMetrics::note_success(const Request& request) {
  if (!series_) return;
  series_->params_n.Observe(static_cast<double>(request.sequences.size()));
  int longest = 0;
  for (const auto& sequence : request.sequences) longest = std::max(longest, sequence->num_generated());
  series_->request_longest.Observe(longest);
}

void EngineMetrics::note_failure(const Request& request, ErrorCode reason) {
  if (!series_) return;
  const auto num_open = std::count_if(request.sequences.begin(), request.sequences.end(),
                                      [](const auto& sequence) { return !sequence->finished(); });
  const bool wanted_no_more = reason == ErrorCode::kCancelled || reason == ErrorCode::kTimeout;
  (wanted_no_more ? series_->aborted : series_->failed).Increment(static_cast<double>(num_open));
}

void EngineMetrics::set_load(const EngineStats& stats) {
  if (!series_) return;
  series_->running.Set(stats.num_running);
  series_->waiting.Set(stats.num_waiting);
  series_->kv_usage.Set(stats.kv_cache_usage);
}

}  // namespace spyhop
