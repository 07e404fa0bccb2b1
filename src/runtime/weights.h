// The tensors of a checkpoint: which there must be, and where they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/problem_list.h"
#include "registry/model_config.h"
#include "runtime/safetensors.h"
#include "spyhop/config.h"

namespace spyhop {

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  bool used = true;  // false: belongs to the checkpoint, but the model never reads it (vision.attn_pool.*)
};

/// Every tensor of a checkpoint of these dimensions. Source: modeling_deepseek_vl_v2.py, siglip_vit.py, modeling_deepseek.py.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

/// Memory that the weights take in the compute type.
int64_t weights_bytes(const ModelConfig& config, ComputeType compute);

/// Holds the tensors of a folder against the expected ones: missing (unused ones may be), extra, misshapen and wrongly typed
/// tensors, by name and file, at most 20 of each kind.
ProblemList check_tensors(const SafetensorsFolder& folder, const std::vector<TensorSpec>& expected);

/// Tensors by name, all in the compute dtype on the CPU. Tensors that the checkpoint stores in that dtype, aligned, are views
/// of the mapped file, which stays mapped while any of them lives: never write into them.
class Weights {
 public:
  using Map = std::unordered_map<std::string, at::Tensor>;
  explicit Weights(Map tensors) : tensors_(std::move(tensors)) {}

  /// Throws Error{kInternal} for a name that is not among the used ones of expected_tensors (a defect of ours, not of the
  /// checkpoint).
  const at::Tensor& at(const std::string& name) const;

  size_t size() const { return tensors_.size(); }

 private:
  Map tensors_;
};

/// Holds the files of `dir` against expected_tensors and loads the used ones; for LoadFormat::kDummy makes them up from the
/// seed without reading a file. `progress`, which may be null, is called on the calling thread with the share done, 0 to 1.
/// Works on RuntimeConfig::num_threads threads; what it makes does not depend on their number.
/// Throws Error{kModelLoad} with all problems of check_tensors together.
Weights load_weights(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                     void (*progress)(double share));

}  // namespace spyhop
