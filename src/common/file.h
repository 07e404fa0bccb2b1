// Whole small files as text.
#pragma once

#include <cstddef>
#include <string>

#include "spyhop/error.h"

namespace spyhop {

/// The content of the regular file `path`. Throws Error{code} naming the path when it is missing, no regular file, unreadable
/// or larger than `max_bytes`.
std::string read_text_file(const std::string& path, size_t max_bytes, ErrorCode code = ErrorCode::kModelLoad);

inline constexpr unsigned kReadableByAll = 0644;
inline constexpr unsigned kReadableByOwner = 0600;  // for secrets

/// Writes `text` into a new file beside `path` and renames it to `path`, so that readers see the old content or the new, and
/// nobody that `mode` keeps out sees either. Throws Error{code} naming the path.
void replace_text_file(const std::string& path, const std::string& text, ErrorCode code = ErrorCode::kModelLoad,
                       unsigned mode = kReadableByAll);

}  // namespace spyhop
