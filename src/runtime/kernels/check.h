// Preconditions of the kernels, checked where they are cheap.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "spyhop/error.h"

namespace spyhop {

/// Throws Error{kInternal}: the caller is at fault, never the request or the checkpoint.
inline void require(bool holds, const char* what) {
  if (!holds) throw Error(ErrorCode::kInternal, std::string("runtime: ") + what);
}

/// Whether the hand-written loops can take it; everything else (another device) goes through ATen.
inline bool on_cpu(const at::Tensor& tensor) {
  return tensor.device().is_cpu();
}

inline bool is_compute_type(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kFloat;
}

}  // namespace spyhop
