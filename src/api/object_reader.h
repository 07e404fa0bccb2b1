// Typed, ranged access to the fields of one JSON object.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace spyhop {

struct FieldTable;

struct NumberRange {
  double min = 0;
  double max = 0;
  bool min_excluded = false;
};

struct IntegerRange {
  int32_t min = 0;
  int32_t max = 0;
};

/// Reads fields by name. A field that is absent or null reads as absent, since SDKs send null for what is not set; one of
/// another type or out of its range throws Error{kInvalidRequest} naming path, value and what is allowed.
class ObjectReader {
 public:
  /// `object` must be a JSON object and outlive the reader. `path` is its place in the request, empty for the top. `fields`,
  /// where given, outlives the reader, too; asking for a field that it does not have as honoured throws Error{kInternal}.
  ObjectReader(nlohmann::json& object, std::string path, const FieldTable* fields = nullptr);

  /// The path of a field, such as "messages[0].role".
  std::string path_of(const char* key) const;

  /// The field's value, or null when it is absent or null.
  nlohmann::json* find(const char* key) const;

  std::optional<bool> boolean(const char* key) const;
  std::optional<double> number(const char* key, const NumberRange& range) const;

  /// A whole number in [min, max]; 3.0 counts as whole.
  std::optional<int64_t> integer(const char* key, int64_t min, int64_t max) const;

  /// An array of whole numbers in [min, max], `max_count` at most; absent: empty.
  std::vector<int32_t> integers(const char* key, IntegerRange range, size_t max_count) const;

  /// An array of strings of 1 to `max_bytes` bytes, `max_count` at most; absent: empty. Moved out of the object.
  std::vector<std::string> strings(const char* key, size_t max_count, size_t max_bytes) const;

  /// Any string. Moved out of the object.
  std::optional<std::string> string(const char* key) const;

 private:
  nlohmann::json& object_;
  std::string path_;
  const FieldTable* fields_;
};

}  // namespace spyhop
