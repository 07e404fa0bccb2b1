// The models that the program knows by name, read from models/*.json.
#pragma once

#include <string>
#include <vector>

#include "registry/model_config.h"

namespace spyhop {

/// Where a hub keeps a variant.
struct HubSource {
  std::string hub;       // "huggingface", "modelscope"
  std::string model_id;  // "deepseek-ai/deepseek-vl2"
  std::string url;       // page of the model
};

/// One size of a family.
struct ModelVariant {
  std::string name;            // "tiny"
  std::string format;          // "pytorch"
  int size_in_billions = 0;    // parameters
  std::string activated_size;  // parameters that one token uses, in billions: "4_5" is 4.5
  std::vector<std::string> quantizations;
  std::vector<HubSource> sources;
  ModelConfig config;  // of the checkpoint on the hubs
};

struct ModelFamily {
  std::string name;        // "deepseek-vl2"
  int context_length = 0;  // tokens
  std::vector<std::string> languages;
  std::vector<std::string> abilities;
  std::string description;
  std::vector<std::string> stop;       // texts that end an answer
  std::vector<ModelVariant> variants;  // in the order of the file

  /// By billions of parameters ("27") or by name ("base").
  /// Throws Error{kInvalidRequest, param "size_in_billions"} naming the sizes there are.
  const ModelVariant& variant(const std::string& size) const;
};

/// Strict: unknown keys, wrong types, configurations that cannot be served and names or sizes that appear twice are reported
/// together, by `file` and JSON path. Throws Error{kModelLoad}.
ModelFamily parse_model_family(const std::string& text, const std::string& file);

/// Thread safety: immutable.
class Registry {
 public:
  /// Reads every *.json file of `dir`. Throws Error{kModelLoad}: no such folder, no such file in it, bad files, a name twice.
  static Registry load(const std::string& dir);

  const std::vector<ModelFamily>& families() const { return families_; }
  /// Throws Error{kModelNotFound, param "model_name"} naming the families there are.
  const ModelFamily& family(const std::string& name) const;

 private:
  std::vector<ModelFamily> families_;
};

/// The folder of models/*.json: the environment's SPYHOP_MODELS_DIR; else the first there is of share/spyhop/models beside the
/// program's bin folder, models beside the program, the installed one and the source tree's. Throws Error{kModelLoad} naming
/// them.
std::string find_models_dir();

/// Dimensions of a registered model without any checkpoint, as LoadFormat::kDummy needs them. `size` as for
/// ModelFamily::variant. Throws Error.
ModelConfig registered_model_config(const std::string& model_name, const std::string& size);

}  // namespace spyhop
