#include "prompt/chat_template.h"

#include <algorithm>

#include "prompt/special_tokens.h"
#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

[[noreturn]] void reject(size_t message, const std::string& what) {
  const std::string param = "messages[" + std::to_string(message) + "]";
  throw Error(ErrorCode::kInvalidRequest, param + " " + what, param);
}

/// The characters that Python's str.isspace holds for white space.
bool is_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = next_utf8(text);
    if (step.kind != Utf8Step::Kind::kCharacter || !is_space(decode_utf8(text.data()))) break;
    text.remove_prefix(static_cast<size_t>(step.length));
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (text[begin] & 0xC0) == 0x80) --begin;
    const std::string_view last = text.substr(begin);
    const Utf8Step step = next_utf8(last);
    if (step.kind != Utf8Step::Kind::kCharacter || static_cast<size_t>(step.length) != last.size()) break;
    if (!is_space(decode_utf8(last.data()))) break;
    text.remove_suffix(last.size());
  }
  return text;
}

/// A message's content, stripped as one text in which images are no white space: a text before the first image, and each
/// image with the text after it.
struct StrippedContent {
  struct ImageAndText {
    int image;
    std::string text;
  };
  std::string text;
  std::vector<ImageAndText> images;

  bool empty() const { return text.empty() && images.empty(); }
  std::string& last_text() { return images.empty() ? text : images.back().text; }
};

StrippedContent strip_content(const std::vector<TemplatePart>& parts) {
  StrippedContent content;
  for (const TemplatePart& part : parts) {
    if (const auto* text = std::get_if<std::string>(&part)) {
      content.last_text() += *text;
    } else {
      content.images.push_back({std::get<int>(part), {}});
    }
  }
  content.text = strip_left(content.text);
  content.last_text() = strip_right(content.last_text());
  return content;
}

/// Builds the ids of one conversation, message by message.
class TemplateEncoder {
 public:
  TemplateEncoder(const std::vector<int>& image_tokens, const Tokenizer& tokenizer, SpecialTokens special)
      : image_tokens_(image_tokens), tokenizer_(tokenizer), special_(special) {
    result_.first_image_token.assign(image_tokens.size(), -1);
    add_id(tokenizer.special_ids().bos);
  }

  /// `after`: plain text of the template that is encoded together with the last text.
  void add_content(const StrippedContent& content, const std::string& before, const std::string& after) {
    add_text(before + content.text + (content.images.empty() ? after : ""));
    for (size_t i = 0; i < content.images.size(); ++i) {
      add_image(content.images[i].image);
      add_text(content.images[i].text + (i + 1 == content.images.size() ? after : ""));
    }
  }

  void add_user(const StrippedContent& content) {
    add_id(tokenizer_.special_ids().user);
    if (content.empty()) {
      add_text(":");
    } else {
      add_content(content, ": ", "\n\n");
    }
  }

  void invite_answer() {
    add_id(tokenizer_.special_ids().assistant);
    add_text(":");
  }

  void add_id(int32_t id) { result_.token_ids.push_back(id); }

  TemplateIds take() { return std::move(result_); }

 private:
  void add_text(const std::string& text) {
    const std::vector<int32_t> ids = tokenizer_.encode(text, special_);
    result_.token_ids.insert(result_.token_ids.end(), ids.begin(), ids.end());
  }

  void add_image(int image) {
    result_.first_image_token.at(static_cast<size_t>(image)) = static_cast<int>(result_.token_ids.size());
    const auto count = static_cast<size_t>(image_tokens_.at(static_cast<size_t>(image)));
    result_.token_ids.insert(result_.token_ids.end(), count, tokenizer_.special_ids().image);
  }

  const std::vector<int>& image_tokens_;
  const Tokenizer& tokenizer_;
  SpecialTokens special_;
  TemplateIds result_;
};

/// With every special token live, an image's placeholder in a text would stand for an image that is not there.
bool holds_image_token(const StrippedContent& content) {
  const auto in = [](const std::string& text) { return text.find(kImageToken) != std::string::npos; };
  return in(content.text) ||
         std::any_of(content.images.begin(), content.images.end(), [&](const auto& image) { return in(image.text); });
}

void check_message(const TemplateMessage& message, const StrippedContent& content, size_t index) {
  if (message.role == Role::kSystem && index > 0) reject(index, "is a system message; allowed: only as the first message");
  if (message.role != Role::kUser && !content.images.empty()) reject(index, "holds an image; allowed: only in user messages");
}

}  // namespace

std::string_view strip(std::string_view text) {
  return strip_right(strip_left(text));
}

TemplateIds encode_conversation(const std::vector<TemplateMessage>& messages, const std::vector<int>& image_tokens,
                                const Tokenizer& tokenizer, SpecialTokens special, PromptEnd end) {
  if (messages.empty()) throw Error(ErrorCode::kInvalidRequest, "messages is empty; allowed: at least one message", "messages");
  TemplateEncoder encoder(image_tokens, tokenizer, special);
  for (size_t i = 0; i < messages.size(); ++i) {
    const StrippedContent content = strip_content(messages[i].parts);
    check_message(messages[i], content, i);
    if (special == SpecialTokens::kAll && holds_image_token(content)) {
      reject(i, "holds the text \"<image>\"; allowed: images as parts of their own");
    }
    const bool is_last = i + 1 == messages.size();
    if (messages[i].role == Role::kUser) {
      encoder.add_user(content);
      if (!is_last || end != PromptEnd::kNone) encoder.invite_answer();
      continue;
    }
    encoder.add_content(content, "", "");
    const bool is_open = is_last && (end == PromptEnd::kContinued || content.empty());
    if (messages[i].role == Role::kAssistant && !is_open) encoder.add_id(tokenizer.special_ids().eos);
    if (is_last && !is_open && end == PromptEnd::kNewAnswer) encoder.invite_answer();
  }
  return encoder.take();
}

}  // namespace spyhop
