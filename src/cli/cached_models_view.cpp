#include "cli/cached_models_view.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/option_tools.h"
#include "common/problem_list.h"
#include "registry/model_id.h"
#include "spyhop/error.h"

namespace spyhop {

void declare_cache_flags(CLI::App& command, CacheFlags& flags) {
  command.add_option("-s,--size-in-billions", flags.size, "Only this size, such as 3, 16 or 27");
  with_env(command.add_option("--model-src", flags.model_src, "Hub whose cache is meant; auto: all hubs"))
      ->transform(one_of({"huggingface", "modelscope", "auto"}, "hub"))
      ->capture_default_str();
  with_env(command.add_option("--download-dir", flags.download_dir, "Folder in place of the hubs' own caches"));
  command.add_flag("--json", flags.prints_json, "Print JSON");
}

std::vector<std::unique_ptr<Hub>> hubs_of(const CacheFlags& flags) {
  std::vector<std::unique_ptr<Hub>> hubs;
  for (const std::string& name : hub_names()) {
    if (flags.model_src != "auto" && flags.model_src != name) continue;
    hubs.push_back(make_hub(name, process_environment(), flags.download_dir));
  }
  return hubs;
}

std::map<std::string, KnownModel> known_models(const Registry& registry, const std::string& hub) {
  std::map<std::string, KnownModel> models;
  for (const ModelFamily& family : registry.families()) {
    for (const ModelVariant& variant : family.variants) {
      for (const HubSource& source : variant.sources) {
        if (source.hub == hub) models.insert({source.model_id, {family.name, variant.size_in_billions}});
      }
    }
  }
  return models;
}

std::vector<std::string> chosen_model_ids(const Registry& registry, const std::string& hub, const CacheFlags& flags) {
  if (flags.model_name.find('/') != std::string::npos) {
    if (is_model_id(flags.model_name)) return {flags.model_name};
    throw Error(ErrorCode::kInvalidRequest, "model id " + in_quotes(flags.model_name) + "; allowed: " + kModelIdRule,
                "model_name");
  }
  const ModelFamily* family = flags.model_name.empty() ? nullptr : &registry.family(flags.model_name);
  const ModelVariant* variant = family == nullptr || flags.size.empty() ? nullptr : &family->variant(flags.size);
  std::vector<std::string> ids;
  for (const ModelFamily& candidate : registry.families()) {
    if (family != nullptr && candidate.name != family->name) continue;
    for (const ModelVariant& each : candidate.variants) {
      const bool is_meant = variant != nullptr ? each.name == variant->name
                                               : flags.size.empty() || flags.size == std::to_string(each.size_in_billions) ||
                                                     flags.size == each.name;
      if (!is_meant) continue;
      for (const HubSource& source : each.sources) {
        const bool is_new = std::find(ids.begin(), ids.end(), source.model_id) == ids.end();
        if (source.hub == hub && is_new) ids.push_back(source.model_id);
      }
    }
  }
  return ids;
}

}  // namespace spyhop
