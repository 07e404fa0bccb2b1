// The "messages" field of a chat request.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// Reads `messages` (path "messages"), moving texts and URLs out of it. Roles: system, developer (taken as system), user,
/// assistant. Content: a string, or parts of type text and image_url; null only from the assistant.
/// Throws Error{kInvalidRequest} or Error{kUnsupported} with the path of the part to blame.
std::vector<ChatMessage> parse_messages(nlohmann::json& messages, int max_messages);

}  // namespace spyhop
