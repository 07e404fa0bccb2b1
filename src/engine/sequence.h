// A request inside the engine, and its sequences: one per answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/answer_guide.h"
#include "engine/block_pool.h"
#include "engine/loop_detector.h"
#include "engine/prefix_hash.h"
#include "engine/response_stream.h"
#include "prompt/detokenizer.h"
#include "prompt/prepare.h"
#include "prompt/stop_matcher.h"
#include "runtime/sampler.h"
#include "runtime/token_bans.h"
#include "spyhop/chat.h"

namespace spyhop {

struct Request;

/// What a generated token adds to an answer.
struct SequenceOutput {
  TextDelta delta;                     // may be empty
  std::optional<ChoiceFinish> finish;  // set with the last one
};

/// What sequences are made with, the same for all of an engine.
struct SequenceContext {
  const Tokenizer& tokenizer;
  int vocab_size = 0;
  int block_size = 16;  // tokens per KV block
};

/// One answer in the making. Thread safety: engine thread only.
class Sequence {
 public:
  Sequence(Request& request, int choice, const SequenceContext& context, uint64_t seed);

  Request& request() const { return request_; }
  int choice() const { return choice_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }  // prompt, then answer
  int num_tokens() const { return static_cast<int>(tokens_.size()); }
  int num_prompt() const { return num_prompt_; }
  int num_computed() const { return num_computed_; }  // tokens whose keys and values are in the cache
  int num_left() const { return num_tokens() - num_computed_; }
  int num_generated() const { return num_tokens() - num_prompt_; }
  bool finished() const { return finished_; }
  SequenceSampler& sampler() { return sampler_; }
  AnswerGuide* guide() { return guide_ ? &*guide_ : nullptr; }  // null: without a constraint

  /// Hashes of the full blocks of tokens().
  const std::vector<BlockHash>& block_hashes() { return hasher_.hashes(tokens_); }

  /// Sets out from blocks that hold the first `num_tokens` tokens already.
  void start_from(BlockTable known, int num_tokens);

  /// Gives its blocks up; everything is to be computed anew.
  void restart();

  void mark_computed(int num_tokens) { num_computed_ += num_tokens; }

  /// Takes the token sampled last and says what of the answer may be shown.
  SequenceOutput append(const SampledToken& token);

  BlockTable blocks;
  std::chrono::steady_clock::time_point first_token_at;  // once num_generated() > 0
  std::chrono::steady_clock::time_point last_token_at;   // the same

 private:
  struct PendingLogprob {
    size_t text_begin;  // bytes of text before the token
    TokenLogprob logprob;
  };
  bool is_stop_token(int32_t id) const;
  bool ends_with(int32_t id) const;
  std::string decode(const SampledToken& token, bool ended);
  std::string match_stops(const std::string& text);
  ChoiceFinish finish(const SampledToken& token, bool ended) const;
  TokenLogprob describe(const SampledToken& token) const;
  void take_logprobs(bool all, std::vector<TokenLogprob>& out);

  Request& request_;
  int choice_;
  const Tokenizer& tokenizer_;
  std::vector<int32_t> tokens_;
  int num_prompt_;
  int num_computed_ = 0;
  bool finished_ = false;
  PrefixHasher hasher_;
  SequenceSampler sampler_;
  std::optional<AnswerGuide> guide_;
  Detokenizer detokenizer_;
  StopMatcher stop_;
  std::optional<LoopDetector> loop_;
  size_t text_bytes_ = 0;   // decoded so far
  size_t shown_bytes_ = 0;  // given out so far
  std::vector<PendingLogprob> pending_;
};

/// The seed of an answer to a request with `seed`. The first has the request's own, so that n = 1 and the first of n = 2 are
/// equal.
inline uint64_t answer_seed(uint64_t seed, int choice) {
  return seed + 0x9E3779B97F4A7C15ull * static_cast<uint64_t>(choice);
}

/// Thread safety: filled on the submitting thread, then handed to the engine thread.
struct Request {
  using Clock = std::chrono::steady_clock;

  ChatRequest chat;
  PreparedPrompt prompt;
  std::optional<GuideRules> guide;  // of each answer
  int max_tokens = 0;               // per answer, resolved
  TokenRules rules;                 // the same for all answers
  std::vector<bool> image_encoded;  // per image of the prompt: its features are at hand
  std::shared_ptr<ResponseChannel> channel;
  std::vector<std::unique_ptr<Sequence>> sequences;

  uint64_t arrival = 0;          // number in the order of submission
  int num_overtaken = 0;         // requests of later arrival that were let in before it
  bool is_forked = false;        // all sequences have been given the prompt that the first has computed
  int num_cached = -1;           // prompt tokens found in the cache when it was let in first; -1 before
  int num_generated = 0;         // over all answers
  int num_preemptions = 0;       // over all answers
  std::optional<Error> failure;  // what a step did to it: it ends before the next one

  Clock::time_point submitted_at = Clock::now();  // before it was prepared
  Clock::time_point queued_at;                    // after that
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point admitted_at;     // once num_cached >= 0
  Clock::time_point first_token_at;  // once num_generated > 0

  /// The first image that covers `position` or comes after it and is not encoded; -1 when there is none.
  int next_image(int position) const;
  bool finished() const;
};

}  // namespace spyhop
