#include "engine/engine_impl.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <random>
#include <utility>

#include "engine/batch.h"
#include "engine/token_rules.h"

namespace spyhop {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

double milliseconds_between(Request::Clock::time_point begin, Request::Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

/// Of a request whose answers are complete.
Timings timings_of(const Request& request) {
  Timings timings;
  timings.queue_ms = milliseconds_between(request.queued_at, request.admitted_at);
  timings.first_token_ms = milliseconds_between(request.admitted_at, request.first_token_at);
  double gaps_ms = 0;
  int num_gaps = 0;
  for (const auto& sequence : request.sequences) {
    timings.generation_ms =
        std::max(timings.generation_ms, milliseconds_between(request.first_token_at, sequence->last_token_at));
    gaps_ms += milliseconds_between(sequence->first_token_at, sequence->last_token_at);
    num_gaps += sequence->num_generated() - 1;
  }
  if (num_gaps > 0) timings.mean_gap_ms = gaps_ms / num_gaps;
  return timings;
}

void log_finished(const Request& request, const Timings& timings) {
  const auto num_answers = static_cast<int>(request.sequences.size());
  spdlog::info(
      "{} event=finished prompt_tokens={} image_tokens={} cached_tokens={} completion_tokens={} preemptions={} "
      "queue_ms={:.0f} ttft_ms={:.0f} tokens_per_second={:.1f}",
      request.chat.request_id, request.prompt.token_ids.size(), request.prompt.num_image_tokens, request.num_cached,
      request.num_generated, request.num_preemptions, timings.queue_ms,
      milliseconds_between(request.submitted_at, request.first_token_at),
      timings.generation_ms > 0 ? (request.num_generated - num_answers) * 1000 / timings.generation_ms : 0.0);
}

bool is_overdue(const Request& request) {
  return Request::Clock::now() > request.deadline;
}

Error timeout_error(Request::Clock::time_point submitted_at, Request::Clock::time_point deadline) {
  return Error(ErrorCode::kTimeout, fmt::format("the request's time of {:g} s is over",
                                                std::chrono::duration<double>(deadline - submitted_at).count()));
}

Error as_error(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  const bool no_memory = dynamic_cast<const std::bad_alloc*>(&exception) != nullptr;
  return Error(ErrorCode::kInternal, no_memory ? "out of memory" : exception.what());
}

/// Runs a part of a step that is for some requests. When it throws, these have failed; all others go on.
template <typename Part>
bool guarded(const std::vector<Request*>& requests, const Part& part) {
  try {
    part();
    return true;
  } catch (const std::exception& e) {
    for (Request* request : requests) request->failure = as_error(e);
    return false;
  }
}

/// The requests whose sequences these are, each once.
std::vector<Request*> requests_of(const std::vector<ScheduledSequence>& scheduled) {
  std::vector<Request*> requests;
  for (const ScheduledSequence& each : scheduled) {
    Request* request = &each.sequence->request();
    if (std::find(requests.begin(), requests.end(), request) == requests.end()) requests.push_back(request);
  }
  return requests;
}

std::vector<ScheduledSequence> of_request(const std::vector<ScheduledSequence>& scheduled, const Request* request) {
  std::vector<ScheduledSequence> result;
  for (const ScheduledSequence& each : scheduled) {
    if (&each.sequence->request() == request) result.push_back(each);
  }
  return result;
}

SchedulerLimits scheduler_limits(const EngineConfig& config) {
  SchedulerLimits limits;
  limits.max_num_seqs = config.max_num_seqs;
  limits.max_num_tokens = config.prefill_chunk;
  limits.prefix_caching = config.prefix_caching;
  limits.max_interleaved_tokens = config.interleaved_prefill_chunk;
  limits.interleaved_vision_layers = config.interleaved_vision_layers;
  return limits;
}

}  // namespace

EngineImpl::EngineImpl(const EngineConfig& config, ModelInfo info, std::unique_ptr<Runner> runner, PrepareContext prepare,
                       Metrics* metrics)
    : config_(config),
      info_(std::move(info)),
      prepare_(std::move(prepare)),
      guides_(prepare_.tokenizer, runner->config().language.vocab_size),
      runner_(std::move(runner)),
      blocks_(runner_->num_kv_blocks(), runner_->kv_block_size()),
      scheduler_(scheduler_limits(config), blocks_),
      images_(*runner_, prepare_.processor, {config.runtime.vision_batch, config.vision_cache_bytes}),
      metrics_(metrics,
               {info_.id, info_.max_context, runner_->num_kv_blocks(), runner_->kv_block_size(), config.prefix_caching}),
      thread_([this] { loop(); }) {}

EngineImpl::~EngineImpl() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// --- submitting threads -------------------------------------------------------------------------------------------------

void EngineImpl::check_admission(const ChatRequest& chat, const std::lock_guard<std::mutex>&) const {
  if (draining_ || stop_) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
  if (num_open_ >= config_.max_num_seqs + config_.max_queue) {
    throw Error(ErrorCode::kOverloaded,
                fmt::format("{} answers are being generated and {} wait, which is the limit; try again later",
                            config_.max_num_seqs, config_.max_queue))
        .retry_after(retry_.seconds_until(std::clamp(chat.n, 1, config_.max_n), Request::Clock::now()));
  }
}

/// When a request's time is over: its own or the server's, whichever comes first.
Request::Clock::time_point EngineImpl::deadline_of(const ChatRequest& chat, Request::Clock::time_point submitted_at) const {
  auto deadline = Request::Clock::time_point::max();
  if (config_.request_timeout.count() > 0) deadline = submitted_at + config_.request_timeout;
  if (chat.timeout_ms) deadline = std::min(deadline, submitted_at + std::chrono::milliseconds(*chat.timeout_ms));
  return deadline;
}

/// The request with its prompt, ready to be queued. Throws what is wrong with it, or that this took all of its time.
EngineImpl::RequestPtr EngineImpl::prepare(ChatRequest chat) const {
  const auto submitted_at = Request::Clock::now();
  PrepareContext context = prepare_;
  context.fetch.deadline = deadline_of(chat, submitted_at);
  try {
    std::optional<GuideRules> guide = guides_.rules_for(chat);  // before any work is spent on images
    PreparedPrompt prompt = prepare_prompt(chat, context);
    RequestPtr request = make_request(std::move(chat), std::move(prompt), std::move(guide));
    request->submitted_at = submitted_at;
    request->deadline = context.fetch.deadline;
    if (!is_overdue(*request)) return request;
  } catch (const Error&) {
    if (Request::Clock::now() <= context.fetch.deadline) throw;
  }
  throw timeout_error(submitted_at, context.fetch.deadline);
}

EngineImpl::RequestPtr EngineImpl::make_request(ChatRequest chat, PreparedPrompt prompt,
                                                std::optional<GuideRules> guide) const {
  auto request = std::make_unique<Request>();
  const int num_prompt = static_cast<int>(prompt.token_ids.size());
  const int room = info_.max_context - num_prompt;
  request->max_tokens = chat.max_tokens.value_or(room);
  if (request->max_tokens > room) {
    throw Error(
        ErrorCode::kContextLengthExceeded,
        fmt::format(
            "max_tokens is {}, but the prompt takes {} tokens ({} of them for images) of a context of {}: at most {} are left",
            request->max_tokens, num_prompt, prompt.num_image_tokens, info_.max_context, room),
        "max_tokens");
  }
  request->rules = token_rules(chat, *prepare_.tokenizer, runner_->config().language.vocab_size);
  request->image_encoded.resize(prompt.images.size());
  request->chat = std::move(chat);
  request->prompt = std::move(prompt);
  request->guide = std::move(guide);
  request->channel = std::make_shared<ResponseChannel>(config_.max_unread_bytes);
  const uint64_t seed = request->chat.sampling.seed.value_or(random_seed());
  const SequenceContext context{*prepare_.tokenizer, runner_->config().language.vocab_size, runner_->kv_block_size()};
  for (int choice = 0; choice < request->chat.n; ++choice) {
    request->sequences.push_back(std::make_unique<Sequence>(*request, choice, context, answer_seed(seed, choice)));
  }
  return request;
}

std::unique_ptr<ResponseStream> EngineImpl::submit(ChatRequest chat) {
  {
    std::lock_guard lock(mutex_);
    check_admission(chat, lock);  // before any work is spent on the prompt
  }
  if (chat.n < 1 || chat.n > config_.max_n) {
    throw Error(ErrorCode::kInvalidRequest, fmt::format("n is {}; allowed: 1 to {}", chat.n, config_.max_n), "n");
  }
  RequestPtr request = prepare(std::move(chat));
  Usage prompt_usage;
  prompt_usage.prompt_tokens = static_cast<int>(request->prompt.token_ids.size());
  prompt_usage.image_tokens = request->prompt.num_image_tokens;
  auto stream = std::make_unique<ChannelStream>(request->channel, prompt_usage, request->prompt.image_use);
  enqueue(std::move(request));
  return stream;
}

PromptTokens EngineImpl::tokenize(const ChatRequest& chat, bool with_tokens) const {
  PromptLayout layout = lay_out_prompt(chat, prepare_);
  PromptTokens prompt{std::move(layout.token_ids), {}, layout.num_image_tokens(), layout.image_use()};
  if (!with_tokens) return prompt;
  prompt.tokens.reserve(prompt.ids.size());
  for (const int32_t id : prompt.ids) prompt.tokens.emplace_back(prepare_.tokenizer->token_bytes(id));
  return prompt;
}

std::string EngineImpl::detokenize(const std::vector<int32_t>& ids) const {
  for (const int32_t id : ids) check_token_id(id, info_.vocab_size, "tokens");
  return prepare_.tokenizer->decode(ids, /*skip_special=*/false);
}

void EngineImpl::enqueue(RequestPtr request) {
  {
    std::lock_guard lock(mutex_);
    check_admission(request->chat, lock);
    request->queued_at = Request::Clock::now();
    if (num_open_ == 0) retry_.note_busy(request->queued_at);
    num_open_ += static_cast<int>(request->sequences.size());
    request->arrival = num_arrived_++;
    submitted_.push_back(std::move(request));
    metrics_.set_load(load(lock));
  }
  changed_.notify_all();
}

EngineStats EngineImpl::stats() const {
  std::lock_guard lock(mutex_);
  return load(lock);
}

EngineStats EngineImpl::load(const std::lock_guard<std::mutex>&) const {
  EngineStats stats;
  stats.num_running = num_running_;
  stats.num_waiting = std::max(0, num_open_ - num_running_);
  stats.max_num_seqs = config_.max_num_seqs;
  stats.max_queue = config_.max_queue;
  stats.kv_cache_usage = static_cast<double>(num_used_blocks_) / blocks_.num_blocks();
  stats.retry_after_seconds = retry_.seconds_until(1, Request::Clock::now());
  return stats;
}

void EngineImpl::drain(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  if (changed_.wait_for(lock, timeout, [this] { return num_open_ == 0; })) return;
  abort_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return num_open_ == 0; });
}

