#include "registry/registry.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/file.h"
#include "common/nearest_match.h"
#include "common/problem_list.h"
#include "registry/model_id.h"
#include "registry/shipped_models.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFamilyBytes = size_t{4} << 20;
constexpr const char* kModelsVariable = "SPYHOP_MODELS_DIR";
const std::string kSchemaEnding = ".schema.json";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_entry(const fs::path& path) {
  const std::string name = path.filename().string();
  const bool is_schema = name.size() >= kSchemaEnding.size() &&
                         name.compare(name.size() - kSchemaEnding.size(), kSchemaEnding.size(), kSchemaEnding) == 0;
  return path.extension() == ".json" && !is_schema && name[0] != '.';
}

std::vector<fs::path> entries_of(const std::string& dir) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator each(dir, error), end; !error && each != end; each.increment(error)) {
    if (is_entry(each->path())) paths.push_back(each->path());
  }
  if (error) throw Error(ErrorCode::kModelLoad, dir + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

ModelFamily read_entry(const fs::path& path, EntryOrigin origin) {
  return parse_model_family(read_text_file(path.string(), kMaxFamilyBytes), path.string(), origin);
}

Registry load_shipped() {
  const std::string dir = environment(kModelsVariable);
  return dir.empty() ? Registry::shipped() : Registry::load_folder(dir);
}

std::string user_entry_path(const std::string& name) {
  return user_models_dir() + "/" + name + ".json";
}

}  // namespace

void Registry::add(ModelFamily family, const std::string& file) {
  for (const ModelFamily& other : families_) {
    if (other.name != family.name) continue;
    throw Error(ErrorCode::kModelLoad, file + ": model_name = " + in_quotes(family.name) + "; allowed: a name that no other " +
                                           (other.is_builtin && !family.is_builtin ? "model" : "file of the folder") + " has");
  }
  families_.push_back(std::move(family));
}

Registry Registry::load_folder(const std::string& dir, EntryOrigin origin) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) throw Error(ErrorCode::kModelLoad, dir + ": no such folder");
  const std::vector<fs::path> paths = entries_of(dir);
  if (paths.empty()) throw Error(ErrorCode::kModelLoad, dir + ": no *.json file in it");
  Registry registry;
  for (const fs::path& path : paths) registry.add(read_entry(path, origin), path.string());
  return registry;
}

Registry Registry::shipped() {
  Registry registry;
  for (const ShippedFile& file : shipped_model_files()) {
    registry.add(parse_model_family(std::string(file.text), file.name), file.name);
  }
  return registry;
}

Registry Registry::load() {
  Registry registry = load_shipped();
  const std::string dir = user_models_dir();
  std::error_code error;
  if (!fs::is_directory(dir, error)) return registry;
  for (const fs::path& path : entries_of(dir)) registry.add(read_entry(path, EntryOrigin::kUser), path.string());
  return registry;
}

const ModelFamily& Registry::family(const std::string& name) const {
  std::vector<std::string> known;
  for (const ModelFamily& candidate : families_) {
    if (candidate.name == name) return candidate;
    known.push_back(candidate.name);
  }
  throw Error(ErrorCode::kModelNotFound, "no model is named " + in_quotes(name) + "; " + allowed_text(name, known),
              "model_name");
}

bool Registry::has(const std::string& name) const {
  return std::any_of(families_.begin(), families_.end(), [&](const ModelFamily& each) { return each.name == name; });
}

std::string user_models_dir() {
  std::string home = environment("SPYHOP_HOME");
  if (home.empty()) home = environment("HOME") + "/.spyhop";
  return home + "/models";
}

ModelFamily add_user_model(const std::string& text, const std::string& file) {
  ModelFamily family = parse_model_family(text, file, EntryOrigin::kUser);
  const Registry shipped = load_shipped();
  for (const ModelFamily& other : shipped.families()) {
    if (other.name != family.name) continue;
    throw Error(ErrorCode::kModelLoad,
                file + ": model_name = " + in_quotes(family.name) + "; allowed: a name that no shipped model has");
  }
  std::error_code error;
  fs::create_directories(user_models_dir(), error);
  if (error) throw Error(ErrorCode::kModelLoad, user_models_dir() + ": " + error.message());
  replace_text_file(user_entry_path(family.name), text);
  return family;
}

void remove_user_model(const std::string& name) {
  const Registry shipped = load_shipped();
  for (const ModelFamily& family : shipped.families()) {
    if (family.name == name) {
      throw Error(ErrorCode::kInvalidRequest, "model " + in_quotes(name) + " is shipped; allowed: a model that was added",
                  "model_name");
    }
  }
  std::error_code error;
  const bool removed = is_model_name(name) && fs::remove(user_entry_path(name), error);
  if (error) throw Error(ErrorCode::kModelLoad, user_entry_path(name) + ": " + error.message());
  if (!removed) throw Error(ErrorCode::kModelNotFound, "no model named " + in_quotes(name) + " was added", "model_name");
}

ModelConfig registered_model_config(const std::string& model_name, const std::string& size) {
  const Registry registry = Registry::load();
  const ModelVariant& variant = registry.family(model_name).variant(size);
  if (!variant.config) {
    throw Error(ErrorCode::kModelLoad, "the entry of " + model_name + " has no config; its checkpoint is needed", "model_name");
  }
  return *variant.config;
}

}  // namespace spyhop
