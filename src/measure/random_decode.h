// Sequences that are fed random tokens: every one goes to experts of its own, as real answers do.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/model_cost.h"
#include "runtime/runner.h"
#include "runtime/sampler.h"

namespace spyhop {

struct DecodePlan {
  int num_sequences = 1;
  int depth = 0;       // tokens in the cache before the first step
  int num_steps = 64;  // per run

  int64_t tokens_per_sequence() const { return int64_t{depth} + num_steps; }
};

/// The same tokens at the same positions in every run, so every run reads the same. A greedy sampler takes each step's logits;
/// what it chooses is not fed back. Uses the runner's KV blocks from the first one on.
class RandomDecode {
 public:
  /// Fills the cache up to plan.depth. The runner outlives this object.
  RandomDecode(Runner& runner, const DecodePlan& plan);

  /// All steps once.
  void run();

  /// All steps once, with the experts counted.
  DecodeTraffic count();

  const DecodePlan& plan() const { return plan_; }

 private:
  void fill_cache();
  std::vector<SequenceChunk> step_chunks(int step);

  Runner& runner_;
  DecodePlan plan_;
  std::vector<std::vector<int32_t>> tokens_;  // [num_sequences][depth + num_steps]
  std::vector<std::vector<int32_t>> tables_;
  std::vector<SequenceSampler> samplers_;
};

/// A prompt of random tokens in one step, the same every time.
class RandomPrompt {
 public:
  /// The runner outlives this object.
  RandomPrompt(Runner& runner, int num_tokens);

  void run();

 private:
  Runner& runner_;
  SequenceSampler sampler_;
  std::vector<SequenceChunk> chunks_;
};

/// KV blocks' worth of tokens that a plan takes in a cache of such blocks.
int64_t cache_tokens(const DecodePlan& plan, int block_size);

/// Any tokens of the vocabulary, reproducible.
std::vector<int32_t> random_tokens(int64_t count, int vocab_size, uint64_t seed);

/// Blocks first, first + 1, ... that hold `num_tokens`.
std::vector<int32_t> adjacent_blocks(int64_t first, int64_t num_tokens, int block_size);

}  // namespace spyhop