// --- engine thread ------------------------------------------------------------------------------------------------------

void EngineImpl::loop() {
  while (wait_for_work()) {
    try {
      take_submitted();
      drop_ended();
      run(scheduler_.schedule());
    } catch (const std::exception& e) {
      fail_all(as_error(e));
    }
    note_load();
  }
  take_submitted();
  fail_all(Error(ErrorCode::kUnavailable, "the server is shutting down"));
}

/// False when the engine is to end.
bool EngineImpl::wait_for_work() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || abort_ || !submitted_.empty() || !requests_.empty(); });
  if (!abort_ || stop_) return !stop_;
  abort_ = false;
  lock.unlock();
  take_submitted();
  fail_all(Error(ErrorCode::kUnavailable, "the server is shutting down"));
  return true;
}

void EngineImpl::take_submitted() {
  std::vector<RequestPtr> submitted;
  {
    std::lock_guard lock(mutex_);
    submitted.swap(submitted_);
  }
  const size_t first = requests_.size();
  for (RequestPtr& request : submitted) requests_.push_back(std::move(request));
  for (size_t i = first; i < requests_.size(); ++i) {
    images_.add(*requests_[i]);
    metrics_.note_arrival(*requests_[i]);
    scheduler_.add(*requests_[i]);
  }
}

