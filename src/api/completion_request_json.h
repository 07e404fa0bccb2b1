// POST /v1/completions: the body.
#pragma once

#include <vector>

#include "api/generation_json.h"
#include "api/request_body.h"
#include "spyhop/chat.h"

namespace spyhop {

/// A request per prompt, and how the answers are to be delivered.
struct CompletionCall {
  std::vector<ChatRequest> requests;  // equal but for their prompts; request_id and model are empty where the body names none
  bool stream = false;
  StreamOptions stream_options;  // only with stream
  bool include_metrics = false;
  bool echo = false;  // each text begins with its prompt
};

/// Reads and checks `body`, made with completion_fields(). An answer has 16 tokens unless max_tokens says more. All answers
/// together are limited as those of one prompt. Throws Error as parse_chat_request().
CompletionCall parse_completion_request(const RequestBody& body, const ChatRequestLimits& limits = {});

}  // namespace spyhop
