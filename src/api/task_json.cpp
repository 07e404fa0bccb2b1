#include "api/task_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/json_text.h"

namespace spyhop {
namespace {

enum class Task { kChat, kLocate, kGroundedCaption, kOcr };

constexpr const char* kTaskNames = R"("chat", "locate", "grounded_caption" or "ocr")";

Task parse_task(const std::string& name) {
  if (name == "chat") return Task::kChat;
  if (name == "locate") return Task::kLocate;
  if (name == "grounded_caption") return Task::kGroundedCaption;
  if (name == "ocr") return Task::kOcr;
  reject("task", name, kTaskNames);
}

/// true, false, an object with some of its numbers, or absent.
void parse_loop_guard(const ObjectReader& body, ChatRequest& request) {
  nlohmann::json* field = body.find("loop_guard");
  if (field == nullptr) return;
  if (field->is_boolean()) {
    request.loop_guard.reset();
    if (field->get<bool>()) request.loop_guard = LoopGuard{};
    return;
  }
  if (!field->is_object()) {
    reject("loop_guard", *field, R"(true, false or an object with "max_period", "min_repeats" and "min_tokens")");
  }
  const ObjectReader reader(*field, "loop_guard");
  LoopGuard guard;
  guard.max_period = static_cast<int>(reader.integer("max_period", 1, 512).value_or(guard.max_period));
  guard.min_repeats = static_cast<int>(reader.integer("min_repeats", 2, 1000).value_or(guard.min_repeats));
  guard.min_tokens = static_cast<int>(reader.integer("min_tokens", 2, 100000).value_or(guard.min_tokens));
  request.loop_guard = guard;
}

bool has_image(const ChatMessage& message) {
  return std::any_of(message.content.begin(), message.content.end(),
                     [](const ContentPart& part) { return std::holds_alternative<ImagePart>(part); });
}

std::string text_of(const ChatMessage& message) {
  std::string text;
  for (const ContentPart& part : message.content) {
    if (const auto* piece = std::get_if<TextPart>(&part)) text += piece->text;
  }
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

void check_conversation(const ChatRequest& request, const std::string& task) {
  const std::string param = "messages";
  if (request.messages.empty() || request.messages.back().role != Role::kUser) {
    throw Error(ErrorCode::kInvalidRequest, "task \"" + task + "\" needs a last message of the user", param);
  }
  if (!std::any_of(request.messages.begin(), request.messages.end(), has_image)) {
    throw Error(ErrorCode::kInvalidRequest, "task \"" + task + "\" is about an image, and the messages hold none", param);
  }
}

/// The images of a message, each on a line of its own, then the text.
void set_text(ChatMessage& message, const std::string& text) {
  std::vector<ContentPart> content;
  for (ContentPart& part : message.content) {
    if (!std::holds_alternative<ImagePart>(part)) continue;
    content.push_back(std::move(part));
    content.emplace_back(TextPart{"\n"});
  }
  content.emplace_back(TextPart{text});
  message.content = std::move(content);
}

void refuse_tags(const std::string& text, const std::string& param) {
  for (const char* tag : {"<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>"}) {
    if (text.find(tag) == std::string::npos) continue;
    throw Error(ErrorCode::kInvalidRequest, param + " holds " + tag + ", which the task adds; allowed: plain text", param);
  }
}

std::string text_to_locate(const std::string& phrase, const std::string& param) {
  refuse_tags(phrase, param);
  if (phrase.empty()) throw Error(ErrorCode::kInvalidRequest, param + " says nothing; allowed: what is to be found", param);
  return "<|ref|>" + phrase + "<|/ref|>.";
}

std::string task_text(Task task, const std::string& text) {
  const std::string param = "messages";
  if (task == Task::kOcr) return text.empty() ? "Read the text." : text;
  if (task == Task::kLocate) return text_to_locate(text, param);
  refuse_tags(text, param);
  return "<|grounding|>" + (text.empty() ? "Describe the image." : text);
}

}  // namespace

TaskFields apply_task(const ObjectReader& body, ChatRequest& request) {
  const std::string name = body.string("task").value_or("chat");
  const Task task = parse_task(name);
  request.auto_detail = body.boolean("auto_detail").value_or(false);
  if (task == Task::kLocate || task == Task::kOcr) request.loop_guard = LoopGuard{};
  parse_loop_guard(body, request);
  if (task == Task::kChat) return {};

  check_conversation(request, name);
  const bool wants_boxes = task != Task::kOcr;
  if (wants_boxes && request.skip_special_tokens) {
    reject("skip_special_tokens", true, "false with a task whose answer holds boxes");
  }
  ChatMessage& last = request.messages.back();
  set_text(last, task_text(task, text_of(last)));
  if (task == Task::kLocate && !request.boxes && !request.constraint && body.boolean("constrain_boxes").value_or(true)) {
    request.boxes = BoxConstraint{};
    const std::optional<int64_t> max_boxes = body.integer("max_boxes", 1, 1000);
    if (max_boxes) request.boxes->max_boxes = static_cast<int>(*max_boxes);
  }
  return {wants_boxes};
}

void ask_to_locate(ChatRequest& request, const std::string& phrase, const std::string& param) {
  set_text(request.messages.back(), text_to_locate(phrase, param));
  request.boxes = BoxConstraint{};
  request.loop_guard = LoopGuard{};
}

}  // namespace spyhop
