// Ids of requests and answers.
#pragma once

#include <string>

namespace spyhop {

/// `prefix` and 32 random hexadecimal digits. Thread safe.
std::string make_id(const std::string& prefix);

/// The caller's id if it is 1 to 128 printable ASCII characters, else a new one.
std::string accept_request_id(const std::string& from_caller);

}  // namespace spyhop
