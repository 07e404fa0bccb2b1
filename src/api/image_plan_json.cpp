#include "api/image_plan_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "api/json_text.h"
#include "api/message_json.h"
#include "api/object_reader.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

int sum_tokens(const std::vector<ImageUse>& images) {
  int sum = 0;
  for (const ImageUse& image : images) sum += image.num_tokens;
  return sum;
}

/// What its sender can do about a prompt that leaves no room.
std::string advice(const ImagePlan& plan) {
  const auto tiled = [](const ImageUse& image) { return image.cols * image.rows > 1; };
  const auto most = std::max_element(plan.images.begin(), plan.images.end(),
                                     [](const ImageUse& a, const ImageUse& b) { return a.num_tokens < b.num_tokens; });
  if (most == plan.images.end()) return "shorten the text";
  if (!tiled(*most)) return "send fewer images or less text";
  return "set \"detail\": \"low\" for image " + std::to_string(most - plan.images.begin() + 1) + ", which takes " +
         std::to_string(most->num_tokens) + " tokens, or \"auto_detail\": true for the request";
}

/// [{"url", "detail"} or "url"] as the content of a message.
nlohmann::json content_of(nlohmann::json& images) {
  nlohmann::json content = nlohmann::json::array();
  if (!images.is_array() || images.empty()) reject("images", images, R"(a list of URLs, or of {"url", "detail"})");
  for (nlohmann::json& image : images) content.push_back({{"type", "image_url"}, {"image_url", std::move(image)}});
  return content;
}

}  // namespace

ChatRequest parse_image_plan_request(const std::string& body, int max_messages) {
  nlohmann::json json = parse_request_json(body);
  if (!json.is_object()) reject("the body", json, "a JSON object");
  const ObjectReader reader(json, "");
  nlohmann::json* images = reader.find("images");
  nlohmann::json* messages = reader.find("messages");
  if ((images == nullptr) == (messages == nullptr)) {
    throw Error(ErrorCode::kInvalidRequest, "the body needs either images or messages",
                images == nullptr ? "images" : "messages");
  }
  ChatRequest request;
  request.model = reader.string("model").value_or("");
  request.auto_detail = reader.boolean("auto_detail").value_or(false);
  const std::optional<int64_t> max_tokens = reader.integer("max_tokens", 1, std::numeric_limits<int>::max());
  if (max_tokens) request.max_tokens = static_cast<int>(*max_tokens);
  if (images != nullptr) {
    nlohmann::json only = nlohmann::json::array({{{"role", "user"}, {"content", content_of(*images)}}});
    request.messages = parse_messages(only, max_messages);
  } else {
    request.messages = parse_messages(*messages, max_messages);
  }
  return request;
}

nlohmann::ordered_json images_json(const std::vector<ImageUse>& images) {
  Json list = Json::array();
  for (const ImageUse& image : images) {
    list.push_back({{"width", image.width},
                    {"height", image.height},
                    {"tiles", {{"cols", image.cols}, {"rows", image.rows}}},
                    {"tokens", image.num_tokens},
                    {"lowered", image.is_lowered}});
  }
  return list;
}

nlohmann::ordered_json image_warnings(const std::vector<ImageUse>& images) {
  Json warnings = Json::array();
  if (images.size() > kMaxTiledImages) {
    warnings.push_back(std::to_string(images.size()) + " images: with more than " + std::to_string(kMaxTiledImages) +
                       " in a conversation the model sees each one coarsely, in one tile; ask about fine detail with fewer");
  }
  for (size_t i = 0; i < images.size(); ++i) {
    if (!images[i].is_lowered) continue;
    warnings.push_back("image " + std::to_string(i + 1) + " was tiled " + std::to_string(images[i].cols) + " x " +
                       std::to_string(images[i].rows) + ", less than its size stands for, to leave room in the context");
  }
  return warnings;
}

std::string image_plan_json(const ImagePlan& plan) {
  const int image_tokens = sum_tokens(plan.images);
  const int needed = plan.num_prompt_tokens + std::max(plan.max_tokens, 1);
  const bool fits = needed <= plan.max_context;
  Json images = images_json(plan.images);
  for (size_t i = 0; i < images.size(); ++i) images[i]["index"] = i;
  Json json{{"object", "images.plan"},
            {"model", plan.model},
            {"images", std::move(images)},
            {"image_tokens", image_tokens},
            {"text_tokens", plan.num_prompt_tokens - image_tokens},
            {"prompt_tokens", plan.num_prompt_tokens},
            {"context_length", plan.max_context},
            {"remaining_tokens", std::max(plan.max_context - plan.num_prompt_tokens, 0)},
            {"fits", fits},
            {"warnings", image_warnings(plan.images)}};
  if (!fits) json["advice"] = advice(plan);
  return to_text(json);
}

}  // namespace spyhop
