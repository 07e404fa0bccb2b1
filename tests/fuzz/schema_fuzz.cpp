// JSON schemas, as text or, where the input does not begin as JSON, made of its bytes. What compiles gives answers that are
// JSON and valid.
#include <nlohmann/json.hpp>
#include <string>

#include "../grammar/small_validator.h"
#include "follow_grammar.h"
#include "grammar/json_schema.h"
#include "random_schema.h"

namespace {

using nlohmann::json;
using spyhop::fuzz::check;

/// Whether the validator of the tests understands the schema as the compiler does: not what oneOf and formats are, and the
/// standard library's patterns may take for ever.
bool is_comparable(const std::string& schema) {
  for (const char* word : {"pattern", "oneOf", "definitions"}) {
    if (schema.find(word) != std::string::npos) return false;
  }
  return true;
}

void check_answer(const std::string& text, const std::string& answer) {
  check(json::accept(answer), "an answer under a schema is JSON");
  if (!is_comparable(text)) return;
  const json schema = json::parse(text);
  spyhop::SmallValidator validator(schema);
  const std::string violation = validator.violation(json::parse(answer));
  if (validator.has_given_up() || violation.empty()) return;
  std::fprintf(stderr, "%s\n%s\n%s\n", text.c_str(), answer.c_str(), violation.c_str());
  check(false, "an answer is valid under its schema");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool is_text = size > 0 && (data[0] == '{' || data[0] == '[');
  const std::string text =
      is_text ? std::string(reinterpret_cast<const char*>(data), size) : spyhop::fuzz::RandomSchema(data, size).make().dump();
  spyhop::fuzz::follow([&] { return spyhop::parse_json_schema(text); },
                       [&](const std::string& answer) { check_answer(text, answer); });
  return 0;
}