void EngineImpl::drop_ended() {
  for (size_t i = requests_.size(); i-- > 0;) {
    Request& request = *requests_[i];
    if (request.failure) {
      const Error error = *request.failure;
      spdlog::error("{} event=failed error=\"{}\"", request.chat.request_id, error.what());
      close(request, StreamError{error.code(), error.what()});
    } else if (request.channel->cancelled()) {
      spdlog::info("{} event=cancelled generated={}", request.chat.request_id, request.num_generated);
      close(request, StreamError{ErrorCode::kCancelled, "the client went away"});
    } else if (is_overdue(request)) {
      spdlog::info("{} event=timed_out generated={}", request.chat.request_id, request.num_generated);
      close(request, StreamError{ErrorCode::kTimeout, timeout_error(request.submitted_at, request.deadline).what()});
    }
  }
}

void EngineImpl::note_load() {
  num_running_ = scheduler_.num_running();
  num_used_blocks_ = blocks_.num_blocks() - blocks_.num_free();
  // Under the lock, so that what another thread has seen before does not replace it.
  std::lock_guard lock(mutex_);
  metrics_.set_load(load(lock));
}

void EngineImpl::run(const Step& step) {
  metrics_.note_step(step, scheduler_.num_preemptions());
  if (step.encode) guarded({step.encode->request}, [&] { images_.encode(*step.encode); });
  const bool copied = guarded(requests_of(step.sequences), [&] {
    for (const BlockCopy& copy : step.copies) runner_->copy_kv_block(copy.from, copy.to);
  });
  if (copied && !step.sequences.empty()) forward(step.sequences);
}

