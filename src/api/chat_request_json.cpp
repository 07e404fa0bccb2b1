#include "api/chat_request_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "api/constraint_json.h"
#include "api/json_text.h"
#include "api/message_json.h"
#include "api/object_reader.h"
#include "api/task_json.h"
#include "common/json_fields.h"

namespace spyhop {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();

[[noreturn]] void refuse(const std::string& field, const std::string& why, const std::string& allowed) {
  throw Error(ErrorCode::kUnsupported, field + " is not supported: " + why + "; allowed: " + allowed, field);
}

void refuse_tools(const ObjectReader& body) {
  for (const auto& [list, choice] : {std::pair{"tools", "tool_choice"}, std::pair{"functions", "function_call"}}) {
    const nlohmann::json* tools = body.find(list);
    const nlohmann::json* chosen = body.find(choice);
    if (tools == nullptr || tools->empty() || (chosen != nullptr && *chosen == "none")) continue;
    refuse(list, "the model has no tool format", std::string("null, or any with \"") + choice + "\": \"none\"");
  }
}

void refuse_other_modalities(const ObjectReader& body) {
  if (body.find("audio") != nullptr) refuse("audio", "the model answers with text", "null");
  const nlohmann::json* modalities = body.find("modalities");
  if (modalities == nullptr) return;
  if (!modalities->is_array()) reject("modalities", *modalities, R"(["text"])");
  for (const nlohmann::json& modality : *modalities) {
    if (modality != "text")
      refuse("modalities", describe_json(modality) + " is asked for, the model answers with text", R"(["text"])");
  }
}

int32_t parse_token_id(const std::string& key) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size() || id < 0) {
    throw Error(ErrorCode::kInvalidRequest, "logit_bias has the key " + describe_json(key) + "; allowed: token ids",
                "logit_bias");
  }
  return id;
}

std::map<int32_t, double> parse_logit_bias(const ObjectReader& body, int max_entries) {
  std::map<int32_t, double> biases;
  nlohmann::json* field = body.find("logit_bias");
  if (field == nullptr) return biases;
  if (!field->is_object()) reject("logit_bias", *field, "an object of token ids and numbers from -100 to 100");
  if (field->size() > static_cast<size_t>(max_entries)) {
    throw Error(ErrorCode::kInvalidRequest,
                "logit_bias has " + std::to_string(field->size()) + " entries; allowed: at most " + std::to_string(max_entries),
                "logit_bias");
  }
  const ObjectReader reader(*field, "logit_bias");
  for (const auto& entry : field->items()) {
    const int32_t id = parse_token_id(entry.key());
    biases[id] = reader.number(entry.key().c_str(), {-100, 100}).value_or(0);
  }
  return biases;
}

std::string parse_stop_string(nlohmann::json& stop, const std::string& path, int max_bytes) {
  const std::string allowed = "a string of 1 to " + std::to_string(max_bytes) + " bytes";
  if (!stop.is_string()) reject(path, stop, allowed);
  auto& text = stop.get_ref<std::string&>();
  if (text.empty() || text.size() > static_cast<size_t>(max_bytes)) reject(path, stop, allowed);
  return std::move(text);
}

std::vector<std::string> parse_stop(const ObjectReader& body, const ChatRequestLimits& limits) {
  std::vector<std::string> stops;
  nlohmann::json* stop = body.find("stop");
  if (stop == nullptr) return stops;
  if (stop->is_string()) {
    stops.push_back(parse_stop_string(*stop, "stop", limits.max_stop_bytes));
    return stops;
  }
  if (!stop->is_array() || stop->size() > static_cast<size_t>(limits.max_stops)) {
    reject("stop", *stop, "a string or an array of at most " + std::to_string(limits.max_stops) + " strings");
  }
  for (size_t i = 0; i < stop->size(); ++i) {
    stops.push_back(parse_stop_string((*stop)[i], "stop[" + std::to_string(i) + "]", limits.max_stop_bytes));
  }
  return stops;
}

std::optional<uint64_t> parse_seed(const ObjectReader& body) {
  const nlohmann::json* seed = body.find("seed");
  if (seed == nullptr) return std::nullopt;
  if (seed->is_number_unsigned()) return seed->get<uint64_t>();
  const auto number = body.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  return static_cast<uint64_t>(*number);
}

