// Which matrices a quantized model keeps as integers, and how a checkpoint stores them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/kernels/packed_matrix.h"
#include "runtime/weights.h"
#include "spyhop/config.h"

namespace spyhop {

/// "none", "int8" or "int4".
std::string quantization_name(Quantization quantization);

/// How the matrices are kept that quantization is for. kNone has no format of its own.
kernels::PackedFormat packed_format(Quantization quantization);

/// Attention, MLPs, experts and lm_head. Kept in the compute type: kv_b_proj, which attention takes apart by heads, the router,
/// whose choices jump, and embeddings, norms, image tower and projector.
bool is_quantizable(const TensorSpec& spec);

/// A matrix of a quantized model. gate_proj and up_proj are one, "X.gate_up_proj.weight", in the place of gate_proj. A
/// checkpoint stores it packed, see PackedShape: its panels under its name, U8 [panels, groups, bytes of a group], and its
/// scales, BF16 [panels, groups, 32], under that name with "_scale" behind.
struct QuantizedMatrix {
  std::string name;
  std::vector<std::string> sources;  // the tensors of a plain checkpoint
  kernels::PackedShape shape;

  TensorSpec panels() const;
  TensorSpec scales() const;
};

std::vector<QuantizedMatrix> quantized_matrices(const std::vector<TensorSpec>& specs, Quantization quantization);

/// The tensors of a quantized checkpoint; `specs`, those of a plain one.
std::vector<TensorSpec> quantized_tensors(const std::vector<TensorSpec>& specs, Quantization quantization);

/// What the model is to be kept in: the checkpoint's own quantization, or the one asked for. Throws Error{kModelLoad} when both
/// are there and differ, and for quantization on another device than the CPU.
Quantization resolve_quantization(const ModelConfig& config, const RuntimeConfig& runtime);

}  // namespace spyhop
