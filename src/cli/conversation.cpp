#include "cli/conversation.h"

#include <utility>

#include "cli/server_answers.h"
#include "common/encoding.h"
#include "common/file.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxImageBytes = size_t{20} << 20;

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

std::string image_type(const std::string& bytes) {
  if (begins_with(bytes, "\x89PNG")) return "image/png";
  if (begins_with(bytes, "\xff\xd8\xff")) return "image/jpeg";
  if (begins_with(bytes, "GIF8")) return "image/gif";
  if (begins_with(bytes, "BM")) return "image/bmp";
  if (begins_with(bytes, "RIFF") && bytes.compare(8, 4, "WEBP") == 0) return "image/webp";
  return "";
}

ordered_json base_body(const ConversationOptions& options) {
  ordered_json body;
  if (!options.model_uid.empty()) body["model"] = options.model_uid;
  body["max_tokens"] = options.max_tokens;
  if (options.temperature >= 0) body["temperature"] = options.temperature;
  body["stream"] = options.is_streamed;
  if (options.is_streamed) body["stream_options"] = {{"include_usage", true}};
  return body;
}

/// Where a choice has its text: "delta" and "message" of a chat, "text" of a completion.
std::string text_of(const ordered_json& choice) {
  for (const char* key : {"delta", "message"}) {
    if (!choice.contains(key)) continue;
    const ordered_json& part = choice[key];
    return part.contains("content") && part["content"].is_string() ? part["content"].get<std::string>() : "";
  }
  return choice.contains("text") && choice["text"].is_string() ? choice["text"].get<std::string>() : "";
}

void add_answer(Reply& reply, const ordered_json& answer, std::string& text) {
  if (answer.contains("usage") && answer["usage"].is_object()) reply.usage = answer["usage"];
  if (!answer.contains("choices") || !answer["choices"].is_array() || answer["choices"].empty()) return;
  const ordered_json& choice = answer["choices"].front();
  text = text_of(choice);
  reply.text += text;
  if (choice.contains("finish_reason") && choice["finish_reason"].is_string()) reply.finish_reason = choice["finish_reason"];
}

Reply ask(const ApiClient& client, const std::string& path, const ordered_json& body, const Conversation::OnText& on_text) {
  Reply reply;
  std::string text;
  const auto replace = ordered_json::error_handler_t::replace;
  const std::string request = body.dump(-1, ' ', false, replace);
  if (!body["stream"].get<bool>()) {
    add_answer(reply, parse_answer(client, client.post(path, request)), text);
    on_text(text);
    return reply;
  }
  client.stream(path, request, [&](const std::string& data) {
    const ordered_json event = parse_answer(client, data);
    if (event.contains("error")) {
      const ordered_json& error = event["error"];
      throw Error(ErrorCode::kUnavailable,
                  error.is_object() && error.contains("message") ? error["message"].dump() : error.dump());
    }
    text.clear();
    add_answer(reply, event, text);
    return text.empty() || on_text(text);
  });
  return reply;
}

}  // namespace

std::string image_url_of(const std::string& file_or_url) {
  for (const char* scheme : {"http://", "https://", "data:"}) {
    if (begins_with(file_or_url, scheme)) return file_or_url;
  }
  const std::string bytes = read_text_file(file_or_url, kMaxImageBytes, ErrorCode::kInvalidRequest);
  const std::string type = image_type(bytes);
  if (type.empty()) {
    throw Error(ErrorCode::kInvalidRequest, in_quotes(file_or_url) + " is no image; allowed: PNG, JPEG, WebP, GIF, BMP",
                "image");
  }
  return "data:" + type + ";base64," + base64_encode(bytes);
}

Conversation::Conversation(const ApiClient& client, ConversationOptions options)
    : client_(client), options_(std::move(options)) {
  clear();
}

void Conversation::clear() {
  images_ = ordered_json::array();
  messages_ = ordered_json::array();
  if (!options_.system.empty()) messages_.push_back({{"role", "system"}, {"content", options_.system}});
}

void Conversation::attach(const std::string& file_or_url) {
  images_.push_back({{"type", "image_url"}, {"image_url", {{"url", image_url_of(file_or_url)}}}});
}

Reply Conversation::say(const std::string& text, const OnText& on_text) {
  ordered_json content = text;
  if (!images_.empty()) {
    content = images_;
    content.push_back({{"type", "text"}, {"text", text}});
  }
  ordered_json messages = messages_;
  messages.push_back({{"role", "user"}, {"content", std::move(content)}});
  ordered_json body = base_body(options_);
  body["messages"] = messages;
  Reply reply = ask(client_, "/v1/chat/completions", body, on_text);
  messages.push_back({{"role", "assistant"}, {"content", reply.text}});
  messages_ = std::move(messages);
  images_ = ordered_json::array();
  return reply;
}

Reply complete_text(const ApiClient& client, const ConversationOptions& options, const std::string& prompt,
                    const Conversation::OnText& on_text) {
  ordered_json body = base_body(options);
  body["prompt"] = prompt;
  return ask(client, "/v1/completions", body, on_text);
}

}  // namespace spyhop
