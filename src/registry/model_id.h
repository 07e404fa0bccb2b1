// Names of models, repositories and revisions. They become paths and parts of URLs, so what they may be is narrow.
#pragma once

#include <string>

namespace spyhop {

inline constexpr const char* kModelNameRule = "1 to 96 letters, digits, '-', '_' and '.', the first a letter or digit";
inline constexpr const char* kModelIdRule = "OWNER/NAME, each 1 to 96 letters, digits, '-', '_' and '.', without '..' and '--'";
inline constexpr const char* kRevisionRule =
    "a branch, tag or commit: 1 to 200 letters, digits, '-', '_', '.' and '/', without '..'";

/// Whether `text` keeps to kModelNameRule; the others likewise.
bool is_model_name(const std::string& text);
bool is_model_id(const std::string& text);
bool is_revision(const std::string& text);

}  // namespace spyhop
