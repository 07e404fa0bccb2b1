// Strict reading of JSON documents: parsing that refuses duplicate keys, and fields with types, ranges and defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {

/// What a document may cost, counted while it is parsed.
struct JsonDocumentLimits {
  size_t max_depth = 64;          // objects and arrays inside each other
  size_t max_values = 4'000'000;  // values of the whole document
};

/// Parses `text`, called `name` in messages. Throws Error{code} naming the place when it is no JSON, when an object has a key
/// twice, or when it is over a limit.
nlohmann::json parse_json(std::string_view text, const std::string& name, ErrorCode code = ErrorCode::kModelLoad,
                          const JsonDocumentLimits& limits = {});

/// A JSON value for messages: short scalars as they are, the rest described.
std::string describe_json(const nlohmann::json& value);

struct IntRange {
  int min;
  int max;
};

struct RealRange {
  double min;
  double max;
};

/// The fields of one JSON object. Every problem goes to the list as "file: path.key = value; allowed: ..."; the reader then
/// returns the fallback (or the least value allowed), so that reading goes on and all problems are found in one pass. Fields
/// without a fallback must be present. The object and the list must outlive the reader.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string file, std::string path, ProblemList& problems);

  int integer(const std::string& key, IntRange allowed, std::optional<int> fallback = std::nullopt);
  /// An explicit null, too, is a value.
  std::optional<int> integer_or_null(const std::string& key, IntRange allowed, std::optional<int> fallback);
  double number(const std::string& key, RealRange allowed, std::optional<double> fallback = std::nullopt);
  bool boolean(const std::string& key, std::optional<bool> fallback = std::nullopt);
  /// At most 4096 bytes.
  std::string text(const std::string& key, std::optional<std::string> fallback = std::nullopt);
  std::string one_of(const std::string& key, const std::vector<std::string>& allowed,
                     std::optional<std::string> fallback = std::nullopt);
  std::vector<std::string> texts(const std::string& key);
  /// Absent: an object without keys, unless it is required.
  JsonFields object(const std::string& key, bool required);
  /// Entries of an array of objects; each is a reader of its own.
  std::vector<JsonFields> objects(const std::string& key);

  bool has(const std::string& key) const;
  /// The raw value, or null when the key is absent.
  const nlohmann::json* find(const std::string& key);
  const std::string& file() const { return file_; }

  /// Reports `key` with the value read for it (or its default).
  void report(const std::string& key, const std::string& allowed);
  /// False when the key was reported before: rules that span several fields are then skipped.
  bool is_valid(const std::string& key) const { return reported_.count(key) == 0; }
  /// Reports every key that was never asked for.
  void report_unknown_keys();

 private:
  const nlohmann::json* read(const std::string& key, bool has_fallback, const std::string& allowed);
  std::string place(const std::string& key) const;

  const nlohmann::json* object_;
  std::string file_;
  std::string path_;
  ProblemList* problems_;
  std::map<std::string, std::string> values_;  // of the keys asked for, as text
  std::set<std::string> reported_;
};

}  // namespace spyhop
