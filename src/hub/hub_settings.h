// Settings of one hub, from its own tools' variables.
#pragma once

#include <functional>
#include <string>

namespace spyhop {

/// Value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(const std::string& name)>;
Environment process_environment();

struct HubSettings {
  std::string endpoint;       // without a slash at its end
  std::string token;          // empty = none
  std::string token_path;     // file in which the hub's own tool keeps the token
  std::string cache_dir;      // root of the cache
  std::string old_cache_dir;  // root of the layout that older tools use, where there is one
  bool is_offline = false;
};

/// The token in `text`, without the spaces and line breaks around it. Throws Error{kInvalidRequest}, naming `origin` and not
/// the text, when it is longer than 4096 characters or has others than printable ones. May be empty.
std::string clean_token(std::string text, const std::string& origin);

/// HF_ENDPOINT, HF_TOKEN (else the file that `hf auth login` writes), HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_HUB_OFFLINE,
/// TRANSFORMERS_OFFLINE. Throws Error{kInvalidRequest} naming the variable for an endpoint or a token that is none.
HubSettings huggingface_settings(const Environment& environment);

/// MODELSCOPE_ENDPOINT (else MODELSCOPE_DOMAIN), MODELSCOPE_API_TOKEN (else the file that `modelscope login` writes),
/// MODELSCOPE_CACHE, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE. Throws as the other.
HubSettings modelscope_settings(const Environment& environment);

}  // namespace spyhop
