// Conversations: each byte below 8 begins a message or an image, all others are text.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "prompt/byte_tokenizer.h"
#include "prompt/chat_template.h"
#include "spyhop/error.h"

namespace {

using spyhop::PromptEnd;
using spyhop::Role;
using spyhop::SpecialTokens;
using spyhop::TemplateMessage;
using spyhop::fuzz::check;

constexpr int kImageTokens = 3;

struct Conversation {
  std::vector<TemplateMessage> messages;
  int num_images = 0;
};

Conversation conversation_of(const uint8_t* data, size_t size) {
  Conversation conversation;
  std::vector<TemplateMessage>& messages = conversation.messages;
  for (size_t i = 0; i < size; ++i) {
    if (data[i] < 3) {
      messages.push_back({static_cast<Role>(data[i]), {}});
      continue;
    }
    if (messages.empty()) messages.push_back({Role::kUser, {}});
    std::vector<spyhop::TemplatePart>& parts = messages.back().parts;
    if (data[i] == 3 && conversation.num_images < 64) {
      parts.emplace_back(conversation.num_images++);
    } else if (data[i] == 4 || parts.empty() || !std::holds_alternative<std::string>(parts.back())) {
      parts.emplace_back(std::string(data[i] == 4 ? 0 : 1, static_cast<char>(data[i])));
    } else {
      std::get<std::string>(parts.back()) += static_cast<char>(data[i]);
    }
  }
  return conversation;
}

void encode(const Conversation& conversation, const spyhop::Tokenizer& tokenizer, SpecialTokens special, PromptEnd end) {
  const std::vector<int> image_tokens(static_cast<size_t>(conversation.num_images), kImageTokens);
  try {
    const spyhop::TemplateIds ids = spyhop::encode_conversation(conversation.messages, image_tokens, tokenizer, special, end);
    const auto num_image_ids = std::count(ids.token_ids.begin(), ids.token_ids.end(), tokenizer.special_ids().image);
    check(num_image_ids == conversation.num_images * kImageTokens, "the images' tokens are all there, and none besides");
    for (const int first : ids.first_image_token) check(first > 0, "every image has its place");
    check(ids.token_ids.front() == tokenizer.special_ids().bos, "a conversation begins a sentence");
    for (const int32_t id : ids.token_ids) check(id >= 0 && id < tokenizer.size(), "ids are tokens");
  } catch (const spyhop::Error& e) {
    check(e.code() == spyhop::ErrorCode::kInvalidRequest, "what is wrong with a conversation is the client's fault");
    check(!e.param().empty(), "the message to blame is named");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizer = spyhop::make_byte_tokenizer();
  const Conversation conversation = conversation_of(data, size);
  for (const SpecialTokens special : {SpecialTokens::kAll, SpecialTokens::kGrounding, SpecialTokens::kNone}) {
    for (const PromptEnd end : {PromptEnd::kNewAnswer, PromptEnd::kContinued, PromptEnd::kNone}) {
      encode(conversation, *tokenizer, special, end);
    }
  }
  return 0;
}
