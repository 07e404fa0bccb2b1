// Strict reading of JSON files: every error names the file, the field, its value and what is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace spyhop {

/// A value inside a JSON file. It borrows the document and the file's name.
class JsonView {
 public:
  JsonView(const nlohmann::json& value, const std::string& file) : JsonView(value, file, {}) {}

  /// Throws Error{kModelLoad}: "FILE: PATH is VALUE; allowed: ALLOWED".
  [[noreturn]] void reject(const std::string& allowed) const;

  /// Throws Error{kModelLoad}: "FILE: PATH WHAT".
  [[noreturn]] void fail(const std::string& what) const;

  /// A member of an object; absent ones read as null.
  JsonView operator[](std::string_view key) const;
  JsonView operator[](size_t index) const;

  bool is_null() const;
  bool is_string() const;
  bool is_object() const;
  bool is_array() const;

  size_t array_size() const;
  const std::string& string() const;
  bool boolean() const;
  int64_t integer(int64_t lowest, int64_t highest) const;

  /// Passes when the string is one of `allowed`.
  void expect_one_of(std::initializer_list<const char*> allowed) const;
  /// Passes when the value is absent, null or `expected`.
  void expect_unless_null(bool expected) const;
  /// Passes when the value is absent or null.
  void expect_null() const;

  const nlohmann::json& json() const { return value_; }

 private:
  JsonView(const nlohmann::json& value, const std::string& file, std::string path)
      : value_(value), file_(file), path_(std::move(path)) {}

  const nlohmann::json& value_;
  const std::string& file_;
  std::string path_;
};

}  // namespace spyhop
