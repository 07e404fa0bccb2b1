// JSON schemas as grammars.
#pragma once

#include <string_view>

#include "grammar/grammar.h"

namespace spyhop {

/// A grammar all of whose texts are JSON that is valid under `schema` (JSON Schema, draft 2020-12). README.md has the list of
/// keywords; properties come in the schema's order. A schema that says nothing of its type is taken for the type its other
/// keywords are about; an object with properties has no further ones unless additionalProperties says so; oneOf is anyOf.
/// Throws Error{kInvalidRequest} naming the place in the schema and the keyword for what is malformed, not supported or not to
/// be fulfilled, and for what is over the limits.
Grammar parse_json_schema(std::string_view schema, const GrammarLimits& limits = {});

/// Any JSON object.
Grammar json_object_grammar();

}  // namespace spyhop
