// Filling large tensors on several threads: conversion of stored values and random values.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/safetensors.h"

namespace spyhop {

/// Work over the elements of one tensor that can be cut anywhere at multiples of kFillChunk.
struct FillJob {
  int64_t num_elements = 0;
  std::function<void(int64_t begin, int64_t end)> fill;  // must not throw; called from several threads, for disjoint ranges
};

constexpr int64_t kFillChunk = int64_t{1} << 16;  // elements

/// Does a job on the calling thread's pool. What it makes does not depend on the number of threads.
void run_fill_job(const FillJob& job);

/// Writes the values of `source` (BF16, F16 or F32, any alignment), rounded to nearest even, to `target` (bf16 or f32,
/// contiguous, as many elements). The job keeps `target` alive, not the source.
FillJob convert_job(const StoredTensor& source, const at::Tensor& target);

/// How a tensor is made up: uniform in (-amplitude, amplitude) around `centre`.
struct RandomFill {
  uint64_t seed = 0;
  float centre = 0.0F;
  float amplitude = 0.0F;
};

/// Each value depends on the seed and its position only; all are bf16 values, also in a f32 target.
FillJob random_job(const RandomFill& random, const at::Tensor& target);

/// A seed of its own for each name.
uint64_t seed_of(const std::string& name, uint64_t seed);

}  // namespace spyhop
