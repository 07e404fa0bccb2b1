// Paths of OpenAI's API and its relatives that this server has nothing to answer with.
#pragma once

#include <string>

namespace spyhop {

/// Why there is no such path, or "" for one that nobody else has either.
std::string why_unserved(const std::string& path);

}  // namespace spyhop