/// When the whole batch throws, each request is tried alone, so that only those at fault end: what a failed try has written of
/// keys and values is written again.
void EngineImpl::forward(const std::vector<ScheduledSequence>& scheduled) {
  std::vector<std::optional<SampledToken>> sampled;
  const std::vector<Request*> requests = requests_of(scheduled);
  const auto run_batch = [&] { sampled = runner_->run(build_batch(scheduled, images_)); };
  if (requests.size() == 1) {
    if (guarded(requests, run_batch)) postprocess(scheduled, sampled);
    return;
  }
  try {
    run_batch();
  } catch (const std::exception& e) {
    spdlog::warn("event=step_failed requests={} error=\"{}\"", requests.size(), e.what());
    for (const Request* request : requests) forward(of_request(scheduled, request));
    return;
  }
  postprocess(scheduled, sampled);
}

void EngineImpl::postprocess(const std::vector<ScheduledSequence>& scheduled,
                             const std::vector<std::optional<SampledToken>>& sampled) {
  for (size_t i = 0; i < scheduled.size(); ++i) {
    Sequence& sequence = *scheduled[i].sequence;
    Request& request = sequence.request();
    if (request.failure) continue;
    guarded({&request}, [&] {
      scheduler_.mark_computed(scheduled[i]);
      if (sequence.num_left() > 0) return;
      const AnswerGuide* const guide = sequence.guide();
      if (guide != nullptr && guide->failure()) throw *guide->failure();
      if (!sampled[i]) throw Error(ErrorCode::kInternal, "no token could be chosen: the model gave no finite logit");
      emit(sequence, sequence.append(*sampled[i]));
    });
  }
}

void EngineImpl::emit(Sequence& sequence, SequenceOutput output) {
  Request& request = sequence.request();
  note_token(sequence);
  if (!output.delta.text.empty() || !output.delta.logprobs.empty()) request.channel->push(std::move(output.delta));
  if (!output.finish) return;
  metrics_.note_answer(sequence, output.finish->reason);
  request.channel->push(*std::move(output.finish));
  scheduler_.remove(&sequence);
  if (!request.finished()) return;
  metrics_.note_success(request);
  Usage usage;
  usage.prompt_tokens = static_cast<int>(request.prompt.token_ids.size());
  usage.completion_tokens = request.num_generated;
  usage.image_tokens = request.prompt.num_image_tokens;
  usage.cached_tokens = request.num_cached;
  const Timings timings = timings_of(request);
  log_finished(request, timings);
  close(request, StreamEnd{usage, timings});
}

void EngineImpl::note_token(Sequence& sequence) {
  const auto now = Request::Clock::now();
  Request& request = sequence.request();
  if (request.num_generated++ == 0) request.first_token_at = now;
  if (sequence.num_generated() == 1) sequence.first_token_at = now;
  metrics_.note_token(sequence, now);
  sequence.last_token_at = now;
}

void EngineImpl::fail_all(const Error& error) {
  while (!requests_.empty()) close(*requests_.back(), StreamError{error.code(), error.what()});
}

/// The request's end, good or bad: its last event, its blocks, its features, itself.
void EngineImpl::close(Request& request, ChatEvent last) {
  if (const auto* error = std::get_if<StreamError>(&last)) metrics_.note_failure(request, error->code);
  for (auto& sequence : request.sequences) scheduler_.remove(sequence.get());
  images_.forget(request);
  request.channel->push(std::move(last));
  const int num_answers = static_cast<int>(request.sequences.size());
  requests_.erase(
      std::find_if(requests_.begin(), requests_.end(), [&](const RequestPtr& held) { return held.get() == &request; }));
  {
    std::lock_guard lock(mutex_);
    num_open_ -= num_answers;
    retry_.note_ended(num_answers, Request::Clock::now());
  }
  changed_.notify_all();
}

}  // namespace spyhop
