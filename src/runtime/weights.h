// The tensors of a checkpoint: which there must be, and where they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  bool used = true;  // false: belongs to the checkpoint, but the model never reads it (vision.attn_pool.*)
};

/// Every tensor of a checkpoint of these dimensions. Source: modeling_deepseek_vl_v2.py, siglip_vit.py, modeling_deepseek.py.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

/// Tensors by name, all in the compute dtype on the CPU. Tensors that the checkpoint stores in that dtype, aligned, are views of
/// the mapped file, which stays mapped while any of them lives.
class Weights {
 public:
  using Map = std::unordered_map<std::string, at::Tensor>;
  explicit Weights(Map tensors) : tensors_(std::move(tensors)) {}

  /// Throws Error{kInternal} for a name that is not in expected_tensors (a defect of ours, not of the checkpoint).
  const at::Tensor& at(const std::string& name) const;

 private:
  Map tensors_;
};

/// Holds the files of `dir` against expected_tensors and loads the used ones; for LoadFormat::kDummy makes them up from the seed
/// without reading a file. `progress` may be null. Throws Error{kModelLoad}: missing, extra, misshapen and wrongly typed
/// tensors are reported together, by name and file.
Weights load_weights(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime, void (*progress)(double share));

}  // namespace spyhop
