// The fields of a request that constrain its answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/object_reader.h"
#include "spyhop/chat.h"

namespace spyhop {

struct ConstraintFields {
  std::optional<AnswerConstraint> constraint;
  std::string field;  // path of where it came from; empty without one
  std::optional<BoxConstraint> boxes;
};

/// Reads response_format (types text, json_object, json_schema), structured_outputs {json, json_object, regex, choice,
/// grammar}, guided_json, guided_regex, guided_choice, guided_grammar, grammar, json_schema, constrain_boxes and max_boxes.
/// `text`: what `body` was parsed from, since a schema's properties keep their order. Throws Error{kInvalidRequest} with the
/// field as param; for two constraints, naming both.
ConstraintFields parse_constraint(const ObjectReader& body, std::string_view text);

/// The same of an object with the members of OpenAI's text format: `type`, and `schema` or `json_schema`. `path`: its place in
/// `text`, such as {"text", "format"}. Nothing for type "text".
std::optional<AnswerConstraint> parse_text_format(const nlohmann::json& format, const std::vector<std::string>& path,
                                                  std::string_view text);

}  // namespace spyhop
