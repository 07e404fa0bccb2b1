#include "api/message_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "api/json_text.h"
#include "api/object_reader.h"
#include "common/json_fields.h"

namespace spyhop {
namespace {

constexpr const char* kRoles = R"("system", "developer", "user", "assistant")";

std::string at(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

Role parse_role(const ObjectReader& message) {
  const nlohmann::json* role = message.find("role");
  if (role == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, message.path_of("role") + " is missing; allowed: " + kRoles,
                message.path_of("role"));
  }
  if (*role == "system" || *role == "developer") return Role::kSystem;
  if (*role == "user") return Role::kUser;
  if (*role == "assistant") return Role::kAssistant;
  if (*role == "tool" || *role == "function") {
    throw Error(
        ErrorCode::kUnsupported,
        message.path_of("role") + " is " + describe_json(*role) + ", and the model takes no tool results; allowed: " + kRoles,
        message.path_of("role"));
  }
  reject(message.path_of("role"), *role, kRoles);
}

ImageDetail parse_detail(const ObjectReader& image) {
  const nlohmann::json* detail = image.find("detail");
  if (detail == nullptr || *detail == "auto") return ImageDetail::kAuto;
  if (*detail == "low") return ImageDetail::kLow;
  if (*detail == "high") return ImageDetail::kHigh;
  reject(image.path_of("detail"), *detail, R"("auto", "low", "high")");
}

ContentPart parse_part(nlohmann::json& part, const std::string& path) {
  if (!part.is_object()) reject(path, part, R"(an object with "type": "text" or "image_url")");
  const ObjectReader reader(part, path);
  const nlohmann::json* type = reader.find("type");
  if (type == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, reader.path_of("type") + R"( is missing; allowed: "text", "image_url")",
                reader.path_of("type"));
  }
  if (*type == "image_url") return parse_image(reader, "image_url");
  if (*type != "text") {
    throw Error(
        ErrorCode::kUnsupported,
        path + " is a part of type " + describe_json(*type) + R"(, which the model cannot read; allowed: "text", "image_url")",
        reader.path_of("type"));
  }
  std::optional<std::string> text = reader.string("text");
  if (!text) {
    throw Error(ErrorCode::kInvalidRequest, reader.path_of("text") + " is missing; allowed: a string", reader.path_of("text"));
  }
  return TextPart{std::move(*text)};
}

std::vector<ContentPart> parse_content(const ObjectReader& message, Role role) {
  const std::string path = message.path_of("content");
  nlohmann::json* content = message.find("content");
  std::vector<ContentPart> parts;
  if (content == nullptr) {
    if (role == Role::kAssistant) return parts;
    throw Error(ErrorCode::kInvalidRequest, path + " is missing; allowed: a string or an array of parts", path);
  }
  if (content->is_string()) {
    parts.emplace_back(TextPart{std::move(content->get_ref<std::string&>())});
    return parts;
  }
  if (!content->is_array() || content->empty()) reject(path, *content, "a string or an array of at least one part");
  parts.reserve(content->size());
  for (size_t i = 0; i < content->size(); ++i) parts.push_back(parse_part((*content)[i], at(path, i)));
  return parts;
}

ChatMessage parse_message(nlohmann::json& message, const std::string& path) {
  if (!message.is_object()) reject(path, message, R"(an object with "role" and "content")");
  const ObjectReader reader(message, path);
  for (const char* key : {"tool_calls", "function_call"}) {
    const nlohmann::json* calls = reader.find(key);
    if (calls != nullptr && !calls->empty()) {
      throw Error(ErrorCode::kUnsupported, reader.path_of(key) + " is set, and the model has no tool format; allowed: null",
                  reader.path_of(key));
    }
  }
  ChatMessage parsed;
  parsed.role = parse_role(reader);
  parsed.content = parse_content(reader, parsed.role);
  return parsed;
}

}  // namespace

ImagePart parse_image(const ObjectReader& object, const char* key) {
  const std::string path = object.path_of(key);
  nlohmann::json* image_url = object.find(key);
  if (image_url == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, path + R"( is missing; allowed: {"url": "data:..." or "http(s)://..."})", path);
  }
  ImagePart image;
  if (image_url->is_string()) {
    image.url = std::move(image_url->get_ref<std::string&>());
  } else if (image_url->is_object()) {
    const ObjectReader reader(*image_url, path);
    image.url = reader.string("url").value_or("");
    image.detail = parse_detail(reader);
  } else {
    reject(path, *image_url, R"({"url": "..."} or a string)");
  }
  if (image.url.empty()) {
    throw Error(ErrorCode::kInvalidRequest, path + R"( has no url; allowed: "data:..." or "http(s)://...")", path);
  }
  return image;
}

std::vector<ChatMessage> parse_messages(nlohmann::json& messages, int max_messages) {
  const std::string allowed = "an array of 1 to " + std::to_string(max_messages) + " messages";
  if (!messages.is_array() || messages.empty() || messages.size() > static_cast<size_t>(max_messages)) {
    reject("messages", messages, allowed);
  }
  std::vector<ChatMessage> parsed;
  parsed.reserve(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) parsed.push_back(parse_message(messages[i], at("messages", i)));
  return parsed;
}

}  // namespace spyhop
