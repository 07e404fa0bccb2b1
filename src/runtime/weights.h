// The tensors of a checkpoint: which there must be, and where they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/problem_list.h"
#include "registry/model_config.h"
#include "runtime/kernels/packed_matrix.h"
#include "runtime/safetensors.h"
#include "spyhop/config.h"

namespace spyhop {

/// What a tensor is for.
enum class WeightKind {
  kVision,     // the whole tower
  kProjector,  // with the newline and the separator of images
  kEmbedding,
  kAttention,
  kDenseMlp,
  kRoutedExperts,
  kSharedExperts,
  kRouter,
  kNorm,  // of the language model
  kLmHead,
};

constexpr std::array<WeightKind, 10> kWeightKinds{
    WeightKind::kVision,   WeightKind::kProjector,     WeightKind::kEmbedding,     WeightKind::kAttention,
    WeightKind::kDenseMlp, WeightKind::kRoutedExperts, WeightKind::kSharedExperts, WeightKind::kRouter,
    WeightKind::kNorm,     WeightKind::kLmHead};

/// "vision", "routed_experts", ...
const char* weight_kind_name(WeightKind kind);

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  WeightKind kind = WeightKind::kVision;
  bool used = true;  // false: belongs to the checkpoint, but the model never reads it (vision.attn_pool.*)
  std::optional<StoredType> type = std::nullopt;  // how it is stored; nullopt: BF16, F16 or F32

  int64_t num_elements() const;
};

/// Every tensor of a checkpoint of these dimensions. Source: modeling_deepseek_vl_v2.py, siglip_vit.py, modeling_deepseek.py.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

/// Holds the tensors of a folder against the expected ones: missing (unused ones may be), extra, misshapen and wrongly typed
/// tensors, by name and file, at most 20 of each kind.
ProblemList check_tensors(const SafetensorsFolder& folder, const std::vector<TensorSpec>& expected);

/// Tensors by name, all in the compute dtype, made when they are asked for: so no more of the checkpoint is in memory than the
/// layer that is being built. Ask once and keep the tensor.
class Weights {
 public:
  using Map = std::unordered_map<std::string, at::Tensor>;
  struct Source {
    std::function<at::Tensor()> make;
    int64_t num_bytes = 0;
  };
  using Sources = std::unordered_map<std::string, Source>;
  struct MatrixSource {
    std::function<kernels::PackedMatrix()> make;
    int64_t num_bytes = 0;
  };
  using MatrixSources = std::unordered_map<std::string, MatrixSource>;
  using Progress = std::function<void(double share)>;

  explicit Weights(const Map& tensors);

  /// `progress`, which may be null, is called by at() with the share of all bytes that has been made; never beyond 1. What it
  /// throws passes through at().
  /// `matrices`: those that are quantized.
  explicit Weights(Sources sources, Progress progress = nullptr, MatrixSources matrices = {});

  /// Throws Error{kInternal} for a name that is not among the used ones of expected_tensors (a defect of ours, not of the
  /// checkpoint).
  at::Tensor at(const std::string& name) const;

  /// PREFIX.weight as the kernels want it; on the CPU only.
  kernels::PackedMatrix matrix(const std::string& prefix) const;

  /// PREFIX.gate_proj.weight and PREFIX.up_proj.weight side by side, likewise.
  kernels::PackedMatrix gated_matrix(const std::string& prefix) const;

  bool on_cpu() const { return on_cpu_; }
  size_t size() const { return sources_.size(); }

 private:
  void count_made(int64_t num_bytes) const;

  Sources sources_;
  MatrixSources matrices_;
  bool on_cpu_ = true;
  Progress progress_;
  int64_t total_bytes_ = 0;
  mutable int64_t made_bytes_ = 0;
};

/// Holds the files of `dir` against expected_tensors, or what quantized_tensors makes of them; for LoadFormat::kDummy makes the
/// tensors up from the seed without reading a file. Matrices are quantized as they are made where RuntimeConfig::quantization
/// asks for it. Tensors that are stored in the compute dtype, aligned, and quantized matrices are views of the mapped file,
/// which stays mapped while any of them lives; the pages of one leave this process's memory with its last owner. Never write
/// into them. Works on RuntimeConfig::num_threads threads; what it makes does not depend on their number. Throws
/// Error{kModelLoad} with all problems of check_tensors together, and when memory cannot hold the weights.
Weights load_weights(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                     Weights::Progress progress);

}  // namespace spyhop
