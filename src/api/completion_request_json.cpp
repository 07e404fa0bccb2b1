#include "api/completion_request_json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "api/json_text.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr int kDefaultMaxTokens = 16;

constexpr const char* kAllowedPrompts = "a string, an array of token ids, or an array of either";

bool is_ids(const nlohmann::json& prompt) {
  return prompt.is_array() && !prompt.empty() && prompt.front().is_number();
}

std::vector<int32_t> parse_ids(const nlohmann::json& prompt, const std::string& path) {
  std::vector<int32_t> ids;
  ids.reserve(prompt.size());
  for (size_t i = 0; i < prompt.size(); ++i) {
    const bool fits = prompt[i].is_number_integer() && prompt[i] >= 0 && prompt[i] <= kMaxInt;
    if (!fits) reject(path + "[" + std::to_string(i) + "]", prompt[i], "a token id");
    ids.push_back(prompt[i].get<int32_t>());
  }
  return ids;
}

PlainPrompt parse_prompt(nlohmann::json& prompt, const std::string& path, bool add_special_tokens) {
  PlainPrompt parsed;
  parsed.add_special_tokens = add_special_tokens;
  if (prompt.is_string()) {
    parsed.content = std::move(prompt.get_ref<std::string&>());
  } else if (is_ids(prompt)) {
    parsed.content = parse_ids(prompt, path);
  } else {
    reject(path, prompt, kAllowedPrompts);
  }
  return parsed;
}

std::vector<PlainPrompt> parse_prompts(const ObjectReader& body, int max_prompts) {
  nlohmann::json* prompt = body.find("prompt");
  if (prompt == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, std::string("prompt is missing; allowed: ") + kAllowedPrompts, "prompt");
  }
  const bool special = body.boolean("add_special_tokens").value_or(true);
  std::vector<PlainPrompt> prompts;
  if (!prompt->is_array() || is_ids(*prompt)) {
    prompts.push_back(parse_prompt(*prompt, "prompt", special));
    return prompts;
  }
  if (prompt->empty() || prompt->size() > static_cast<size_t>(max_prompts)) {
    reject("prompt", *prompt, "1 to " + std::to_string(max_prompts) + " prompts");
  }
  for (size_t i = 0; i < prompt->size(); ++i) {
    prompts.push_back(parse_prompt((*prompt)[i], "prompt[" + std::to_string(i) + "]", special));
  }
  return prompts;
}

void parse_logprobs(const ObjectReader& body, SamplingParams& sampling) {
  const nlohmann::json* logprobs = body.find("logprobs");
  if (logprobs == nullptr) return;
  sampling.logprobs = true;
  sampling.top_logprobs = static_cast<int>(*body.integer("logprobs", 0, 20));
}

void check_best_of(const ObjectReader& body, int n) {
  const std::optional<int64_t> best_of = body.integer("best_of", 1, kMaxInt);
  if (!best_of || *best_of == n) return;
  refuse_field("best_of", "all answers that are generated are given", std::to_string(n) + ", as many as n says");
}

}  // namespace

CompletionCall parse_completion_request(const RequestBody& body, const ChatRequestLimits& limits) {
  const ObjectReader& reader = body.reader();
  CompletionCall call;
  call.stream = reader.boolean("stream").value_or(false);
  call.stream_options = parse_stream_options(reader, call.stream);
  call.include_metrics = reader.boolean("include_metrics").value_or(false);
  call.echo = reader.boolean("echo").value_or(false);

  ChatRequest request;
  request.model = body.model();
  parse_generation(reader, limits, request);
  parse_logprobs(reader, request.sampling);
  parse_answer_form(reader, body.text(), request);
  check_best_of(reader, request.n);
  request.max_tokens = static_cast<int>(reader.integer("max_tokens", 1, kMaxInt).value_or(kDefaultMaxTokens));
  if (call.echo && request.sampling.logprobs) {
    refuse_field("logprobs", "with echo there are none of the prompt's tokens", "null with \"echo\": true");
  }

  std::vector<PlainPrompt> prompts = parse_prompts(reader, limits.max_prompts);
  if (static_cast<int64_t>(prompts.size()) * request.n > limits.max_n) {
    throw Error(ErrorCode::kInvalidRequest,
                "n is " + std::to_string(request.n) + " for each of " + std::to_string(prompts.size()) +
                    " prompts; allowed: " + std::to_string(limits.max_n) + " answers in all",
                "n");
  }
  for (PlainPrompt& prompt : prompts) {
    call.requests.push_back(request);
    call.requests.back().prompt = std::move(prompt);
  }
  return call;
}

}  // namespace spyhop
