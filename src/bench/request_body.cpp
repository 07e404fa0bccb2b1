#include "bench/request_body.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/json_fields.h"

namespace spyhop {
namespace {

using nlohmann::json;

const char* const kExtraBodyFlag = "--extra-body";

}  // namespace

void check_request_options(const RequestOptions& options) {
  if (options.extra_body.empty()) return;
  const json extra = parse_json(options.extra_body, kExtraBodyFlag, ErrorCode::kInvalidRequest);
  if (extra.is_object()) return;
  throw Error(ErrorCode::kInvalidRequest,
              std::string(kExtraBodyFlag) + " = " + describe_json(extra) + "; allowed: a JSON object", kExtraBodyFlag);
}

json user_message(const std::string& text, const std::vector<std::string>& image_urls) {
  if (image_urls.empty()) return {{"role", "user"}, {"content", text}};
  json parts = json::array();
  for (const std::string& url : image_urls) parts.push_back({{"type", "image_url"}, {"image_url", {{"url", url}}}});
  parts.push_back({{"type", "text"}, {"text", text}});
  return {{"role", "user"}, {"content", std::move(parts)}};
}

std::shared_ptr<const std::string> make_body(const RequestOptions& options, json prompt, size_t max_tokens) {
  json body = {{"model", options.model},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}},
               {"temperature", options.temperature}};
  body[options.is_chat ? "messages" : "prompt"] = std::move(prompt);
  if (max_tokens > 0) body["max_tokens"] = max_tokens;
  if (options.ignore_eos) body["ignore_eos"] = true;
  if (!options.extra_body.empty()) body.update(json::parse(options.extra_body));
  return std::make_shared<const std::string>(body.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace spyhop
