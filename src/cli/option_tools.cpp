#include "cli/option_tools.h"

#include <CLI/CLI.hpp>
#include <cctype>

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

}  // namespace spyhop
