// POST /v1/chat/completions: the body.
#pragma once

#include <string>

#include "api/generation_json.h"
#include "api/request_body.h"
#include "spyhop/chat.h"

namespace spyhop {

/// A request and how its answer is to be delivered.
struct ChatCompletionCall {
  ChatRequest request;  // request_id and model are empty where the body names none
  bool stream = false;
  StreamOptions stream_options;  // only with stream
  bool include_metrics = false;  // timings with the answer, or in a stream's last chunk
  bool wants_boxes = false;      // the answer is parsed for boxes even where it holds none
};

/// Reads and checks `body`, made with chat_fields(). Known fields are held to their type and range, null counts as absent,
/// unknown fields and those without a meaning here are ignored.
/// Throws Error{kInvalidRequest}, Error{kUnsupported} or Error{kTooLarge} with the path of the field as param.
ChatCompletionCall parse_chat_request(const RequestBody& body, const ChatRequestLimits& limits = {});

/// The same for a text.
inline ChatCompletionCall parse_chat_request(const std::string& body, const ChatRequestLimits& limits = {}) {
  return parse_chat_request(RequestBody(body, chat_fields()), limits);
}

}  // namespace spyhop
