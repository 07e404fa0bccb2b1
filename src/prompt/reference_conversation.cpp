#include "prompt/reference_conversation.h"

#include <string_view>

#include "prompt/special_tokens.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

[[noreturn]] void reject(size_t message, const std::string& what) {
  const std::string param = "messages[" + std::to_string(message) + "]";
  throw Error(ErrorCode::kInvalidRequest, param + what, param);
}

Role parse_role(const std::string& role, size_t index) {
  if (role == "<|User|>" || role == "user") return Role::kUser;
  if (role == "<|Assistant|>" || role == "assistant") return Role::kAssistant;
  if (role == "system" || role == "deepseekapi-sys") return Role::kSystem;
  reject(index, ".role is \"" + role +
                    "\"; allowed: \"<|User|>\", \"user\", \"<|Assistant|>\", \"assistant\", \"system\", \"deepseekapi-sys\"");
}

/// Cuts a content at its tags; image numbers go up from `first_image`.
std::vector<TemplatePart> split_content(std::string_view content, int first_image) {
  std::vector<TemplatePart> parts;
  int image = first_image;
  for (size_t tag = content.find(kImageToken); tag != std::string_view::npos; tag = content.find(kImageToken)) {
    parts.emplace_back(std::string(content.substr(0, tag)));
    parts.emplace_back(image++);
    content.remove_prefix(tag + kImageToken.size());
  }
  parts.emplace_back(std::string(content));
  return parts;
}

}  // namespace

std::vector<TemplateMessage> parse_reference_conversation(const std::vector<ReferenceMessage>& messages) {
  if (messages.empty()) throw Error(ErrorCode::kInvalidRequest, "messages is empty; allowed: at least one message", "messages");
  int num_images = 0;
  for (const ReferenceMessage& message : messages) num_images += message.num_images;
  std::vector<TemplateMessage> result;
  int image = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    const Role role = parse_role(messages[i].role, i);
    if (role == Role::kSystem && i > 0) reject(i, " is a system message; allowed: only as the first message");
    TemplateMessage message{role, split_content(messages[i].content, image)};
    const int num_tags = static_cast<int>(message.parts.size() / 2);
    if (num_tags > 0 && role != Role::kUser) reject(i, ".content holds \"<image>\"; allowed: only in user messages");
    image += num_tags;
    if (image > num_images) {
      reject(i, ".content holds the tag of image " + std::to_string(image) + "; there are " + std::to_string(num_images));
    }
    result.push_back(std::move(message));
  }
  if (result.back().role != Role::kAssistant) {
    reject(messages.size() - 1, ".role is \"" + messages.back().role + "\"; the last message must be the assistant's");
  }
  return result;
}

}  // namespace spyhop
