#include "api/chat_request_json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "api/json_text.h"
#include "api/message_json.h"
#include "api/object_reader.h"
#include "api/task_json.h"
#include "common/json_fields.h"

namespace spyhop {
namespace {

void refuse_other_modalities(const ObjectReader& body) {
  const nlohmann::json* modalities = body.find("modalities");
  if (modalities == nullptr) return;
  if (!modalities->is_array()) reject("modalities", *modalities, R"(["text"])");
  for (const nlohmann::json& modality : *modalities) {
    if (modality == "text") continue;
    refuse_field("modalities", describe_json(modality) + " is asked for, the model answers with text", R"(["text"])");
  }
}

void parse_logprobs(const ObjectReader& body, SamplingParams& sampling) {
  sampling.logprobs = body.boolean("logprobs").value_or(false);
  sampling.top_logprobs = static_cast<int>(body.integer("top_logprobs", 0, 20).value_or(0));
  if (sampling.top_logprobs > 0 && !sampling.logprobs) {
    reject("top_logprobs", sampling.top_logprobs, "0, or 1 to 20 with \"logprobs\": true");
  }
}

std::optional<int> parse_max_tokens(const ObjectReader& body) {
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  const std::optional<int64_t> older = body.integer("max_tokens", 1, kMaxInt);
  const std::optional<int64_t> newer = body.integer("max_completion_tokens", 1, kMaxInt);
  const std::optional<int64_t> chosen = newer ? newer : older;
  if (!chosen) return std::nullopt;
  return static_cast<int>(*chosen);
}

}  // namespace

ChatCompletionCall parse_chat_request(const RequestBody& body, const ChatRequestLimits& limits) {
  const ObjectReader& reader = body.reader();
  refuse_tools(reader, "tools", "tool_choice");
  refuse_tools(reader, "functions", "function_call");
  refuse_other_modalities(reader);

  ChatCompletionCall call;
  call.stream = reader.boolean("stream").value_or(false);
  call.stream_options = parse_stream_options(reader, call.stream);
  call.include_metrics = reader.boolean("include_metrics").value_or(false);
  call.request.model = body.model();
  parse_generation(reader, limits, call.request);
  parse_logprobs(reader, call.request.sampling);
  call.request.max_tokens = parse_max_tokens(reader);
  call.request.prompt_end = parse_prompt_end(reader);
  parse_answer_form(reader, body.text(), call.request);

  nlohmann::json* messages = reader.find("messages");
  if (messages == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, "messages is missing; allowed: an array of messages", "messages");
  }
  call.request.messages = parse_messages(*messages, limits.max_messages);
  call.wants_boxes = apply_task(reader, call.request).wants_boxes;
  return call;
}

}  // namespace spyhop
