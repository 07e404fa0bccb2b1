// Checkpoints that come with the program.
#pragma once

#include <string>
#include <string_view>

namespace spyhop {

/// Scheme of a shipped entry's model_uri: "bundled://demo".
inline constexpr std::string_view kBundledScheme = "bundled://";

/// Folder of the checkpoint NAME: in the folder SPYHOP_MODELS_DIR; else where the program is installed,
/// ../share/spyhop/models seen from it; else ../models, where it was built. The first that is there, or else the first of them.
std::string bundled_checkpoint(const std::string& name);

}  // namespace spyhop
