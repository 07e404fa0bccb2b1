// The models that the program knows by name: those of models/*.json, and those of the user.
#pragma once

#include <string>
#include <vector>

#include "registry/model_family.h"

namespace spyhop {

/// Thread safety: immutable.
class Registry {
 public:
  /// The models shipped with the program, or those of the folder SPYHOP_MODELS_DIR in their place, and those of
  /// user_models_dir(). Throws Error{kModelLoad}.
  static Registry load();

  /// Those shipped with the program alone.
  static Registry shipped();

  /// Reads every *.json file of `dir`, schemas aside. Throws Error{kModelLoad}: no such folder, no such file in it, bad files,
  /// a name twice.
  static Registry load_folder(const std::string& dir, EntryOrigin origin = EntryOrigin::kShipped);

  const std::vector<ModelFamily>& families() const { return families_; }
  /// Throws Error{kModelNotFound, param "model_name"} naming the families there are and the nearest.
  const ModelFamily& family(const std::string& name) const;
  bool has(const std::string& name) const;

 private:
  void add(ModelFamily family, const std::string& file);

  std::vector<ModelFamily> families_;
};

/// Folder of the models that the user has added, one NAME.json each: $SPYHOP_HOME/models, by default ~/.spyhop/models. It need
/// not exist.
std::string user_models_dir();

/// Checks the entry, called `file` in messages, and writes it into user_models_dir(), in place of an earlier one of its name.
/// Returns its family. Throws Error{kModelLoad} for bad entries and names of shipped models, and when the file cannot be
/// written.
ModelFamily add_user_model(const std::string& text, const std::string& file);

/// Throws Error{kModelNotFound, param "model_name"} when the user has added no model of that name, and Error{kInvalidRequest}
/// for one that is shipped.
void remove_user_model(const std::string& name);

/// Dimensions of a registered model without any checkpoint, as LoadFormat::kDummy needs them. `size` as for
/// ModelFamily::variant. Throws Error.
ModelConfig registered_model_config(const std::string& model_name, const std::string& size);

}  // namespace spyhop
