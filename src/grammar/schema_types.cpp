#include <algorithm>
#include <utility>

#include "common/json_fields.h"
#include "grammar/common_texts.h"
#include "grammar/json_formats.h"
#include "grammar/multiples.h"
#include "grammar/schema_compiler.h"
#include "grammar/schema_merge.h"
#include "grammar/text_conditions.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = SchemaCompiler::Json;
using ExprId = SchemaCompiler::ExprId;

constexpr int kMaxBound = 100'000;
constexpr double kBeyondNumbers = 1e19;

const std::vector<const char*>& number_keywords() {
  static const std::vector<const char*> keywords{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};
  return keywords;
}

std::string described(const Json& value) {
  return describe_json(nlohmann::json(value));
}

}  // namespace

std::string SchemaCompiler::text_of(const Json& schema, const char* keyword, const std::string& path) {
  const Json& value = schema[keyword];
  if (!value.is_string()) refuse(path, keyword, "is " + described(value) + "; allowed: a string");
  return value.get<std::string>();
}

SchemaCompiler::Bounds SchemaCompiler::bounds(const Json& schema, const char* min, const char* max, const std::string& path) {
  Bounds result;
  for (const char* keyword : {min, max}) {
    if (!has(schema, keyword)) continue;
    const Json& value = schema[keyword];
    const double number = value.is_number() ? value.get<double>() : -1;
    if (number < 0 || number > kMaxBound || number != static_cast<double>(static_cast<int>(number))) {
      refuse(path, keyword, "is " + described(value) + "; allowed: whole numbers from 0 to " + std::to_string(kMaxBound));
    }
    (keyword == min ? result.min : result.max) = static_cast<int>(number);
  }
  if (result.max != kUnbounded && result.min > result.max) {
    refuse(path, min, "is " + std::to_string(result.min) + ", more than " + max + ", which is " + std::to_string(result.max));
  }
  return result;
}

ExprId SchemaCompiler::object(const Json& schema, const std::string& path) {
  if (has(schema, "propertyNames") && schema["propertyNames"].is_object() && schema["propertyNames"].contains("enum")) {
    return object(with_listed_names(schema, path), path);
  }
  const bool has_properties = has(schema, "properties") && !schema["properties"].empty();
  if (has_properties && !schema["properties"].is_object()) {
    refuse(path, "properties", "is " + described(schema["properties"]) + "; allowed: an object of schemas");
  }
  const Json additional =
      has(schema, "additionalProperties") ? schema["additionalProperties"] : Json(!has(schema, "properties"));
  const bool has_required = has(schema, "required") && !schema["required"].empty();
  if (!has_properties && !has_required) return map(schema, additional, path);
  for (const char* keyword : {"minProperties", "maxProperties", "propertyNames"}) {
    const bool says_nothing = std::string(keyword) == "propertyNames" && allows_any_name(schema);
    if (has(schema, keyword) && !says_nothing) refuse(path, keyword, "is not supported beside properties or required");
  }
  const std::vector<Property> listed = properties(schema, additional, path);
  if (additional == false) return object_with(listed, 0, false);
  std::vector<std::string> names;
  if (has_properties) {
    for (const auto& [name, ignored] : schema["properties"].items()) names.push_back(name);
  }
  if (has_required) {
    for (const Json& name : schema["required"]) names.push_back(name.get<std::string>());
  }
  const ExprId value = compile(additional, path + ".additionalProperties");
  return object_with(listed, as_rule(grammar_.sequence({rules_.key_but(names), value}), path + " further"), true);
}

bool SchemaCompiler::allows_any_name(const Json& schema) {
  if (!has(schema, "propertyNames")) return true;
  const Json& names = schema["propertyNames"];
  return names == true || names == Json::object() || names == Json{{"type", "string"}};
}

