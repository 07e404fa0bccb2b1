// What the fields of each request do: one table per endpoint, which the parsers go by and README.md of this folder shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

enum class FieldUse {
  kHonoured,  // read, checked and obeyed
  kIgnored,   // accepted whatever its value: it has no meaning here
  kRefused,   // refused unless it is absent, null or harmless: ignoring it would change what the caller gets
};

struct RequestField {
  const char* name;
  FieldUse use;
  const char* harmless = "";  // of kRefused: JSON values that ask for nothing, separated by spaces
  const char* why = "";       // of kRefused
};

struct FieldTable {
  const char* endpoint;  // "POST /v1/chat/completions"
  std::vector<RequestField> fields;

  /// Null for a field that is not in the table.
  const RequestField* find(std::string_view name) const;
};

const FieldTable& chat_fields();
const FieldTable& completion_fields();
const FieldTable& response_fields();
const FieldTable& grounding_fields();
const FieldTable& tokenize_fields();
const FieldTable& detokenize_fields();

/// All of the above.
std::vector<const FieldTable*> all_field_tables();

/// "honoured", "ignored" or "refused".
const char* field_use_name(FieldUse use);

}  // namespace spyhop
