#include "engine/token_rules.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>
#include <utility>

#include "prompt/prepare.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Run = std::vector<int32_t>;

/// Each once, in rising order.
std::vector<int32_t> checked_ids(const std::vector<int32_t>& ids, int vocab_size, const std::string& field) {
  for (size_t i = 0; i < ids.size(); ++i) check_token_id(ids[i], vocab_size, fmt::format("{}[{}]", field, i));
  const std::set<int32_t> unique(ids.begin(), ids.end());
  return {unique.begin(), unique.end()};
}

void add_bad_runs(const std::string& word, const Tokenizer& tokenizer, std::vector<Run>& runs) {
  const std::string text = word.substr(std::min(word.size(), word.find_first_not_of(' ')));
  Run run = tokenizer.encode(text, SpecialTokens::kGrounding);
  Run after_space = tokenizer.encode(" " + text, SpecialTokens::kGrounding);
  if (run.empty()) return;
  const bool is_other_word = after_space.size() == run.size() && after_space.front() != run.front();
  runs.push_back(std::move(run));
  if (is_other_word) runs.push_back(std::move(after_space));
}

/// Whether some token may follow whatever stands before it.
bool leaves_a_token(const TokenRules& rules, int vocab_size) {
  std::set<int32_t> out;
  if (rules.min_tokens > 0) out.insert(rules.ends.begin(), rules.ends.end());
  for (const Run& run : rules.bad_runs) out.insert(run.back());
  const auto is_out = [&](int32_t id) { return out.count(id) > 0; };
  if (rules.allowed.empty()) return out.size() < static_cast<size_t>(vocab_size);
  return !std::all_of(rules.allowed.begin(), rules.allowed.end(), is_out);
}

/// A form and these rules together might leave no token at some place that nobody can foresee.
void refuse_with_form(const ChatRequest& request) {
  if (!request.constraint && !request.boxes) return;
  const SamplingParams& sampling = request.sampling;
  const char* field = nullptr;
  if (!sampling.bad_words.empty()) field = "bad_words";
  if (!sampling.allowed_token_ids.empty()) field = "allowed_token_ids";
  if (field == nullptr) return;
  const std::string form = request.constraint ? request.constraint_field : "constrain_boxes";
  throw Error(ErrorCode::kInvalidRequest, fmt::format("{} and {} exclude each other; allowed: one of them", field, form),
              field);
}

}  // namespace

TokenRules token_rules(const ChatRequest& request, const Tokenizer& tokenizer, int vocab_size) {
  const SamplingParams& sampling = request.sampling;
  if (request.max_tokens && sampling.min_tokens > *request.max_tokens) {
    throw Error(ErrorCode::kInvalidRequest,
                fmt::format("min_tokens is {}; allowed: 0 to max_tokens, {}", sampling.min_tokens, *request.max_tokens),
                "min_tokens");
  }
  refuse_with_form(request);
  TokenRules rules;
  rules.allowed = checked_ids(sampling.allowed_token_ids, vocab_size, "allowed_token_ids");
  rules.min_tokens = sampling.min_tokens;
  rules.ends = checked_ids(request.stop_token_ids, vocab_size, "stop_token_ids");
  if (!request.ignore_eos) rules.ends.push_back(tokenizer.special_ids().eos);
  for (const std::string& word : sampling.bad_words) add_bad_runs(word, tokenizer, rules.bad_runs);
  if (!leaves_a_token(rules, vocab_size)) {
    throw Error(ErrorCode::kInvalidRequest,
                "allowed_token_ids, bad_words and min_tokens may leave no token at all; allowed: at least one that neither "
                "ends a bad word nor, with min_tokens, the answer",
                "allowed_token_ids");
  }
  return rules;
}

}  // namespace spyhop
