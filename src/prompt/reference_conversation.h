// Conversations as the reference implementation takes them.
#pragma once

#include <string>
#include <vector>

#include "prompt/chat_template.h"

namespace spyhop {

/// A message whose images stand as "<image>" in its content.
struct ReferenceMessage {
  std::string role;  // "<|User|>", "user", "<|Assistant|>", "assistant", "system" or "deepseekapi-sys"
  std::string content;
  int num_images = 0;
};

/// The same conversation with images as parts. The images of all messages form one list, which the tags of user messages take
/// from in order; what is left of it is not used.
/// Throws Error{kInvalidRequest} where the reference fails: another role, a system message that is not the first, a last
/// message that is not the assistant's, a tag outside a user message, more tags than images.
/// Source: reference processing_deepseek_vl_v2.py, format_messages_v2 and process_one.
std::vector<TemplateMessage> parse_reference_conversation(const std::vector<ReferenceMessage>& messages);

}  // namespace spyhop
