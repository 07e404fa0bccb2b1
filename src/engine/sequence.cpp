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
      sampler_(request.chat.sampling, tokens_, context.vocab_size, seed, request.rules),
      detokenizer_(context.tokenizer, request.chat.skip_special_tokens),
      stop_(request.chat.stop, request.chat.include_stop) {
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

bool Sequence::is_stop_token(int32_t id) const {
  const std::vector<int32_t>& stops = request_.chat.stop_token_ids;
  return std::find(stops.begin(), stops.end(), id) != stops.end();
}

bool Sequence::ends_with(int32_t id) const {
  if (is_stop_token(id)) return true;
  return id == tokenizer_.special_ids().eos && (!request_.chat.ignore_eos || (guide_ && guide_->ends_answer()));
}

/// What the token adds to the text. Nothing for one that ends the answer, unless it was asked for by its id.
std::string Sequence::decode(const SampledToken& token, bool ended) {
  if (ended && !(request_.chat.include_stop && is_stop_token(token.id))) return {};
  if (request_.chat.sampling.logprobs) pending_.push_back({text_bytes_, describe(token)});
  return detokenizer_.push(token.id);
}

/// What of `text` may be shown. Stop strings count after min_tokens, as the tokens that end an answer do.
std::string Sequence::match_stops(const std::string& text) {
  return num_generated() <= request_.chat.sampling.min_tokens ? text : stop_.push(text);
}

ChoiceFinish Sequence::finish(const SampledToken& token, bool ended) const {
  ChoiceFinish finish{choice_, FinishReason::kStop, num_generated()};
  if (stop_.matched()) {
    const std::vector<std::string>& stops = request_.chat.stop;
    finish.stop_string = static_cast<int>(std::find(stops.begin(), stops.end(), stop_.stop()) - stops.begin());
    return finish;
  }
  if (!ended) finish.reason = FinishReason::kLength;
  if (is_stop_token(token.id) && token.id != tokenizer_.special_ids().eos) finish.stop_token = token.id;
  return finish;
}

SequenceOutput Sequence::append(const SampledToken& token) {
  tokens_.push_back(token.id);
  const bool ended = ends_with(token.id);
  if (guide_ && !ended) guide_->accept(token.id);
  std::string text = decode(token, ended);
  const bool is_loop = loop_ && !ended && loop_->push(token.id);
  const bool is_last = ended || is_loop || num_generated() >= request_.max_tokens;
  if (is_last) text += detokenizer_.finish();
  text_bytes_ += text.size();

  SequenceOutput output;
  output.delta.choice = choice_;
  output.delta.num_tokens = num_generated();
  output.delta.text = match_stops(text);
  finished_ = is_last || stop_.matched();
  if (finished_ && !stop_.matched()) output.delta.text += stop_.finish();  // it may have held back a match
  if (finished_) {
    output.finish = finish(token, ended);
    output.finish->is_loop = is_loop && output.finish->reason == FinishReason::kLength;
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
