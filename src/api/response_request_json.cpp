#include "api/response_request_json.h"

#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "api/constraint_json.h"
#include "api/json_text.h"
#include "api/response_items_json.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLogprobs = "message.output_text.logprobs";

void parse_include(const ObjectReader& body, SamplingParams& sampling) {
  const nlohmann::json* include = body.find("include");
  sampling.top_logprobs = static_cast<int>(body.integer("top_logprobs", 0, 20).value_or(0));
  sampling.logprobs = sampling.top_logprobs > 0;
  if (include == nullptr) return;
  if (!include->is_array()) reject("include", *include, "an array of strings");
  for (const nlohmann::json& each : *include) {
    if (each != kLogprobs) reject("include", each, std::string("[\"") + kLogprobs + "\"]");
    sampling.logprobs = true;
  }
}

/// Its metadata: a few short strings.
Json parse_metadata(const ObjectReader& body, int max_entries) {
  const nlohmann::json* metadata = body.find("metadata");
  if (metadata == nullptr) return Json::object();
  const std::string allowed = "an object of at most " + std::to_string(max_entries) + " strings";
  if (!metadata->is_object() || metadata->size() > static_cast<size_t>(max_entries)) reject("metadata", *metadata, allowed);
  Json parsed = Json::object();
  for (const auto& entry : metadata->items()) {
    const auto* text = entry.value().get_ptr<const std::string*>();
    if (text == nullptr || text->size() > 512 || entry.key().size() > 64) {
      reject("metadata." + entry.key().substr(0, 64), entry.value(), "a string of at most 512 bytes, with a key of at most 64");
    }
    parsed[entry.key()] = *text;
  }
  return parsed;
}

/// Sets what the answer must match; returns the format as the response repeats it.
Json parse_text(const ObjectReader& body, const std::string& source, ChatRequest& request) {
  const nlohmann::json* text = body.find("text");
  if (text != nullptr && !text->is_object()) reject("text", *text, R"({"format": {"type": "text"}})");
  const nlohmann::json format = text == nullptr ? nlohmann::json() : text->value("format", nlohmann::json());
  if (format.is_null()) return {{"type", "text"}};
  request.constraint = parse_text_format(format, {"text", "format"}, source);
  request.constraint_field = "text.format";
  return format;
}

void check_truncation(const ObjectReader& body) {
  const nlohmann::json* truncation = body.find("truncation");
  if (truncation == nullptr || *truncation == "disabled") return;
  if (*truncation == "auto") refuse_field("truncation", "a conversation is never shortened in silence", "\"disabled\"");
  reject("truncation", *truncation, "\"disabled\"");
}

std::optional<int> parse_max_tokens(const ObjectReader& body) {
  const auto value = body.integer("max_output_tokens", 1, std::numeric_limits<int>::max());
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json settings_of(const ResponseCall& call, Json text_format, Json metadata, Json tool_choice) {
  const SamplingParams& sampling = call.request.sampling;
  return {{"instructions", text_or_null(call.instructions)},
          {"max_output_tokens", call.request.max_tokens ? Json(*call.request.max_tokens) : Json()},
          {"max_tool_calls", nullptr},
          {"parallel_tool_calls", true},
          {"previous_response_id", text_or_null(call.previous_response_id)},
          {"prompt_cache_key", nullptr},
          {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
          {"safety_identifier", nullptr},
          {"service_tier", "default"},
          {"store", call.store},
          {"temperature", sampling.temperature},
          {"text", {{"format", std::move(text_format)}, {"verbosity", "medium"}}},
          {"tool_choice", std::move(tool_choice)},
          {"tools", Json::array()},
          {"top_logprobs", sampling.top_logprobs},
          {"top_p", sampling.top_p},
          {"truncation", "disabled"},
          {"metadata", std::move(metadata)}};
}

}  // namespace

ResponseCall parse_response_request(const RequestBody& body, const ChatRequestLimits& limits) {
  const ObjectReader& reader = body.reader();
  refuse_tools(reader, "tools", "tool_choice");
  check_truncation(reader);

  ResponseCall call;
  call.request.model = body.model();
  call.stream = reader.boolean("stream").value_or(false);
  call.store = reader.boolean("store").value_or(true);
  call.previous_response_id = reader.string("previous_response_id").value_or("");
  call.instructions = reader.string("instructions").value_or("");
  call.request.sampling = parse_sampling(reader, limits.sampling);
  parse_include(reader, call.request.sampling);
  call.request.stop = parse_stop(reader, limits);
  call.request.max_tokens = parse_max_tokens(reader);
  parse_service(reader, call.request);
  const nlohmann::json* tool_choice = reader.find("tool_choice");
  Json text_format = parse_text(reader, body.text(), call.request);
  call.settings = settings_of(call, std::move(text_format), parse_metadata(reader, limits.max_metadata),
                              tool_choice == nullptr ? Json("auto") : Json(*tool_choice));

  nlohmann::json* input = reader.find("input");
  if (input == nullptr)
    throw Error(ErrorCode::kInvalidRequest, "input is missing; allowed: a string or an array of messages", "input");
  ResponseInput parsed = parse_response_input(*input, limits.max_messages);
  call.input = std::move(parsed.messages);
  call.items = std::move(parsed.items);
  return call;
}

std::vector<ChatMessage> conversation_of(const ResponseCall& call, std::vector<ChatMessage> previous) {
  std::vector<ChatMessage> messages;
  if (!call.instructions.empty()) messages.push_back({Role::kSystem, {TextPart{call.instructions}}});
  for (ChatMessage& message : previous) messages.push_back(std::move(message));
  messages.insert(messages.end(), call.input.begin(), call.input.end());
  return messages;
}

Error blame_input(const Error& error, size_t num_before) {
  static const std::string kPrefix = "messages[";
  if (error.param() == "messages") return Error(error.code(), error.what(), "input");
  if (error.param().rfind(kPrefix, 0) != 0) return error;
  const size_t end = error.param().find(']');
  const size_t index = std::strtoul(error.param().c_str() + kPrefix.size(), nullptr, 10);
  if (index < num_before) return error;
  const std::string theirs = error.param().substr(0, end + 1);
  const std::string ours = "input[" + std::to_string(index - num_before) + "]";
  std::string message = error.what();
  for (size_t at = message.find(theirs); at != std::string::npos; at = message.find(theirs, at + ours.size())) {
    message.replace(at, theirs.size(), ours);
  }
  return Error(error.code(), message, ours + error.param().substr(end + 1));
}

}  // namespace spyhop
