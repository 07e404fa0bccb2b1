#include "measure/random_decode.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <unordered_set>

namespace spyhop {
namespace {

constexpr int kFillChunk = 512;  // tokens per step while the cache is filled
constexpr uint64_t kSeed = 4;

SamplingParams greedy() {
  SamplingParams params;
  params.temperature = 0;
  return params;
}

size_t count_distinct(const at::Tensor& ids) {
  const at::Tensor flat = ids.contiguous();
  const auto* const begin = flat.data_ptr<int64_t>();
  return std::unordered_set<int64_t>(begin, begin + flat.numel()).size();
}

}  // namespace

std::vector<int32_t> random_tokens(int64_t count, int vocab_size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int32_t> any(0, vocab_size - 1);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::generate(tokens.begin(), tokens.end(), [&] { return any(random); });
  return tokens;
}

std::vector<int32_t> adjacent_blocks(int64_t first, int64_t num_tokens, int block_size) {
  std::vector<int32_t> blocks(static_cast<size_t>((num_tokens + block_size - 1) / block_size));
  std::iota(blocks.begin(), blocks.end(), static_cast<int32_t>(first));
  return blocks;
}

RandomPrompt::RandomPrompt(Runner& runner, int num_tokens)
    : runner_(runner), sampler_(greedy(), {}, runner.config().language.vocab_size, kSeed), chunks_(1) {
  chunks_[0].token_ids = random_tokens(num_tokens, runner.config().language.vocab_size, kSeed);
  chunks_[0].block_table = adjacent_blocks(0, num_tokens, runner.kv_block_size());
}

void RandomPrompt::run() {
  chunks_[0].sampler = &sampler_;
  runner_.run(chunks_);
}

int64_t cache_tokens(const DecodePlan& plan, int block_size) {
  const int64_t blocks = (plan.tokens_per_sequence() + block_size - 1) / block_size;
  return blocks * block_size * plan.num_sequences;
}

RandomDecode::RandomDecode(Runner& runner, const DecodePlan& plan) : runner_(runner), plan_(plan) {
  const int vocab_size = runner.config().language.vocab_size;
  int64_t next_block = 0;
  for (int i = 0; i < plan.num_sequences; ++i) {
    const auto seed = kSeed + static_cast<uint64_t>(i);
    tokens_.push_back(random_tokens(plan.tokens_per_sequence(), vocab_size, seed));
    tables_.push_back(adjacent_blocks(next_block, plan.tokens_per_sequence(), runner.kv_block_size()));
    next_block += static_cast<int64_t>(tables_.back().size());
    samplers_.emplace_back(greedy(), std::vector<int32_t>{}, vocab_size, seed);
  }
  fill_cache();
}

void RandomDecode::fill_cache() {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    for (int begin = 0; begin < plan_.depth; begin += kFillChunk) {
      SequenceChunk chunk;
      const int end = std::min(begin + kFillChunk, plan_.depth);
      chunk.token_ids.assign(tokens_[i].begin() + begin, tokens_[i].begin() + end);
      chunk.first_position = begin;
      chunk.block_table = tables_[i];
      runner_.run({chunk});
    }
  }
}

std::vector<SequenceChunk> RandomDecode::step_chunks(int step) {
  std::vector<SequenceChunk> chunks(tokens_.size());
  const int position = plan_.depth + step;
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].token_ids = {tokens_[i][static_cast<size_t>(position)]};
    chunks[i].first_position = position;
    chunks[i].block_table = tables_[i];
    chunks[i].sampler = &samplers_[i];
  }
  return chunks;
}

void RandomDecode::run() {
  for (int step = 0; step < plan_.num_steps; ++step) runner_.run(step_chunks(step));
}

DecodeTraffic RandomDecode::count() {
  double distinct = 0;
  double layers = 0;
  double positions = 0;
  for (int step = 0; step < plan_.num_steps; ++step) {
    ForwardTrace trace;
    runner_.run(step_chunks(step), &trace);
    for (const at::Tensor& ids : trace.topk_ids) distinct += static_cast<double>(count_distinct(ids));
    layers += static_cast<double>(trace.topk_ids.size());
    positions += static_cast<double>(plan_.num_sequences) * (plan_.depth + step + 1);
  }
  return {layers > 0 ? distinct / layers : 0, positions / plan_.num_steps};
}

}  // namespace spyhop
