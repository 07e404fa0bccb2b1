#include "api/generation_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/constraint_json.h"
#include "api/json_text.h"
#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr size_t kMaxRequestIdBytes = 128;

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

std::optional<uint64_t> parse_seed(const ObjectReader& body) {
  const nlohmann::json* seed = body.find("seed");
  if (seed == nullptr) return std::nullopt;
  if (seed->is_number_unsigned()) return seed->get<uint64_t>();
  const auto number = body.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  return static_cast<uint64_t>(*number);
}

std::optional<int> parse_timeout(const ObjectReader& body) {
  constexpr double kMaxSeconds = 86400;
  const std::optional<double> seconds = body.number("timeout", {0, kMaxSeconds, /*min_excluded=*/true});
  if (!seconds) return std::nullopt;
  return static_cast<int>(std::ceil(*seconds * 1000));
}

/// Printable ASCII, since it becomes a header.
std::string parse_request_id(const ObjectReader& body) {
  const nlohmann::json* given = body.find("request_id");
  if (given == nullptr) return {};
  const nlohmann::json copy = *given;
  const std::string id = body.string("request_id").value_or("");
  const bool is_printable = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (id.empty() || id.size() > kMaxRequestIdBytes || !is_printable) {
    reject("request_id", copy, "1 to " + std::to_string(kMaxRequestIdBytes) + " printable ASCII characters without spaces");
  }
  return id;
}

}  // namespace

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

SamplingParams parse_sampling(const ObjectReader& body, const SamplingDefaults& defaults) {
  SamplingParams sampling;
  sampling.temperature = body.number("temperature", {0, 2}).value_or(defaults.temperature);
  sampling.top_p = body.number("top_p", {0, 1, /*min_excluded=*/true}).value_or(defaults.top_p);
  sampling.top_k = static_cast<int>(std::max<int64_t>(body.integer("top_k", -1, kMaxInt).value_or(defaults.top_k), 0));
  sampling.min_p = body.number("min_p", {0, 1}).value_or(defaults.min_p);
  const double penalty = sampling.temperature == 0 ? 1.0 : defaults.repetition_penalty;
  sampling.repetition_penalty = body.number("repetition_penalty", {0, 2, /*min_excluded=*/true}).value_or(penalty);
  sampling.frequency_penalty = body.number("frequency_penalty", {-2, 2}).value_or(0);
  sampling.presence_penalty = body.number("presence_penalty", {-2, 2}).value_or(0);
  sampling.seed = parse_seed(body);
  return sampling;
}

void parse_service(const ObjectReader& body, ChatRequest& request) {
  request.request_id = parse_request_id(body);
  request.priority = static_cast<int>(body.integer("priority", -kMaxInt, kMaxInt).value_or(0));
  request.cache_salt = body.string("cache_salt").value_or("");
  request.timeout_ms = parse_timeout(body);
}

void parse_generation(const ObjectReader& body, const ChatRequestLimits& limits, ChatRequest& request) {
  request.sampling = parse_sampling(body, limits.sampling);
  SamplingParams& sampling = request.sampling;
  sampling.logit_bias = parse_logit_bias(body, limits.max_logit_bias);
  sampling.allowed_token_ids = body.integers("allowed_token_ids", {0, kMaxInt}, static_cast<size_t>(limits.max_allowed_tokens));
  sampling.bad_words =
      body.strings("bad_words", static_cast<size_t>(limits.max_bad_words), static_cast<size_t>(limits.max_bad_word_bytes));
  sampling.min_tokens = static_cast<int>(body.integer("min_tokens", 0, kMaxInt).value_or(0));
  request.n = static_cast<int>(body.integer("n", 1, limits.max_n).value_or(1));
  request.stop = parse_stop(body, limits);
  request.stop_token_ids = body.integers("stop_token_ids", {0, kMaxInt}, static_cast<size_t>(limits.max_stop_tokens));
  request.include_stop = body.boolean("include_stop_str_in_output").value_or(false);
  request.ignore_eos = body.boolean("ignore_eos").value_or(false);
  request.skip_special_tokens = body.boolean("skip_special_tokens").value_or(false);
  parse_service(body, request);
}

StreamOptions parse_stream_options(const ObjectReader& body, bool stream) {
  nlohmann::json* options = body.find("stream_options");
  if (options == nullptr) return {};
  if (!options->is_object()) reject("stream_options", *options, "an object");
  if (!stream) reject("stream_options", *options, "null, or an object with \"stream\": true");
  const ObjectReader reader(*options, "stream_options");
  StreamOptions parsed;
  parsed.include_usage = reader.boolean("include_usage").value_or(false);
  parsed.continuous_usage = reader.boolean("continuous_usage_stats").value_or(false) && parsed.include_usage;
  return parsed;
}

void parse_answer_form(const ObjectReader& body, const std::string& text, ChatRequest& request) {
  ConstraintFields fields = parse_constraint(body, text);
  request.constraint = std::move(fields.constraint);
  request.constraint_field = std::move(fields.field);
  request.boxes = fields.boxes;
}

PromptEnd parse_prompt_end(const ObjectReader& body) {
  const bool continues = body.boolean("continue_final_message").value_or(false);
  const std::optional<bool> invites = body.boolean("add_generation_prompt");
  if (continues && invites.value_or(false)) {
    reject("add_generation_prompt", true, "false, with \"continue_final_message\": true");
  }
  if (continues) return PromptEnd::kContinued;
  return invites.value_or(true) ? PromptEnd::kNewAnswer : PromptEnd::kNone;
}

void refuse_field(const std::string& field, const std::string& why, const std::string& allowed) {
  throw Error(ErrorCode::kUnsupported, field + " is not supported: " + why + "; allowed: " + allowed, field);
}

void refuse_tools(const ObjectReader& body, const char* list, const char* choice) {
  const nlohmann::json* tools = body.find(list);
  const nlohmann::json* chosen = body.find(choice);
  if (tools != nullptr && !tools->is_array()) reject(list, *tools, "an array");
  if (chosen != nullptr && !chosen->is_string() && !chosen->is_object()) reject(choice, *chosen, "\"none\" or \"auto\"");
  const bool is_forced = chosen != nullptr && *chosen != "none" && *chosen != "auto";
  if (is_forced) refuse_field(choice, "the model has no tool format", "\"none\", or \"auto\" without tools");
  if (tools == nullptr || tools->empty() || (chosen != nullptr && *chosen == "none")) return;
  refuse_field(list, "the model has no tool format", std::string("null, or any with \"") + choice + "\": \"none\"");
}

}  // namespace spyhop
