#include <algorithm>
#include <utility>

#include "common/json_fields.h"
#include "grammar/json_formats.h"
#include "grammar/regex.h"
#include "grammar/schema_compiler.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = SchemaCompiler::Json;
using ExprId = SchemaCompiler::ExprId;

constexpr int kMaxBound = 100'000;

std::string described(const Json& value) {
  return describe_json(nlohmann::json(value));
}

}  // namespace

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
  const bool has_properties = has(schema, "properties") && !schema["properties"].empty();
  if (has_properties && !schema["properties"].is_object()) {
    refuse(path, "properties", "is " + described(schema["properties"]) + "; allowed: an object of schemas");
  }
  const Json additional =
      has(schema, "additionalProperties") ? schema["additionalProperties"] : Json(!has(schema, "properties"));
  const bool has_required = has(schema, "required") && !schema["required"].empty();
  if (!has_properties && !has_required) return map(schema, additional, path);
  for (const char* keyword : {"minProperties", "maxProperties"}) {
    if (has(schema, keyword)) refuse(path, keyword, "is not supported beside properties or required");
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

/// An object that names no property.
ExprId SchemaCompiler::map(const Json& schema, const Json& additional, const std::string& path) {
  const Bounds count = bounds(schema, "minProperties", "maxProperties", path);
  const ExprId open = grammar_.text("{");
  const ExprId close = grammar_.text("}");
  if (additional == false || count.max == 0) {
    if (count.min > 0) refuse(path, "minProperties", "asks for properties that additionalProperties forbids");
    return grammar_.sequence({open, rules_.space(), close});
  }
  const ExprId value = compile(additional, path + ".additionalProperties");
  const ExprId pair = as_rule(grammar_.sequence({rules_.any_key(), value}), path + " property");
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
    if (!is_required && value == false) continue;
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
  if (has(schema, "pattern")) return pattern(schema, "pattern", path);
  if (has(schema, "format")) return pattern(schema, "format", path);
  const Bounds lengths = bounds(schema, "minLength", "maxLength", path);
  return rules_.string({lengths.min, lengths.max});
}

/// A string by its pattern, or else by its format.
ExprId SchemaCompiler::pattern(const Json& schema, const char* keyword, const std::string& path) {
  const Json& value = schema[keyword];
  if (!value.is_string()) refuse(path, keyword, "is " + described(value) + "; allowed: a string");
  RegexOptions options;
  options.write_char = [this](const CharSet& set) { return rules_.string_char(set); };
  auto source = value.get<std::string>();
  if (std::string(keyword) == "format") {
    const char* known = format_pattern(source);
    std::string names;
    for (const std::string& name : format_names()) names += (names.empty() ? "" : ", ") + name;
    if (known == nullptr) refuse(path, "format", "is \"" + source + "\"; allowed: " + names);
    source = known;
  } else {
    options.match = RegexMatch::kSearch;
  }
  Regex regex;
  try {
    regex = add_regex(grammar_, source, options);
  } catch (const Error& error) {
    refuse(path, keyword, std::string("is not supported: ") + error.what());
  }
  const Bounds lengths = bounds(schema, "minLength", "maxLength", path);
  const bool is_too_long = lengths.max != kUnbounded && regex.lengths.max > lengths.max;
  if (is_too_long || regex.lengths.min < lengths.min) {
    refuse(path, is_too_long ? "maxLength" : "minLength",
           std::string("is not supported beside ") + keyword + ", which allows other lengths");
  }
  return rules_.quoted(regex.expr);
}

DecimalRange SchemaCompiler::range(const Json& schema, const std::string& path) {
  DecimalRange result;
  for (const char* keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    if (!has(schema, keyword)) continue;
    const Json& value = schema[keyword];
    const std::optional<Decimal> number = value.is_number() ? parse_decimal(value.dump()) : std::nullopt;
    if (!number)
      refuse(path, keyword, "is " + described(value) + "; allowed: numbers of up to 19 digits, and 20 behind the point");
    const std::string name = keyword;
    const bool is_min = name == "minimum" || name == "exclusiveMinimum";
    const DecimalBound bound{*number, name.rfind("exclusive", 0) == 0};
    std::optional<DecimalBound>& kept = is_min ? result.min : result.max;
    const int order = kept ? kept->value.compare(*number) : 0;
    if (!kept || (is_min ? order < 0 : order > 0) || order == 0) kept = bound;
  }
  return result;
}

ExprId SchemaCompiler::number(const Json& schema, bool is_whole, const std::string& path) {
  const DecimalRange limits = range(schema, path);
  if (!limits.min && !limits.max) return is_whole ? rules_.integer() : rules_.number();
  const bool is_empty =
      limits.min && limits.max &&
      (limits.min->value.compare(limits.max->value) > 0 ||
       (limits.min->value.compare(limits.max->value) == 0 && (limits.min->is_excluded || limits.max->is_excluded)));
  if (is_empty) refuse(path, "minimum", "and maximum leave nothing that is allowed");
  return is_whole ? add_integer_range(grammar_, limits) : add_number_range(grammar_, limits);
}

}  // namespace spyhop
