#include "registry/registry.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "common/file.h"
#include "common/json_fields.h"
#include "registry/config_reader.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMaxFamilyBytes = size_t{4} << 20;
constexpr const char* kModelsVariable = "SPYHOP_MODELS_DIR";

std::vector<HubSource> read_sources(JsonFields fields) {
  std::vector<HubSource> sources;
  for (const char* hub : {"huggingface", "modelscope"}) {
    if (!fields.has(hub)) continue;
    JsonFields entry = fields.object(hub, /*required=*/true);
    sources.push_back({hub, entry.text("model_id"), entry.text("url")});
    entry.report_unknown_keys();
  }
  fields.report_unknown_keys();
  return sources;
}

ModelVariant read_variant(JsonFields& fields, const json& no_processor, ProblemList& problems) {
  ModelVariant variant;
  variant.name = fields.text("variant");
  variant.format = fields.one_of("model_format", {"pytorch"});
  variant.size_in_billions = fields.integer("model_size_in_billions", {1, 10000});
  variant.activated_size = fields.text("activated_size_in_billions");
  variant.quantizations = fields.texts("quantizations");
  variant.sources = read_sources(fields.object("model_src", /*required=*/true));
  // The checkpoint's own file, so keys beyond those that matter here are not unknown.
  JsonFields config = fields.object("config", /*required=*/true);
  JsonFields processor(no_processor, fields.file(), "", problems);
  if (fields.is_valid("config")) variant.config = read_model_config(config, processor);
  fields.report_unknown_keys();
  return variant;
}

void check_variants(const ModelFamily& family, const std::string& file, ProblemList& problems) {
  const std::vector<ModelVariant>& all = family.variants;
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (all[i].name == all[j].name || all[i].size_in_billions == all[j].size_in_billions) {
        problems.add(file + ": model_specs[" + std::to_string(i) + "] and [" + std::to_string(j) +
                     "] have the same variant or size; allowed: each once");
      }
    }
  }
}

std::vector<fs::path> models_dir_candidates() {
  std::vector<fs::path> candidates;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    candidates.push_back(program.parent_path().parent_path() / "share" / "spyhop" / "models");
    candidates.push_back(program.parent_path() / "models");
  }
  candidates.emplace_back(SPYHOP_INSTALLED_MODELS_DIR);
  candidates.emplace_back(SPYHOP_SOURCE_MODELS_DIR);
  return candidates;
}

}  // namespace

const ModelVariant& ModelFamily::variant(const std::string& size) const {
  std::string known;
  for (const ModelVariant& candidate : variants) {
    const std::string billions = std::to_string(candidate.size_in_billions);
    if (size == billions || size == candidate.name) return candidate;
    known += (known.empty() ? "" : ", ") + billions + " (" + candidate.name + ")";
  }
  throw Error(ErrorCode::kInvalidRequest, "model " + name + " has no size " + in_quotes(size) + "; allowed: " + known,
              "size_in_billions");
}

ModelFamily parse_model_family(const std::string& text, const std::string& file) {
  const json document = parse_json(text, file);
  const json no_processor = json::object();
  ProblemList problems;
  JsonFields fields(document, file, "", problems);
  ModelFamily family;
  family.name = fields.text("model_name");
  family.context_length = fields.integer("context_length", {1, 1 << 20});
  family.languages = fields.texts("model_lang");
  family.abilities = fields.texts("model_ability");
  family.description = fields.text("model_description");
  family.stop = fields.texts("stop");
  for (JsonFields& spec : fields.objects("model_specs")) {
    family.variants.push_back(read_variant(spec, no_processor, problems));
  }
  fields.report_unknown_keys();
  if (problems.empty()) check_variants(family, file, problems);
  problems.throw_if_any(ErrorCode::kModelLoad, "the description of a model cannot be used");
  return family;
}

Registry Registry::load(const std::string& dir) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) throw Error(ErrorCode::kModelLoad, dir + ": no such folder");
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  if (paths.empty()) throw Error(ErrorCode::kModelLoad, dir + ": no *.json file in it");
  std::sort(paths.begin(), paths.end());

  Registry registry;
  for (const fs::path& path : paths) {
    ModelFamily family = parse_model_family(read_text_file(path.string(), kMaxFamilyBytes), path.string());
    for (const ModelFamily& other : registry.families_) {
      if (other.name != family.name) continue;
      throw Error(ErrorCode::kModelLoad, path.string() + ": model_name = " + in_quotes(family.name) +
                                             "; allowed: a name that no other file of the folder has");
    }
    registry.families_.push_back(std::move(family));
  }
  return registry;
}

const ModelFamily& Registry::family(const std::string& name) const {
  std::string known;
  for (const ModelFamily& candidate : families_) {
    if (candidate.name == name) return candidate;
    known += (known.empty() ? "" : ", ") + candidate.name;
  }
  throw Error(ErrorCode::kModelNotFound, "no model is named " + in_quotes(name) + "; allowed: " + known, "model_name");
}

std::string find_models_dir() {
  if (const char* given = std::getenv(kModelsVariable); given != nullptr && *given != '\0') return given;
  std::string looked;
  for (const fs::path& candidate : models_dir_candidates()) {
    std::error_code error;
    if (fs::is_directory(candidate, error)) return candidate.string();
    looked += "\n  " + candidate.string();
  }
  throw Error(ErrorCode::kModelLoad,
              std::string("no folder of model descriptions; set ") + kModelsVariable + "; looked for" + looked);
}

ModelConfig registered_model_config(const std::string& model_name, const std::string& size) {
  return Registry::load(find_models_dir()).family(model_name).variant(size).config;
}

}  // namespace spyhop
