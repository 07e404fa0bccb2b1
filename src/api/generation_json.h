// Request fields that say how an answer is generated, whatever it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/object_reader.h"
#include "spyhop/chat.h"
#include "spyhop/config.h"

namespace spyhop {

struct ChatRequestLimits {
  int max_messages = 1024;
  int max_n = 128;
  int max_prompts = 128;            // of one /v1/completions request
  int max_stops = 16;               // stop strings
  int max_stop_bytes = 256;         // of each
  int max_stop_tokens = 128;        // stop_token_ids
  int max_logit_bias = 4096;        // entries
  int max_allowed_tokens = 131072;  // allowed_token_ids
  int max_bad_words = 256;
  int max_bad_word_bytes = 256;  // of each
  int max_metadata = 16;         // entries
  SamplingDefaults sampling{};   // for what a request leaves open
};

/// temperature, top_p, top_k, min_p, the penalties and seed. Throws Error{kInvalidRequest} naming the field, as the others do.
SamplingParams parse_sampling(const ObjectReader& body, const SamplingDefaults& defaults);

/// What chat completions and completions have in common besides: n, stop, biases, tokens that are not allowed, priority and so
/// on. Fills `request`.
void parse_generation(const ObjectReader& body, const ChatRequestLimits& limits, ChatRequest& request);

std::vector<std::string> parse_stop(const ObjectReader& body, const ChatRequestLimits& limits);

/// The request's priority, salt and time limit.
void parse_service(const ObjectReader& body, ChatRequest& request);

struct StreamOptions {
  bool include_usage = false;     // a last chunk with the usage
  bool continuous_usage = false;  // and in every chunk the usage so far
};

StreamOptions parse_stream_options(const ObjectReader& body, bool stream);

/// What the answer must match, by the fields of api/constraint_json.h. `text`: what `body` was parsed from.
void parse_answer_form(const ObjectReader& body, const std::string& text, ChatRequest& request);

/// How the layout of a conversation ends, by continue_final_message and add_generation_prompt.
PromptEnd parse_prompt_end(const ObjectReader& body);

/// Throws Error{kUnsupported} where `list` names tools and `choice` does not switch them off.
void refuse_tools(const ObjectReader& body, const char* list, const char* choice);

/// Throws Error{kUnsupported}: "`field` is not supported: `why`; allowed: `allowed`".
[[noreturn]] void refuse_field(const std::string& field, const std::string& why, const std::string& allowed);

}  // namespace spyhop