/// Of a schema whose propertyNames are an enum: with these as its properties.
SchemaCompiler::Json SchemaCompiler::with_listed_names(const Json& schema, const std::string& path) {
  const Json& names = schema["propertyNames"];
  for (const auto& [keyword, value] : names.items()) {
    const bool is_known = keyword == "enum" ? value.is_array() : keyword == "type" && value == "string";
    if (!is_known && !is_annotation(keyword)) refuse(path + ".propertyNames", keyword, "is not supported in a list of names");
  }
  const Json own = schema.value("properties", Json::object());
  if (!own.is_object()) refuse(path, "properties", "is " + described(own) + "; allowed: an object of schemas");
  Json listed = Json::object();
  for (const Json& name : names["enum"]) {
    if (!name.is_string()) continue;
    listed[name.get<std::string>()] = own.value(name.get<std::string>(), schema.value("additionalProperties", Json(true)));
  }
  Json result = schema;
  result.erase("propertyNames");
  result["properties"] = std::move(listed);
  result["additionalProperties"] = false;
  return result;
}

ExprId SchemaCompiler::any_name(const Json& schema, const std::string& path) {
  if (allows_any_name(schema)) return rules_.any_key();
  const std::string place = path + ".propertyNames";
  const Json names = merge_schemas(schema["propertyNames"], Json{{"type", "string"}}, place);
  return rules_.key_of(compile(names, place));
}

/// An object that names no property.
ExprId SchemaCompiler::map(const Json& schema, const Json& additional, const std::string& path) {
  const Bounds count = bounds(schema, "minProperties", "maxProperties", path);
  // A name may come twice, which makes one property of two.
  if (count.min > 1) refuse(path, "minProperties", "is " + std::to_string(count.min) + "; allowed: 0 or 1");
  const ExprId open = grammar_.text("{");
  const ExprId close = grammar_.text("}");
  if (additional == false || count.max == 0) {
    if (count.min > 0) refuse(path, "minProperties", "asks for properties that additionalProperties forbids");
    return grammar_.sequence({open, rules_.space(), close});
  }
  const ExprId value = compile(additional, path + ".additionalProperties");
  const ExprId pair = as_rule(grammar_.sequence({any_name(schema, path), value}), path + " property");
  return grammar_.sequence({open, rules_.space(), rules_.list(pair, {count.min, count.max}), close});
}

/// Those of the schema in its order, then the required ones that it does not describe.
std::vector<SchemaCompiler::Property> SchemaCompiler::properties(const Json& schema, const Json& additional,
                                                                 const std::string& path) {
  std::vector<std::string> required;
  if (has(schema, "required")) {
    const Json& list = schema["required"];
    if (!list.is_array()) refuse(path, "required", "is " + described(list) + "; allowed: an array of names");
    for (const Json& name : list) {
      if (!name.is_string()) refuse(path, "required", "has " + described(name) + "; allowed: names");
      required.push_back(name.get<std::string>());
    }
  }
  std::vector<Property> result;
  const auto add = [&](const std::string& name, const Json& value, bool is_required) {
    const std::string place = path + ".properties." + name;
    const ExprId pair = grammar_.sequence({rules_.key(name), compile(value, place)});
    result.push_back({as_rule(pair, place), is_required});
  };
  const Json described_ones = has(schema, "properties") ? schema["properties"] : Json::object();
  for (const auto& [name, value] : described_ones.items()) {
    const auto found = std::find(required.begin(), required.end(), name);
    const bool is_required = found != required.end();
    required.erase(std::remove(required.begin(), required.end(), name), required.end());
    if (!is_required && allows_nothing(value)) continue;
    add(name, value, is_required);
  }
  std::sort(required.begin(), required.end());
  required.erase(std::unique(required.begin(), required.end()), required.end());
  for (const std::string& name : required) {
    const Json value = has(schema, "additionalProperties") ? additional : Json(true);
    if (value == false) refuse(path, "required", "asks for \"" + name + "\", which additionalProperties forbids");
    add(name, value, true);
  }
  return result;
}

