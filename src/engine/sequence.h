// A request inside the engine, and its sequences: one per answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/block_pool.h"
#include "engine/response_stream.h"
#include "prompt/detokenizer.h"
#include "prompt/prepare.h"
#include "prompt/stop_matcher.h"
#include "runtime/sampler.h"
#include "spyhop/chat.h"

namespace spyhop {

struct Request;

/// What a generated token adds to an answer.
struct SequenceOutput {
  TextDelta delta;                     // may be empty
  std::optional<FinishReason> finish;  // set with the last one
};

/// One answer in the making. Thread safety: engine thread only.
class Sequence {
 public:
  Sequence(Request& request, int choice, const Tokenizer& tokenizer, int vocab_size, uint64_t seed);

  Request& request() const { return request_; }
  int choice() const { return choice_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }  // prompt, then answer
  int num_tokens() const { return static_cast<int>(tokens_.size()); }
  int num_computed() const { return num_computed_; }  // tokens whose keys and values are in the cache
  int num_generated() const { return num_tokens() - num_prompt_; }
  bool in_prefill() const { return num_computed_ < num_prompt_; }
  bool finished() const { return finished_; }
  int max_tokens() const { return max_tokens_; }
  SequenceSampler& sampler() { return sampler_; }

  void mark_computed(int num_tokens) { num_computed_ += num_tokens; }

  /// Takes the token sampled last and says what of the answer may be shown.
  SequenceOutput append(const SampledToken& token);

  BlockTable blocks;

 private:
  struct PendingLogprob {
    size_t text_begin;  // bytes of text before the token
    TokenLogprob logprob;
  };
  TokenLogprob describe(const SampledToken& token) const;
  void take_logprobs(bool all, std::vector<TokenLogprob>& out);

  Request& request_;
  int choice_;
  const Tokenizer& tokenizer_;
  std::vector<int32_t> tokens_;
  int num_prompt_;
  int num_computed_ = 0;
  int max_tokens_;
  bool finished_ = false;
  SequenceSampler sampler_;
  Detokenizer detokenizer_;
  StopMatcher stop_;
  size_t text_bytes_ = 0;   // decoded so far
  size_t shown_bytes_ = 0;  // given out so far
  std::vector<PendingLogprob> pending_;
};

/// Thread safety: filled on the submitting thread, then handed to the engine thread.
struct Request {
  ChatRequest chat;
  PreparedPrompt prompt;
  int max_tokens = 0;         // per answer, resolved
  int num_tiles = 0;          // over all images
  int num_encoded_tiles = 0;  // done by the vision tower
  std::shared_ptr<ResponseChannel> channel;
  std::vector<std::unique_ptr<Sequence>> sequences;
  int num_generated = 0;  // over all answers
  std::chrono::steady_clock::time_point submitted_at = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point first_token_at;  // once num_generated > 0

  bool images_ready() const { return num_encoded_tiles == num_tiles; }
  bool finished() const;
};

}  // namespace spyhop
