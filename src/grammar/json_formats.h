// The formats of strings that JSON schemas name.
#pragma once

#include <string>
#include <vector>

namespace spyhop {

/// A pattern for regex.h whose texts all have the format; null for a format that is not known.
const char* format_pattern(const std::string& format);

std::vector<std::string> format_names();

}  // namespace spyhop
