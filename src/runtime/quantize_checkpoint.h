// Writing a checkpoint again with its matrices in integers.
#pragma once

#include <string>

#include "spyhop/config.h"

namespace spyhop {

struct QuantizeOptions {
  std::string from;  // folder of a plain checkpoint
  std::string to;    // folder, made when missing; may not hold weights yet
  Quantization quantization = Quantization::kInt8;
  int num_threads = 0;  // 0 = physical cores
};

/// Bytes of the weights before and after.
struct QuantizeResult {
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
};

/// Writes TO/model.safetensors, TO/config.json with a quantization_config, and copies of the other small files of FROM
/// (tokenizer, processor, licence). The weights are the same bits that launching FROM with this quantization makes. One matrix
/// at a time is in memory; config.json comes last, so a run that was cut off leaves no folder that looks whole. Throws
/// Error{kModelLoad}: unsound or quantized FROM, TO with weights in it, disk full.
QuantizeResult quantize_checkpoint(const QuantizeOptions& options, void (*progress)(double share) = nullptr);

}  // namespace spyhop
