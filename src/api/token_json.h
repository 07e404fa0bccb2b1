// POST /tokenize, /detokenize and the routes that count tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/generation_json.h"
#include "api/request_body.h"
#include "spyhop/engine.h"

namespace spyhop {

struct TokenizeCall {
  ChatRequest request;  // a plain prompt or messages; model is empty where the body names none
  bool with_tokens = false;
};

/// Reads `body`, made with tokenize_fields(): a "prompt" or "messages", as vLLM has it. Throws Error as parse_chat_request().
TokenizeCall parse_tokenize_request(const RequestBody& body, const ChatRequestLimits& limits = {});

/// Reads the "tokens" of `body`, made with detokenize_fields().
std::vector<int32_t> parse_detokenize_request(const RequestBody& body);

/// {count, max_model_len, tokens, token_strs, image_tokens}.
std::string tokenize_json(const PromptTokens& prompt, const ModelInfo& model, bool with_tokens);

/// {prompt}.
std::string detokenize_json(const std::string& text);

/// {object, input_tokens, input_tokens_details}.
std::string input_tokens_json(const PromptTokens& prompt);

}  // namespace spyhop
