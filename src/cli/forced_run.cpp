#include "cli/forced_run.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace spyhop {
namespace {

constexpr size_t kChunkTokens = 128;  // with a vocabulary of 129280 their logits take 100 MB

/// Tokens [begin, end) of a sequence that has the cache to itself.
SequenceChunk chunk_of(const Runner& runner, const std::vector<int32_t>& token_ids, size_t begin, size_t end) {
  SequenceChunk chunk;
  chunk.token_ids.assign(token_ids.begin() + static_cast<std::ptrdiff_t>(begin),
                         token_ids.begin() + static_cast<std::ptrdiff_t>(end));
  chunk.first_position = static_cast<int>(begin);
  chunk.block_table.resize((end - 1) / static_cast<size_t>(runner.kv_block_size()) + 1);
  std::iota(chunk.block_table.begin(), chunk.block_table.end(), 0);
  return chunk;
}

}  // namespace

void append_greedy_answer(Runner& runner, ForcedSequence& sequence, int max_tokens, int32_t eos) {
  SamplingParams params;
  params.temperature = 0;
  SequenceSampler sampler(params, {}, runner.config().language.vocab_size, /*seed=*/0);
  std::vector<int32_t>& ids = sequence.token_ids;
  size_t computed = 0;
  for (int i = 0; i < max_tokens; ++i) {
    std::optional<SampledToken> next;
    while (computed < ids.size()) {
      const size_t end = std::min(computed + kChunkTokens, ids.size());
      SequenceChunk chunk = chunk_of(runner, ids, computed, end);
      if (end == ids.size()) chunk.sampler = &sampler;
      next = runner.run({chunk}).front();
      computed = end;
    }
    if (!next || next->id == eos) return;
    ids.push_back(next->id);
  }
}

void for_each_position(Runner& runner, const ForcedSequence& sequence, const LogitsConsumer& consumer) {
  const size_t num_tokens = sequence.token_ids.size();
  for (size_t begin = 0; begin < num_tokens; begin += kChunkTokens) {
    const size_t end = std::min(begin + kChunkTokens, num_tokens);
    ForwardTrace trace;
    runner.run({chunk_of(runner, sequence.token_ids, begin, end)}, &trace);
    const at::Tensor logits = trace.logits.to(at::kCPU).contiguous();
    const int64_t width = logits.size(1);
    for (size_t i = begin; i < end; ++i) {
      consumer(i, logits.data_ptr<float>() + static_cast<int64_t>(i - begin) * width);
    }
  }
}

}  // namespace spyhop
