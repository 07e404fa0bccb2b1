// One JSON schema on its way into a grammar.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "grammar/decimal_range.h"
#include "grammar/json_rules.h"

namespace spyhop {

/// Used by parse_json_schema alone. Paths are places in the schema: "$.properties.a".
class SchemaCompiler {
 public:
  using Json = nlohmann::ordered_json;
  using ExprId = Grammar::ExprId;

  /// `root` must outlive it.
  SchemaCompiler(Grammar& grammar, const Json& root) : grammar_(grammar), rules_(grammar), root_(root) {}

  ExprId compile(const Json& schema, const std::string& path);

 private:
  struct Bounds {
    int min = 0;
    int max = kUnbounded;
  };
  struct Property {
    ExprId pair = 0;
    bool is_required = false;
  };

  [[noreturn]] static void refuse(const std::string& path, const std::string& keyword, const std::string& why);
  static void check_keywords(const Json& schema, const std::string& path);
  static bool allows_nothing(const Json& schema);
  static bool has(const Json& schema, const char* keyword) { return schema.contains(keyword); }

  ExprId compile_object(const Json& schema, const std::string& path);
  ExprId alternatives(const Json& schema, const char* keyword, const std::string& path);
  ExprId all_of(Json schema, const std::string& path);
  ExprId reference(const Json& schema, const std::string& path);
  const Json& resolve(const std::string& reference, const std::string& path) const;
  ExprId values(const Json& schema, const std::string& path);
  ExprId typed(const Json& schema, const std::string& type, const std::string& path);

  ExprId object(const Json& schema, const std::string& path);
  ExprId object_with(const std::vector<Property>& properties, ExprId extra, bool has_extra);
  ExprId map(const Json& schema, const Json& additional, const std::string& path);
  static bool allows_any_name(const Json& schema);
  static Json with_listed_names(const Json& schema, const std::string& path);
  ExprId any_name(const Json& schema, const std::string& path);
  std::vector<Property> properties(const Json& schema, const Json& additional, const std::string& path);
  ExprId array(const Json& schema, const std::string& path);
  ExprId array_with_prefix(const Json& schema, const Bounds& bounds, const std::string& path);
  ExprId string(const Json& schema, const std::string& path);
  ExprId string_content(const Json& schema, const Bounds& lengths, const std::string& path);
  ExprId number(const Json& schema, bool is_whole, const std::string& path);

  static std::string text_of(const Json& schema, const char* keyword, const std::string& path);
  static Bounds bounds(const Json& schema, const char* min, const char* max, const std::string& path);
  static std::optional<DecimalBound> number_bound(const Json& schema, const std::string& keyword, const std::string& path);
  static DecimalRange range(const Json& schema, const std::string& path);
  ExprId as_rule(ExprId body, const std::string& name);

  Grammar& grammar_;
  JsonRules rules_;
  const Json& root_;
  std::map<std::string, Grammar::RuleId> references_;
  int depth_ = 0;
  int num_schemas_ = 0;
};

}  // namespace spyhop
