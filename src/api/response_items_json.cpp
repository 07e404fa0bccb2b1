#include "api/response_items_json.h"

#include <optional>
#include <string>
#include <utility>

#include "api/json_text.h"
#include "api/object_reader.h"
#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kParts = R"("input_text", "input_image", or "output_text" from the assistant)";

std::string at(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

Role parse_role(const ObjectReader& item) {
  constexpr const char* kRoles = R"("system", "developer", "user", "assistant")";
  const nlohmann::json* role = item.find("role");
  if (role == nullptr) reject(item.path_of("role"), nullptr, kRoles);
  if (*role == "system" || *role == "developer") return Role::kSystem;
  if (*role == "user") return Role::kUser;
  if (*role == "assistant") return Role::kAssistant;
  reject(item.path_of("role"), *role, kRoles);
}

ImageDetail parse_detail(const ObjectReader& part) {
  const nlohmann::json* detail = part.find("detail");
  if (detail == nullptr || *detail == "auto") return ImageDetail::kAuto;
  if (*detail == "low") return ImageDetail::kLow;
  if (*detail == "high") return ImageDetail::kHigh;
  reject(part.path_of("detail"), *detail, R"("auto", "low", "high")");
}

ImagePart parse_image(const ObjectReader& part) {
  if (part.find("file_id") != nullptr) {
    throw Error(ErrorCode::kUnsupported,
                part.path_of("file_id") + " is set, and this server keeps no files; allowed: image_url",
                part.path_of("file_id"));
  }
  const nlohmann::json* url = part.find("image_url");
  const bool is_named = url != nullptr && url->is_string() && !url->get_ref<const std::string&>().empty();
  if (!is_named)
    reject(part.path_of("image_url"), url == nullptr ? nlohmann::json() : *url, R"("data:..." or "http(s)://...")");
  ImagePart image;
  image.detail = parse_detail(part);
  image.url = *part.string("image_url");
  return image;
}

ContentPart parse_part(nlohmann::json& part, const std::string& path, Role role) {
  if (!part.is_object()) reject(path, part, "an object with \"type\"");
  const ObjectReader reader(part, path);
  const nlohmann::json* type = reader.find("type");
  if (type == nullptr || !type->is_string()) reject(reader.path_of("type"), type == nullptr ? nlohmann::json() : *type, kParts);
  if (*type == "input_image") return parse_image(reader);
  const bool is_answer = *type == "output_text" && role == Role::kAssistant;
  if (*type != "input_text" && !is_answer) {
    throw Error(ErrorCode::kUnsupported,
                path + " is a part of type " + describe_json(*type) + ", which the model cannot read; allowed: " + kParts,
                reader.path_of("type"));
  }
  std::optional<std::string> text = reader.string("text");
  if (!text) reject(reader.path_of("text"), nullptr, "a string");
  return TextPart{*std::move(text)};
}

ChatMessage parse_item(nlohmann::json& item, const std::string& path) {
  if (!item.is_object()) reject(path, item, R"(an object with "role" and "content")");
  const ObjectReader reader(item, path);
  const nlohmann::json* type = reader.find("type");
  if (type != nullptr && *type != "message") {
    throw Error(ErrorCode::kUnsupported,
                path + " is an item of type " + describe_json(*type) + ", which the model cannot read; allowed: \"message\"",
                reader.path_of("type"));
  }
  ChatMessage message;
  message.role = parse_role(reader);
  nlohmann::json* content = reader.find("content");
  const std::string content_path = reader.path_of("content");
  if (content == nullptr) reject(content_path, nullptr, "a string or an array of parts");
  if (content->is_string()) {
    message.content.emplace_back(TextPart{std::move(content->get_ref<std::string&>())});
    return message;
  }
  if (!content->is_array() || content->empty()) reject(content_path, *content, "a string or an array of at least one part");
  for (size_t i = 0; i < content->size(); ++i) {
    message.content.push_back(parse_part((*content)[i], at(content_path, i), message.role));
  }
  return message;
}

const char* role_name(Role role) {
  if (role == Role::kSystem) return "system";
  return role == Role::kUser ? "user" : "assistant";
}

const char* detail_name(ImageDetail detail) {
  if (detail == ImageDetail::kLow) return "low";
  return detail == ImageDetail::kHigh ? "high" : "auto";
}

Json part_json(const ContentPart& part, Role role) {
  if (const auto* image = std::get_if<ImagePart>(&part)) {
    return {{"type", "input_image"}, {"detail", detail_name(image->detail)}, {"file_id", nullptr}, {"image_url", image->url}};
  }
  const std::string& text = std::get<TextPart>(part).text;
  if (role != Role::kAssistant) return {{"type", "input_text"}, {"text", text}};
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}

}  // namespace

ResponseInput parse_response_input(nlohmann::json& input, int max_messages) {
  ResponseInput parsed;
  if (input.is_string()) {
    parsed.messages.push_back({Role::kUser, {TextPart{std::move(input.get_ref<std::string&>())}}});
  } else {
    if (!input.is_array() || input.empty() || input.size() > static_cast<size_t>(max_messages)) {
      reject("input", input, "a string, or an array of 1 to " + std::to_string(max_messages) + " messages");
    }
    for (size_t i = 0; i < input.size(); ++i) parsed.messages.push_back(parse_item(input[i], at("input", i)));
  }
  parsed.items = Json::array();
  for (const ChatMessage& message : parsed.messages) parsed.items.push_back(message_item(message));
  return parsed;
}

Json message_item(const ChatMessage& message, const char* status) {
  Json content = Json::array();
  for (const ContentPart& part : message.content) content.push_back(part_json(part, message.role));
  return {{"type", "message"}, {"status", status}, {"role", role_name(message.role)}, {"content", std::move(content)}};
}

}  // namespace spyhop
