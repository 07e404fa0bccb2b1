// Names under which requests find models.
#pragma once

#include <cstddef>
#include <string>

#include "spyhop/model_host.h"

namespace spyhop {

/// Throws Error{kInvalidRequest, param "model_uid"} for one that could not stand in the path of a URL, or that a route has.
void check_model_uid(const std::string& uid);

/// That of a model for which none is asked: the model's name, else the name of its folder.
std::string default_model_uid(const LaunchRequest& request);

/// Letters and digits.
std::string random_characters(size_t count);

}  // namespace spyhop
