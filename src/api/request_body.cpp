#include "api/request_body.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "api/json_text.h"
#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

nlohmann::json parse_object(const std::string& text) {
  if (text.empty()) throw Error(ErrorCode::kInvalidRequest, "the body is empty; allowed: a JSON object");
  nlohmann::json json = parse_request_json(text);
  if (!json.is_object()) {
    throw Error(ErrorCode::kInvalidRequest, "the body is " + describe_json(json) + "; allowed: a JSON object");
  }
  return json;
}

bool is_harmless(const nlohmann::json& value, const RequestField& field) {
  if (value.is_null()) return true;
  std::istringstream harmless(field.harmless);
  for (std::string each; harmless >> each;) {
    if (value == nlohmann::json::parse(each)) return true;
  }
  return false;
}

void refuse_fields(const nlohmann::json& object, const FieldTable& table) {
  for (const auto& entry : object.items()) {
    const RequestField* field = table.find(entry.key());
    if (field == nullptr || field->use != FieldUse::kRefused || is_harmless(entry.value(), *field)) continue;
    std::string allowed = "null";
    std::istringstream harmless(field->harmless);
    for (std::string each; harmless >> each;) allowed += ", " + each;
    throw Error(ErrorCode::kUnsupported, entry.key() + " is not supported: " + field->why + "; allowed: " + allowed,
                field->name);
  }
}

}  // namespace

RequestBody::RequestBody(std::string text, const FieldTable& fields)
    : text_(std::move(text)), json_(parse_object(text_)), reader_(json_, "", &fields) {
  refuse_fields(json_, fields);
  model_ = reader_.string("model").value_or("");
}

}  // namespace spyhop
