#include "engine/sequence.h"

#include <algorithm>
#include <utility>

namespace spyhop {

Sequence::Sequence(Request& request, int choice, const SequenceContext& context, uint64_t seed)
    : request_(request),
      choice_(choice),
      tokenizer_(context.tokenizer),
      tokens_(request.prompt.token_ids),
      num_prompt_(static_cast<int>(tokens_.size())),
      hasher_(context.block_size, request.chat.cache_salt, request.prompt.images),
      sampler_(request.chat.sampling, tokens_, context.vocab_size, seed),
      detokenizer_(context.tokenizer, request.chat.skip_special_tokens),
      stop_(request.chat.stop) {
  if (request.guide) guide_.emplace(*request.guide);
  if (request.chat.loop_guard) loop_.emplace(*request.chat.loop_guard);
}

void Sequence::start_from(BlockTable known, int num_tokens) {
  blocks = std::move(known);
  num_computed_ = num_tokens;
}

void Sequence::restart() {
  blocks.release();
  num_computed_ = 0;
}

TokenLogprob Sequence::describe(const SampledToken& token) const {
  TokenLogprob result{std::string(tokenizer_.token_bytes(token.id)), token.logprob, {}};
  for (const auto& [id, logprob] : token.top) result.top.push_back({std::string(tokenizer_.token_bytes(id)), logprob});
  return result;
}

// A token's log-probability follows its text: what a stop string swallows is never reported either.
void Sequence::take_logprobs(bool all, std::vector<TokenLogprob>& out) {
  auto is_due = [&](const PendingLogprob& pending) { return all || pending.text_begin < shown_bytes_; };
  const auto end = std::find_if_not(pending_.begin(), pending_.end(), is_due);
  for (auto it = pending_.begin(); it != end; ++it) out.push_back(std::move(it->logprob));
  pending_.erase(pending_.begin(), end);
}

SequenceOutput Sequence::append(const SampledToken& token) {
  tokens_.push_back(token.id);
  const bool is_guided_end = guide_ && guide_->ends_answer();
  const bool ended = token.id == tokenizer_.special_ids().eos && (!request_.chat.ignore_eos || is_guided_end);
  if (guide_ && !ended) guide_->accept(token.id);
  std::string text;
  if (!ended) {
    if (request_.chat.sampling.logprobs) pending_.push_back({text_bytes_, describe(token)});
    text = detokenizer_.push(token.id);
  }
  const bool is_loop = loop_ && !ended && loop_->push(token.id);
  const bool exhausted = is_loop || num_generated() >= request_.max_tokens;
  if (ended || exhausted) text += detokenizer_.finish();
  text_bytes_ += text.size();

  SequenceOutput output;
  output.delta.choice = choice_;
  output.delta.text = stop_.push(text);
  if (ended || stop_.matched()) {
    output.finish = FinishReason::kStop;
  } else if (exhausted) {
    output.finish = FinishReason::kLength;
    output.is_loop = is_loop;
  }
  finished_ = output.finish.has_value();
  if (finished_ && !stop_.matched()) {
    output.delta.text += stop_.finish();
    if (stop_.matched())
      output = {std::move(output.delta), FinishReason::kStop};  // a stop that might still have been a part of a longer one
  }
  shown_bytes_ += output.delta.text.size();
  take_logprobs(finished_ && !stop_.matched(), output.delta.logprobs);
  return output;
}

int Request::next_image(int position) const {
  for (size_t i = 0; i < prompt.images.size(); ++i) {
    const PreparedImage& image = prompt.images[i];
    if (!image_encoded[i] && image.first_token + image.num_tokens > position) return static_cast<int>(i);
  }
  return -1;
}

bool Request::finished() const {
  return std::all_of(sequences.begin(), sequences.end(), [](const auto& sequence) { return sequence->finished(); });
}

}  // namespace spyhop
