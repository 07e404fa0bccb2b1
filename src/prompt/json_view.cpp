#include "prompt/json_view.h"

#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

/// What a member that is absent reads as.
const json& null_value() {
  static const json value;
  return value;
}

}  // namespace

void JsonView::reject(const std::string& allowed) const {
  fail("is " + describe_json(value_) + "; allowed: " + allowed);
}

void JsonView::fail(const std::string& what) const {
  throw Error(ErrorCode::kModelLoad, file_ + ": " + (path_.empty() ? "the document" : path_) + " " + what);
}

JsonView JsonView::operator[](std::string_view key) const {
  if (!value_.is_object()) reject("an object");
  const auto it = value_.find(key);
  return {it == value_.end() ? null_value() : *it, file_, (path_.empty() ? "" : path_ + ".") + std::string(key)};
}

JsonView JsonView::operator[](size_t index) const {
  return {value_[index], file_, path_ + "[" + std::to_string(index) + "]"};
}

bool JsonView::is_null() const {
  return value_.is_null();
}
bool JsonView::is_string() const {
  return value_.is_string();
}
bool JsonView::is_object() const {
  return value_.is_object();
}
bool JsonView::is_array() const {
  return value_.is_array();
}

size_t JsonView::array_size() const {
  if (!value_.is_array()) reject("an array");
  return value_.size();
}

const std::string& JsonView::string() const {
  if (!value_.is_string()) reject("a string");
  return value_.get_ref<const std::string&>();
}

bool JsonView::boolean() const {
  if (!value_.is_boolean()) reject("true or false");
  return value_.get<bool>();
}

int64_t JsonView::integer(int64_t lowest, int64_t highest) const {
  const bool too_large = value_.is_number_unsigned() && value_.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (!value_.is_number_integer() || too_large || value_.get<int64_t>() < lowest || value_.get<int64_t>() > highest) {
    reject("an integer from " + std::to_string(lowest) + " to " + std::to_string(highest));
  }
  return value_.get<int64_t>();
}

void JsonView::expect_one_of(std::initializer_list<const char*> allowed) const {
  std::string list;
  for (const char* item : allowed) {
    if (value_ == item) return;
    list += (list.empty() ? "\"" : ", \"") + std::string(item) + "\"";
  }
  reject(list);
}

void JsonView::expect_unless_null(bool expected) const {
  if (!value_.is_null() && value_ != expected) reject(expected ? "true" : "false");
}

void JsonView::expect_null() const {
  if (!value_.is_null()) reject("null");
}

}  // namespace spyhop