SamplingParams parse_sampling(const ObjectReader& body, const ChatRequestLimits& limits) {
  SamplingParams sampling;
  sampling.temperature = body.number("temperature", {0, 2}).value_or(sampling.temperature);
  sampling.top_p = body.number("top_p", {0, 1, /*min_excluded=*/true}).value_or(sampling.top_p);
  sampling.top_k = static_cast<int>(std::max<int64_t>(body.integer("top_k", -1, kMaxInt).value_or(0), 0));
  sampling.min_p = body.number("min_p", {0, 1}).value_or(sampling.min_p);
  sampling.repetition_penalty =
      body.number("repetition_penalty", {0, 2, /*min_excluded=*/true}).value_or(sampling.repetition_penalty);
  sampling.frequency_penalty = body.number("frequency_penalty", {-2, 2}).value_or(sampling.frequency_penalty);
  sampling.presence_penalty = body.number("presence_penalty", {-2, 2}).value_or(sampling.presence_penalty);
  sampling.logit_bias = parse_logit_bias(body, limits.max_logit_bias);
  sampling.seed = parse_seed(body);
  sampling.logprobs = body.boolean("logprobs").value_or(false);
  sampling.top_logprobs = static_cast<int>(body.integer("top_logprobs", 0, 20).value_or(0));
  if (sampling.top_logprobs > 0 && !sampling.logprobs) {
    reject("top_logprobs", sampling.top_logprobs, "0, or 1 to 20 with \"logprobs\": true");
  }
  return sampling;
}

bool parse_include_usage(const ObjectReader& body, bool stream) {
  nlohmann::json* options = body.find("stream_options");
  if (options == nullptr) return false;
  if (!options->is_object()) reject("stream_options", *options, "an object");
  if (!stream) reject("stream_options", *options, "null, or an object with \"stream\": true");
  return ObjectReader(*options, "stream_options").boolean("include_usage").value_or(false);
}

std::optional<int> parse_max_tokens(const ObjectReader& body) {
  const std::optional<int64_t> older = body.integer("max_tokens", 1, kMaxInt);
  const std::optional<int64_t> newer = body.integer("max_completion_tokens", 1, kMaxInt);
  const std::optional<int64_t> chosen = newer ? newer : older;
  if (!chosen) return std::nullopt;
  return static_cast<int>(*chosen);
}

std::optional<int> parse_timeout(const ObjectReader& body) {
  constexpr double kMaxSeconds = 86400;
  const std::optional<double> seconds = body.number("timeout", {0, kMaxSeconds, /*min_excluded=*/true});
  if (!seconds) return std::nullopt;
  return static_cast<int>(std::ceil(*seconds * 1000));
}

}  // namespace

ChatCompletionCall parse_chat_request(const std::string& body, const ChatRequestLimits& limits) {
  if (body.empty()) throw Error(ErrorCode::kInvalidRequest, "the body is empty; allowed: a JSON object");
  nlohmann::json json = parse_request_json(body);
  if (!json.is_object()) {
    throw Error(ErrorCode::kInvalidRequest, "the body is " + describe_json(json) + "; allowed: a JSON object");
  }
  const ObjectReader reader(json, "");

  refuse_tools(reader);
  refuse_other_modalities(reader);

  ChatCompletionCall call;
  call.stream = reader.boolean("stream").value_or(false);
  call.include_usage = parse_include_usage(reader, call.stream);
  call.include_metrics = reader.boolean("include_metrics").value_or(false);
  call.request.model = reader.string("model").value_or("");
  call.request.sampling = parse_sampling(reader, limits);
  call.request.n = static_cast<int>(reader.integer("n", 1, limits.max_n).value_or(1));
  call.request.max_tokens = parse_max_tokens(reader);
  call.request.stop = parse_stop(reader, limits);
  call.request.priority = static_cast<int>(reader.integer("priority", -kMaxInt, kMaxInt).value_or(0));
  call.request.cache_salt = reader.string("cache_salt").value_or("");
  call.request.timeout_ms = parse_timeout(reader);
  call.request.ignore_eos = reader.boolean("ignore_eos").value_or(false);
  call.request.skip_special_tokens = reader.boolean("skip_special_tokens").value_or(false);

  ConstraintFields constraint = parse_constraint(reader, body);
  call.request.constraint = std::move(constraint.constraint);
  call.request.constraint_field = std::move(constraint.field);
  call.request.boxes = constraint.boxes;

  nlohmann::json* messages = reader.find("messages");
  if (messages == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, "messages is missing; allowed: an array of messages", "messages");
  }
  call.request.messages = parse_messages(*messages, limits.max_messages);
  if (!call.request.messages.empty() && call.request.messages.back().role == Role::kAssistant) {
    call.request.prompt_end = PromptEnd::kContinued;
  }
  call.wants_boxes = apply_task(reader, call.request).wants_boxes;
  return call;
}

}  // namespace spyhop
