// The conversation layout of DeepSeek-VL2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "prompt/tokenizer.h"
#include "spyhop/chat.h"

namespace spyhop {

/// Content of a message with images as places: a text, or the index of an image in the conversation.
using TemplatePart = std::variant<std::string, int>;

struct TemplateMessage {
  Role role = Role::kUser;
  std::vector<TemplatePart> parts;
};

/// Token ids with one run of `special_ids().image` per image.
struct TemplateIds {
  std::vector<int32_t> token_ids;
  std::vector<int> first_image_token;  // per image: index in token_ids
};

/// Python's str.strip for UTF-8.
std::string_view strip(std::string_view text);

/// Encodes a conversation; `image_tokens[i]` is the number of tokens of image i. By default as the reference does it: after a
/// user message its "<|Assistant|>:" is the end, and a last assistant message is left open.
/// Throws Error{kInvalidRequest}: no message, a system message that is not the first, an image outside a user message.
/// Source: reference processing_deepseek_vl_v2.py, format_messages_v2 and process_one.
TemplateIds encode_conversation(const std::vector<TemplateMessage>& messages, const std::vector<int>& image_tokens,
                                const Tokenizer& tokenizer, SpecialTokens special, PromptEnd end = PromptEnd::kContinued);

}  // namespace spyhop
