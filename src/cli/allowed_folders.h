// Folders that clients of a server may name.
#pragma once

#include <string>
#include <vector>

namespace spyhop {

/// Throws Error{kForbidden, `param`} unless `path`, with all links followed, is one of `folders` or below one. The message does
/// not tell whether there is such a path.
void require_allowed_folder(const std::string& path, const std::vector<std::string>& folders, const std::string& param);

}  // namespace spyhop
