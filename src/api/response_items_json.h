// The "input" of a request to /v1/responses.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

struct ResponseInput {
  std::vector<ChatMessage> messages;
  nlohmann::ordered_json items;  // as GET /v1/responses/{id}/input_items lists them, without ids
};

/// Reads a string, or an array of messages with the parts input_text, input_image and, from the assistant, output_text. Moves
/// texts out of `input`. Throws Error{kInvalidRequest} or Error{kUnsupported} with the path of the item to blame.
ResponseInput parse_response_input(nlohmann::json& input, int max_messages);

/// A message as an item without an id. `status`: "completed", "in_progress" or "incomplete".
nlohmann::ordered_json message_item(const ChatMessage& message, const char* status = "completed");

}  // namespace spyhop
