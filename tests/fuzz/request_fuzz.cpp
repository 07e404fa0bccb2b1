// Bodies of requests. Whatever they hold, the parsers give a request or an Error that can be told the client.
#include <nlohmann/json.hpp>
#include <string>

#include "api/chat_request_json.h"
#include "api/completion_request_json.h"
#include "api/error_json.h"
#include "api/response_request_json.h"
#include "api/token_json.h"
#include "check.h"
#include "spyhop/error.h"

namespace {

using spyhop::Error;
using spyhop::ErrorCode;
using spyhop::RequestBody;
using spyhop::fuzz::check;

template <typename Parse>
void try_parse(const std::string& text, const spyhop::FieldTable& fields, const Parse& parse) {
  try {
    parse(RequestBody(text, fields));
  } catch (const Error& e) {
    const ErrorCode code = e.code();
    check(code == ErrorCode::kInvalidRequest || code == ErrorCode::kUnsupported || code == ErrorCode::kTooLarge,
          "what is wrong with a request is the client's fault");
    check(e.what()[0] != '\0', "an error has a message");
    check(nlohmann::json::accept(spyhop::error_body(e)), "an error's body is JSON");
  }
}

void check_request(const spyhop::ChatRequest& request) {
  const spyhop::SamplingParams& sampling = request.sampling;
  check(sampling.temperature >= 0 && sampling.temperature <= 2, "temperature is in its range");
  check(sampling.top_p > 0 && sampling.top_p <= 1, "top_p is in its range");
  check(sampling.top_k >= 0 && sampling.min_tokens >= 0, "counts are not negative");
  check(request.n >= 1 && request.n <= 128, "n is in its range");
  check(!request.max_tokens || *request.max_tokens >= 1, "max_tokens is in its range");
  for (const std::string& stop : request.stop) check(!stop.empty(), "stop strings are not empty");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_parse(text, spyhop::chat_fields(), [](const RequestBody& body) {
    const spyhop::ChatCompletionCall call = spyhop::parse_chat_request(body);
    check_request(call.request);
    check(!call.request.messages.empty(), "a conversation has a message");
  });
  try_parse(text, spyhop::completion_fields(), [](const RequestBody& body) {
    for (const spyhop::ChatRequest& request : spyhop::parse_completion_request(body).requests) check_request(request);
  });
  try_parse(text, spyhop::response_fields(), [](const RequestBody& body) {
    const spyhop::ResponseCall call = spyhop::parse_response_request(body);
    check_request(call.request);
    check(call.items.size() == call.input.size(), "each message is an item");
    static_cast<void>(spyhop::conversation_of(call, {}));
  });
  try_parse(text, spyhop::tokenize_fields(), [](const RequestBody& body) { spyhop::parse_tokenize_request(body); });
  try_parse(text, spyhop::detokenize_fields(), [](const RequestBody& body) { spyhop::parse_detokenize_request(body); });
  return 0;
}
