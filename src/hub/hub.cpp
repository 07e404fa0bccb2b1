#include "hub/hub.h"

#include "common/nearest_match.h"
#include "hub/huggingface.h"
#include "hub/modelscope.h"

namespace spyhop {

const std::vector<std::string>& hub_names() {
  static const std::vector<std::string> names{"huggingface", "modelscope"};
  return names;
}

std::unique_ptr<Hub> make_hub(const std::string& name, const Environment& environment, const std::string& download_dir) {
  const bool is_huggingface = match_or_throw(name, hub_names(), "hub", "model-src") == "huggingface";
  HubSettings settings = is_huggingface ? huggingface_settings(environment) : modelscope_settings(environment);
  if (!download_dir.empty()) {
    settings.cache_dir = download_dir;
    settings.old_cache_dir = download_dir;
  }
  return is_huggingface ? make_huggingface(std::move(settings)) : make_modelscope(std::move(settings));
}

}  // namespace spyhop
