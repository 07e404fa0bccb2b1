#include "api/grounding_call_json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "api/message_json.h"
#include "api/task_json.h"

namespace spyhop {
namespace {

struct NamedPhrase {
  std::string field;
  std::string text;
};

std::vector<NamedPhrase> parse_phrases(const ObjectReader& body) {
  const std::optional<std::string> only = body.string("phrase");
  std::vector<std::string> many = body.strings("phrases", kMaxPhrases, kMaxPhraseBytes);
  if (only.has_value() != many.empty()) {
    throw Error(ErrorCode::kInvalidRequest,
                std::string(only ? "phrase and phrases are both there" : "phrases is missing or empty") +
                    "; allowed: one \"phrase\", or 1 to " + std::to_string(kMaxPhrases) + " \"phrases\"",
                "phrases");
  }
  if (only && only->size() > kMaxPhraseBytes) {
    throw Error(ErrorCode::kInvalidRequest,
                "phrase has " + std::to_string(only->size()) + " bytes; allowed: 1 to " + std::to_string(kMaxPhraseBytes),
                "phrase");
  }
  if (only) return {{"phrase", *only}};
  std::vector<NamedPhrase> phrases;
  for (std::string& each : many) phrases.push_back({"phrases[" + std::to_string(phrases.size()) + "]", std::move(each)});
  return phrases;
}

/// What the requests for all phrases have in common.
ChatRequest parse_common(const RequestBody& body) {
  const ObjectReader& reader = body.reader();
  SamplingDefaults greedy;
  greedy.temperature = 0;
  ChatRequest request;
  request.model = body.model();
  request.sampling = parse_sampling(reader, greedy);
  request.auto_detail = reader.boolean("auto_detail").value_or(false);
  parse_service(reader, request);
  const std::optional<int64_t> max_tokens = reader.integer("max_tokens", 1, std::numeric_limits<int>::max());
  if (max_tokens) request.max_tokens = static_cast<int>(*max_tokens);
  request.messages = {{Role::kUser, {ImagePart{}}}};
  return request;
}

}  // namespace

GroundingCall parse_grounding_call(const RequestBody& body) {
  const ObjectReader& reader = body.reader();
  GroundingCall call;
  call.image = parse_image(reader, "image");
  const ChatRequest common = parse_common(body);
  const std::optional<int64_t> max_boxes = reader.integer("max_boxes", 1, 1000);
  for (NamedPhrase& phrase : parse_phrases(reader)) {
    call.requests.push_back(common);
    ask_to_locate(call.requests.back(), phrase.text, phrase.field);
    if (max_boxes) call.requests.back().boxes->max_boxes = static_cast<int>(*max_boxes);
    call.phrases.push_back(std::move(phrase.text));
  }
  return call;
}

void set_image(ChatRequest& request, const ImagePart& image) {
  for (ContentPart& part : request.messages.back().content) {
    if (std::holds_alternative<ImagePart>(part)) part = image;
  }
}

}  // namespace spyhop
