#include "api/token_json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "api/json_text.h"
#include "api/message_json.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxTokens = 131072;  // of /detokenize

}  // namespace

TokenizeCall parse_tokenize_request(const RequestBody& body, const ChatRequestLimits& limits) {
  const ObjectReader& reader = body.reader();
  TokenizeCall call;
  call.request.model = body.model();
  call.with_tokens = reader.boolean("return_token_strs").value_or(false);
  const bool special = reader.boolean("add_special_tokens").value_or(true);
  call.request.prompt_end = parse_prompt_end(reader);
  nlohmann::json* messages = reader.find("messages");
  std::optional<std::string> prompt = reader.string("prompt");
  if ((messages == nullptr) == !prompt) {
    throw Error(ErrorCode::kInvalidRequest, "the body needs either a prompt or messages; allowed: one of the two", "prompt");
  }
  if (messages != nullptr) {
    call.request.messages = parse_messages(*messages, limits.max_messages);
  } else {
    call.request.prompt = PlainPrompt{*std::move(prompt), special};
  }
  return call;
}

std::vector<int32_t> parse_detokenize_request(const RequestBody& body) {
  if (body.reader().find("tokens") == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, "tokens is missing; allowed: an array of token ids", "tokens");
  }
  return body.reader().integers("tokens", {0, std::numeric_limits<int32_t>::max()}, kMaxTokens);
}

std::string tokenize_json(const PromptTokens& prompt, const ModelInfo& model, bool with_tokens) {
  return to_text({{"count", prompt.ids.size()},
                  {"max_model_len", model.max_context},
                  {"tokens", prompt.ids},
                  {"token_strs", with_tokens ? Json(prompt.tokens) : Json()},
                  {"image_tokens", prompt.num_image_tokens}});
}

std::string detokenize_json(const std::string& text) {
  return to_text({{"prompt", text}});
}

std::string input_tokens_json(const PromptTokens& prompt) {
  const int num_tokens = static_cast<int>(prompt.ids.size());
  return to_text({{"object", "response.input_tokens"},
                  {"input_tokens", num_tokens},
                  {"input_tokens_details",
                   {{"text_tokens", num_tokens - prompt.num_image_tokens}, {"image_tokens", prompt.num_image_tokens}}}});
}

}  // namespace spyhop
