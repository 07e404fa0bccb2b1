#include "api/constraint_json.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "api/json_text.h"
#include "common/json_fields.h"

namespace spyhop {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kMaxBoxes = 1000;

std::string joined(const std::vector<std::string>& path) {
  std::string result;
  for (const std::string& key : path) result += (result.empty() ? "" : ".") + key;
  return result;
}

/// The value at a place of the text that is known to be there, with its keys in the order of the text. Nothing else is kept.
ordered_json in_order(std::string_view text, const std::vector<std::string>& path) {
  const auto is_wanted = [&](int depth, ordered_json::parse_event_t event, ordered_json& parsed) {
    const auto level = static_cast<size_t>(depth);
    if (event != ordered_json::parse_event_t::key || level == 0 || level > path.size()) return true;
    return parsed == path[level - 1];
  };
  const ordered_json body = ordered_json::parse(text, is_wanted);
  const ordered_json* value = &body;
  for (const std::string& key : path) value = &value->at(key);
  return *value;
}

JsonSchemaConstraint parse_schema(const json& schema, const std::vector<std::string>& path, std::string_view text) {
  if (schema.is_string()) return {schema.get<std::string>()};  // JSON in JSON, as vLLM takes it
  if (!schema.is_object() && !schema.is_boolean()) reject(joined(path), schema, "a JSON schema");
  return {to_text(in_order(text, path))};
}

std::string parse_string(const json& value, const std::string& field) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) reject(field, value, "a string that is not empty");
  return value.get<std::string>();
}

ChoiceConstraint parse_choices(const json& value, const std::string& field) {
  if (!value.is_array()) reject(field, value, "an array of strings");
  ChoiceConstraint constraint;
  for (size_t i = 0; i < value.size(); ++i) {
    constraint.choices.push_back(parse_string(value[i], field + "[" + std::to_string(i) + "]"));
  }
  return constraint;
}

/// One of vLLM's five ways.
std::optional<AnswerConstraint> parse_kind(const std::string& kind, const json& value, const std::vector<std::string>& path,
                                           std::string_view text) {
  const std::string field = joined(path);
  if (kind == "json") return parse_schema(value, path, text);
  if (kind == "regex") return RegexConstraint{parse_string(value, field)};
  if (kind == "choice") return parse_choices(value, field);
  if (kind == "grammar") return GrammarConstraint{parse_string(value, field)};
  if (!value.is_boolean()) reject(field, value, "true or false");
  if (value == true) return JsonObjectConstraint{};
  return std::nullopt;
}

/// Collects constraints, of which there may be one.
class Constraints {
 public:
  void add(std::optional<AnswerConstraint> constraint, const std::string& field) {
    if (!constraint) return;
    if (found_.constraint) {
      throw Error(ErrorCode::kInvalidRequest,
                  found_.field + " and " + field + " both constrain the answer; allowed: one of them", field);
    }
    found_.constraint = std::move(constraint);
    found_.field = field;
  }

  ConstraintFields take() { return std::move(found_); }

 private:
  ConstraintFields found_;
};

void add_structured_outputs(const ObjectReader& body, std::string_view text, Constraints& constraints) {
  const json* outputs = body.find("structured_outputs");
  if (outputs == nullptr) return;
  if (!outputs->is_object())
    reject("structured_outputs", *outputs, "an object with json, json_object, regex, choice or grammar");
  for (const auto& [key, value] : outputs->items()) {
    if (value.is_null()) continue;
    const std::string field = "structured_outputs." + key;
    if (key == "structural_tag") {
      throw Error(ErrorCode::kUnsupported, field + " is not supported; allowed: json, json_object, regex, choice, grammar",
                  field);
    }
    if (key != "json" && key != "json_object" && key != "regex" && key != "choice" && key != "grammar") continue;
    constraints.add(parse_kind(key, value, {"structured_outputs", key}, text), field);
  }
}

std::optional<BoxConstraint> parse_boxes(const ObjectReader& body) {
  BoxConstraint boxes;
  const auto max_boxes = body.integer("max_boxes", 1, kMaxBoxes);
  if (max_boxes) boxes.max_boxes = static_cast<int>(*max_boxes);
  if (body.boolean("constrain_boxes").value_or(false)) return boxes;
  return std::nullopt;
}

}  // namespace

std::optional<AnswerConstraint> parse_text_format(const json& format, const std::vector<std::string>& path,
                                                  std::string_view text) {
  const std::string field = joined(path);
  constexpr const char* kAllowed = R"({"type": "text"}, {"type": "json_object"} or {"type": "json_schema", ...})";
  if (!format.is_object()) reject(field, format, kAllowed);
  const json type = format.value("type", json());
  if (type == "text") return std::nullopt;
  if (type == "json_object") return JsonObjectConstraint{};
  if (type != "json_schema") reject(field + ".type", type, R"("text", "json_object" or "json_schema")");
  std::vector<std::string> place = path;
  const json* holder = &format;
  if (format.contains("json_schema")) {
    holder = &format["json_schema"];
    place.push_back("json_schema");
  }
  if (!holder->is_object() || !holder->contains("schema")) {
    throw Error(ErrorCode::kInvalidRequest, joined(place) + " has no schema; allowed: an object with name and schema",
                joined(place));
  }
  place.push_back("schema");
  return parse_schema((*holder)["schema"], place, text);
}

ConstraintFields parse_constraint(const ObjectReader& body, std::string_view text) {
  Constraints constraints;
  const json* format = body.find("response_format");
  if (format != nullptr) constraints.add(parse_text_format(*format, {"response_format"}, text), "response_format");
  add_structured_outputs(body, text, constraints);
  for (const char* kind : {"json", "regex", "choice", "grammar"}) {
    const std::string field = std::string("guided_") + kind;
    const json* value = body.find(field.c_str());
    if (value != nullptr) constraints.add(parse_kind(kind, *value, {field}, text), field);
  }
  if (const json* grammar = body.find("grammar"))
    constraints.add(parse_kind("grammar", *grammar, {"grammar"}, text), "grammar");
  if (const json* schema = body.find("json_schema"))
    constraints.add(parse_kind("json", *schema, {"json_schema"}, text), "json_schema");
  ConstraintFields fields = constraints.take();
  fields.boxes = parse_boxes(body);
  if (fields.boxes && fields.constraint) {
    throw Error(ErrorCode::kInvalidRequest, "constrain_boxes and " + fields.field + " exclude each other; allowed: one of them",
                "constrain_boxes");
  }
  return fields;
}

}  // namespace spyhop
