// The "messages" field of a chat request.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "api/object_reader.h"
#include "spyhop/chat.h"

namespace spyhop {

/// Reads `messages` (path "messages"), moving texts and URLs out of it. Roles: system, developer (taken as system), user,
/// assistant. Content: a string, or parts of type text and image_url; null only from the assistant.
/// Throws Error{kInvalidRequest} or Error{kUnsupported} with the path of the part to blame.
std::vector<ChatMessage> parse_messages(nlohmann::json& messages, int max_messages);

/// An image as the field `key` of an object has it: a URL, or an object of "url" and "detail". Throws as parse_messages().
ImagePart parse_image(const ObjectReader& object, const char* key);

}  // namespace spyhop
