// POST /v1/chat/completions: the body.
#pragma once

#include <string>

#include "spyhop/chat.h"

namespace spyhop {

struct ChatRequestLimits {
  int max_messages = 1024;
  int max_n = 128;
  int max_stops = 16;         // stop strings
  int max_stop_bytes = 256;   // of each
  int max_logit_bias = 4096;  // entries
};

/// A request and how its answer is to be delivered.
struct ChatCompletionCall {
  ChatRequest request;  // request_id is left empty, model is empty when the body names none
  bool stream = false;
  bool include_usage = false;    // a last chunk with the usage; only with stream
  bool wants_boxes = false;      // "grounding" in the answer even where there is none
  bool include_metrics = false;  // timings with the answer, or in a stream's last chunk
};

/// Reads and checks `body`. Known fields are held to their type and range, null counts as absent, unknown fields and those
/// without a meaning here (user, metadata, store, service_tier, ...) are ignored. Fields whose being ignored would change
/// what the caller gets (tools, audio) are refused.
/// Throws Error{kInvalidRequest}, Error{kUnsupported} or Error{kTooLarge} with the path of the field as param.
ChatCompletionCall parse_chat_request(const std::string& body, const ChatRequestLimits& limits = {});

}  // namespace spyhop
