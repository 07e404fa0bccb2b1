// What a file of models/ says about a family of models.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

/// Where a hub keeps a variant.
struct HubSource {
  std::string hub;       // "huggingface", "modelscope"
  std::string model_id;  // "deepseek-ai/deepseek-vl2"
  std::string url;       // page of the model; may be empty in entries of users
  std::string revision;  // branch, tag or commit; empty = the hub's default branch
};

/// One size of a family.
struct ModelVariant {
  std::string name;            // "tiny"
  std::string format;          // "pytorch"
  int size_in_billions = 0;    // parameters; 0 = less than half a billion
  std::string activated_size;  // parameters that one token uses, in billions: "4_5" is 4.5; may be empty in entries of users
  std::vector<std::string> quantizations;
  std::vector<std::string> engines;  // the first is its proper name, the others are aliases
  std::vector<HubSource> sources;    // empty where `path` is given
  std::string path;  // folder of a user's own checkpoint, or of one that comes with the program; empty = on the hubs
  std::optional<ModelConfig> config;  // of the checkpoint on the hubs; always there in shipped entries
};

/// Which of a family's variants is meant. Empty fields leave the choice open.
struct ModelChoice {
  std::string size;    // billions ("27") or name ("base")
  std::string format;  // these three are matched without case
  std::string quantization;
  std::string engine;
};

struct ModelFamily {
  std::string name;        // "deepseek-vl2"
  int context_length = 0;  // tokens
  std::vector<std::string> languages;
  std::vector<std::string> abilities;
  std::string description;                     // may be empty in entries of users
  std::vector<std::string> stop;               // texts that end an answer
  std::vector<int> stop_token_ids;             // tokens that do
  std::optional<SamplingDefaults> generation;  // as the authors recommend; always there in shipped entries
  std::vector<ModelVariant> variants;          // in the order of the file
  bool is_builtin = false;                     // shipped with the program, not a user's entry

  /// By billions of parameters ("27") or by name ("base").
  /// Throws Error{kInvalidRequest, param "size_in_billions"} naming the sizes there are.
  const ModelVariant& variant(const std::string& size) const;

  /// The variant of `choice.size`, or the only one. Throws Error{kInvalidRequest} naming the field as param, what there is and
  /// what is nearest to the value.
  const ModelVariant& choose(const ModelChoice& choice) const;
};

/// Who wrote an entry. Shipped ones must say everything; in those of users description, activated size, page, name of the
/// variant and configuration may be left out.
enum class EntryOrigin { kShipped, kUser };

/// Strict: unknown keys, wrong types, configurations that cannot be served and names or sizes that appear twice are reported
/// together, by `file` and JSON path. models/model-family.schema.json says the same. Throws Error{kModelLoad}.
ModelFamily parse_model_family(const std::string& text, const std::string& file, EntryOrigin origin = EntryOrigin::kShipped);

}  // namespace spyhop
