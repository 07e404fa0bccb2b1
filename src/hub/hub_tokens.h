// Tokens of hubs: in the files of the hubs' own tools, and what a hub says about one.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/hub.h"

namespace spyhop {

inline constexpr size_t kMaxUserBytes = size_t{1} << 20;  // of a hub's answer about a user

/// The answer to "who am I?", an object. Throws Error as Hub::whoami().
nlohmann::json user_document(const Hub& hub, const HubText& answer);

/// The user, once it is known that the answer named one. Throws Error{kUnauthorized} for one without a name.
HubUser named_user(const Hub& hub, HubUser user);

/// Writes the file, readable by its owner only, and makes its folder. Throws Error{kModelLoad}.
void write_token(const std::string& path, const std::string& token);

/// Adds the token to the named tokens that `hf auth list` shows, in place of an earlier one of the name; without a name, or
/// with one that the file's format does not allow, does nothing. Throws Error{kModelLoad}. Source: huggingface_hub, the INI
/// file of its stored tokens.
void add_to_token_list(const std::string& path, const std::string& name, const std::string& token);

}  // namespace spyhop
