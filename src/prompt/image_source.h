// The bytes behind an image_url.
#pragma once

#include <string>

#include "spyhop/config.h"

namespace spyhop {

/// Decodes a data: URL or fetches an http(s) URL under `policy` and `limits.max_bytes`. `param` names the request's field in
/// errors. Throws Error: kInvalidRequest (malformed, unreachable, not found), kTooLarge, kForbidden (address guard).
std::string load_image_bytes(const std::string& url, const FetchPolicy& policy, const ImageLimits& limits, const std::string& param);

}  // namespace spyhop
