#include "cli/option_tools.h"

#include <CLI/CLI.hpp>
#include <cctype>

#include "common/byte_size.h"
#include "common/nearest_match.h"
#include "spyhop/error.h"

namespace spyhop {

CLI::Option* with_env(CLI::Option* option) {
  std::string name = "SPYHOP_";
  for (const char c : option->get_lnames().front()) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return option->envname(name);
}

CLI::Validator one_of(const std::vector<std::string>& names, const std::string& what) {
  const auto match = [names, what](std::string& value) -> std::string {
    try {
      value = match_or_throw(value, names, what, "");
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  std::string shown;
  for (const std::string& name : names) shown += (shown.empty() ? "" : ",") + name;
  return {match, "{" + shown + "}"};
}

CLI::Validator byte_size() {
  const auto check = [](std::string& text) -> std::string {
    try {
      return parse_byte_size(text) > 0 ? "" : "0 is no size; allowed: 1 or more";
    } catch (const Error& error) {
      return error.what();
    }
  };
  return {check, "SIZE"};
}

const std::map<std::string, Quantization>& quantization_values() {
  static const std::map<std::string, Quantization> kValues{
      {"none", Quantization::kNone}, {"int8", Quantization::kInt8}, {"int4", Quantization::kInt4}};
  return kValues;
}

}  // namespace spyhop