/// `extra`: a further property, name and value.
ExprId SchemaCompiler::object_with(const std::vector<Property>& properties, ExprId extra, bool has_extra) {
  const ExprId comma = grammar_.sequence({grammar_.text(","), rules_.space()});
  const ExprId close = grammar_.sequence({rules_.space(), grammar_.text("}")});
  ExprId rest = close;  // once there is a property
  if (has_extra) {
    rest = grammar_.sequence({grammar_.repeat(grammar_.sequence({comma, extra}), {0, kUnbounded}), close});
  }
  rest = as_rule(rest, "end of an object");
  ExprId first = has_extra ? grammar_.choice({grammar_.sequence({extra, rest}), close}) : close;
  for (size_t i = properties.size(); i-- > 0;) {
    const Property& property = properties[i];
    const ExprId begin = grammar_.sequence({property.pair, rest});
    const ExprId go_on = grammar_.sequence({comma, property.pair, rest});
    first = property.is_required ? begin : as_rule(grammar_.choice({begin, first}), "properties");
    rest = as_rule(property.is_required ? go_on : grammar_.choice({go_on, rest}), "further properties");
  }
  return grammar_.sequence({grammar_.text("{"), rules_.space(), first});
}

ExprId SchemaCompiler::array(const Json& schema, const std::string& path) {
  if (has(schema, "uniqueItems") && schema["uniqueItems"] != false) refuse(path, "uniqueItems", "is not supported");
  const Bounds count = bounds(schema, "minItems", "maxItems", path);
  if (has(schema, "prefixItems")) return array_with_prefix(schema, count, path);
  const Json items = has(schema, "items") ? schema["items"] : Json(true);
  const ExprId open = grammar_.sequence({grammar_.text("["), rules_.space()});
  const ExprId close = grammar_.text("]");
  if (items == false || count.max == 0) {
    if (count.min > 0) refuse(path, "minItems", "asks for items that items forbids");
    return grammar_.sequence({open, close});
  }
  const ExprId item = as_rule(compile(items, path + ".items"), path + " item");
  return grammar_.sequence({open, rules_.list(item, {count.min, count.max}), close});
}

ExprId SchemaCompiler::array_with_prefix(const Json& schema, const Bounds& count, const std::string& path) {
  const Json& prefix = schema["prefixItems"];
  if (!prefix.is_array() || prefix.empty()) {
    refuse(path, "prefixItems", "is " + described(prefix) + "; allowed: an array of schemas");
  }
  const bool has_more = has(schema, "items") && schema["items"] != false;
  const int num_prefix = static_cast<int>(prefix.size());
  if (!has_more && count.min > num_prefix) refuse(path, "minItems", "asks for items that the schema does not describe");
  const ExprId comma = grammar_.sequence({grammar_.text(","), rules_.space()});
  ExprId tail = grammar_.empty();
  if (has_more && (count.max == kUnbounded || count.max > num_prefix)) {
    const ExprId item = as_rule(compile(schema["items"], path + ".items"), path + " item");
    const int most = count.max == kUnbounded ? kUnbounded : count.max - num_prefix;
    tail = grammar_.repeat(grammar_.sequence({comma, item}), {std::max(0, count.min - num_prefix), most});
  }
  const int last = count.max == kUnbounded ? num_prefix : std::min(num_prefix, count.max);
  for (int i = last; i-- > 0;) {
    const std::string place = path + ".prefixItems[" + std::to_string(i) + "]";
    const ExprId item = compile(prefix[static_cast<size_t>(i)], place);
    const ExprId lead = i > 0 ? grammar_.sequence({comma, item}) : item;
    tail =
        as_rule(i >= count.min ? grammar_.optional(grammar_.sequence({lead, tail})) : grammar_.sequence({lead, tail}), place);
  }
  return grammar_.sequence({grammar_.text("["), rules_.space(), tail, rules_.space(), grammar_.text("]")});
}

ExprId SchemaCompiler::string(const Json& schema, const std::string& path) {
  const Bounds lengths = bounds(schema, "minLength", "maxLength", path);
  if (!has(schema, "pattern") && !has(schema, "format")) return rules_.string({lengths.min, lengths.max});
  return rules_.quoted(string_content(schema, lengths, path));
}

