// The value that somebody meant who typed another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// The candidate that takes the fewest edits (insert, remove, replace or swap a character; case is free) to make `value` of it;
/// empty when none is near: more than half of the value's characters would be edited. The first of equals.
std::string nearest_match(std::string_view value, const std::vector<std::string>& candidates);

/// For messages: "allowed: a, b", and the nearest one, if any: "allowed: a, b; the nearest is b".
std::string allowed_text(std::string_view value, const std::vector<std::string>& candidates);

/// The candidate that equals `value`, whose case is free. Throws Error{kInvalidRequest, `param`}: there is no `what` named so,
/// with allowed_text.
std::string match_or_throw(std::string_view value, const std::vector<std::string>& candidates, const std::string& what,
                           const std::string& param);

}  // namespace spyhop