/// By a pattern, a format or both.
ExprId SchemaCompiler::string_content(const Json& schema, const Bounds& lengths, const std::string& path) {
  const bool has_pattern = has(schema, "pattern");
  const std::string pattern = has_pattern ? text_of(schema, "pattern", path) : "";
  const std::string format = has(schema, "format") ? text_of(schema, "format", path) : "";
  const char* const known = format_pattern(format);
  // Beside a pattern, which says it all, tools write formats of their own.
  if (!has_pattern && known == nullptr) {
    std::string names;
    for (const std::string& name : format_names()) names += (names.empty() ? "" : ", ") + name;
    refuse(path, "format", "is \"" + format + "\"; allowed: " + names);
  }
  try {
    TextConditions conditions(grammar_.limits());
    if (has_pattern) conditions.add_pattern(pattern, RegexMatch::kSearch);
    if (known != nullptr) conditions.add_pattern(known, RegexMatch::kWhole);
    conditions.limit({lengths.min, lengths.max == kUnbounded ? TextLengths::kNoLimit : lengths.max});
    return conditions.write(grammar_, [this](const CharSet& set) { return rules_.string_char(set); });
  } catch (const Error& error) {
    refuse(path, has_pattern ? "pattern" : "format", std::string("is not supported: ") + error.what());
  }
}

/// Nothing for a bound beyond all numbers that are written.
std::optional<DecimalBound> SchemaCompiler::number_bound(const Json& schema, const std::string& keyword,
                                                         const std::string& path) {
  const Json& value = schema[keyword];
  const std::optional<Decimal> number = value.is_number() ? parse_decimal(value.dump()) : std::nullopt;
  if (number) return DecimalBound{*number, keyword.rfind("exclusive", 0) == 0};
  const bool is_min = keyword == "minimum" || keyword == "exclusiveMinimum";
  if (value.is_number() && value.get<double>() * (is_min ? -1 : 1) > kBeyondNumbers) return std::nullopt;
  refuse(path, keyword, "is " + described(value) + "; allowed: numbers of up to 19 digits, and 20 behind the point");
}

DecimalRange SchemaCompiler::range(const Json& schema, const std::string& path) {
  DecimalRange result;
  for (const char* keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    if (!has(schema, keyword)) continue;
    const std::optional<DecimalBound> bound = number_bound(schema, keyword, path);
    if (!bound) continue;
    const bool is_min = std::string(keyword).find("inimum") != std::string::npos;
    std::optional<DecimalBound>& kept = is_min ? result.min : result.max;
    const int order = kept ? kept->value.compare(bound->value) : 0;
    if (!kept || (is_min ? order < 0 : order > 0) || order == 0) kept = bound;
  }
  const bool is_empty =
      result.min && result.max &&
      (result.min->value.compare(result.max->value) > 0 ||
       (result.min->value.compare(result.max->value) == 0 && (result.min->is_excluded || result.max->is_excluded)));
  if (is_empty) refuse(path, "minimum", "and maximum leave nothing that is allowed");
  return result;
}

ExprId SchemaCompiler::number(const Json& schema, bool is_whole, const std::string& path) {
  const auto& keywords = number_keywords();
  const bool is_any = std::none_of(keywords.begin(), keywords.end(), [&](const char* keyword) { return has(schema, keyword); });
  if (is_any) return is_whole ? rules_.integer() : rules_.number();
  const DecimalRange limits = range(schema, path);
  const auto add_range = is_whole ? add_integer_range : add_number_range;
  if (!has(schema, "multipleOf")) return add_range(grammar_, limits);
  const Json& value = schema["multipleOf"];
  const std::optional<Decimal> step = value.is_number() ? parse_decimal(value.dump()) : std::nullopt;
  if (!step) refuse(path, "multipleOf", "is " + described(value) + "; allowed: numbers");
  std::optional<TextStates> numbers;
  try {
    const Grammar multiples = multiples_grammar(*step, grammar_.limits());
    Grammar between(grammar_.limits());
    const Grammar::RuleId root = between.add_rule("root");
    between.define(root, add_range(between, limits));
    numbers = common_texts({{&between}, {&multiples}});
  } catch (const Error& error) {
    refuse(path, "multipleOf", "is " + described(value) + "; " + error.what());
  }
  if (!numbers) refuse(path, "multipleOf", "is too complex together with these bounds");
  if (numbers->states.empty()) refuse(path, "multipleOf", "and the bounds leave nothing that is allowed");
  return add_texts(grammar_, *numbers);
}

}  // namespace spyhop
